"""What only a real server shows: limits while a body is still coming, and clients that go away."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.common.log.port import Log
from tests.integration.ingest.bad_requests import MENTION, MENTIONS
from tests.integration.ingest.serving import served
from tests.integration.ingest.world import GatedLog, World

MAX_BODY = 64 << 10


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, World]]:
    with served(
        tmp_path, max_body_bytes=MAX_BODY, max_in_flight_bytes=2 * MAX_BODY, body_timeout_seconds=0.5
    ) as address_and_world:
        yield address_and_world


class Connection:
    """A bare connection: it can send half a request, or wait with the body."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, head: str, body: bytes = b"") -> None:
        """Send a request's head, and a part of the body."""
        self.writer.write(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
        await self.writer.drain()

    async def status(self) -> int:
        """Status of the next answer, which is read to its end."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        await self.reader.readexactly(length)
        return int(head.split()[1])

    async def ended(self) -> bool:
        """Whether the server has closed the connection."""
        return await self.reader.read(1) == b""


async def connect(server: tuple[str, World]) -> Connection:
    host, port = server[0].removeprefix("http://").split(":")
    return Connection(*await asyncio.open_connection(host, int(port)))


def head(server: tuple[str, World], **headers: str) -> str:
    lines = [f"POST {MENTIONS} HTTP/1.1", "Host: ingest", f"Authorization: Bearer {server[1].key}"]
    lines += [
        "Content-Type: application/json",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\n".join(lines) + "\n"


async def test_a_declared_body_that_is_too_large_is_refused_before_it_is_sent(server: tuple[str, World]) -> None:
    connection = await connect(server)
    await connection.send(head(server, Content_Length=str(MAX_BODY + 1), Expect="100-continue"))
    assert await connection.status() == 413


async def test_a_chunked_body_is_refused_once_it_is_too_large(server: tuple[str, World]) -> None:
    connection = await connect(server)
    await connection.send(head(server, Transfer_Encoding="chunked"))
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    for _ in range(MAX_BODY // 0x4000):
        connection.writer.write(chunk)
    connection.writer.write(b"1\r\n \r\n")  # the body goes on: it is refused all the same
    assert await connection.status() == 413


async def test_a_body_that_stalls_gets_408_and_the_connection_ends(server: tuple[str, World]) -> None:
    connection = await connect(server)
    await connection.send(head(server, Content_Length="100"), b'[{"brand"')
    assert await connection.status() == 408
    assert await connection.ended()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def requests(world: World, status: int) -> float:
    return world.metric("triage_ingest_requests_total", route=MENTIONS, status=str(status))


async def test_a_tenant_whose_requests_hold_its_room_waits(server: tuple[str, World]) -> None:
    holder = await connect(server)
    await holder.send(head(server, Content_Length=str(MAX_BODY)), b" " * (MAX_BODY - 2))
    await until(lambda: server[1].metric("triage_ingest_in_flight_bytes") == MAX_BODY - 2)
    body = json.dumps(MENTION).encode()
    late = await connect(server)
    await late.send(head(server, Content_Length=str(len(body))), body)
    assert await late.status() == 429
    holder.writer.write(b"[]")
    assert await holder.status() == 422
    await late.send(head(server, Content_Length=str(len(body))), body)
    assert await late.status() == 202


async def test_requests_that_announce_much_and_send_nothing_keep_nobody_out(server: tuple[str, World]) -> None:
    for _ in range(4):
        idle = await connect(server)
        await idle.send(head(server, Content_Length=str(MAX_BODY), Expect="100-continue"))
        assert b"100 Continue" in await idle.reader.readuntil(b"\r\n\r\n")
    body = json.dumps(MENTION).encode()
    other = await connect(server)
    await other.send(head(server, Content_Length=str(len(body))), body)
    assert await other.status() == 202


async def test_a_client_that_leaves_before_its_body_is_complete_leaves_nothing(server: tuple[str, World]) -> None:
    world = server[1]
    leaver = await connect(server)
    await leaver.send(head(server, Content_Length=str(MAX_BODY)), json.dumps([MENTION]).encode())
    leaver.writer.close()
    await until(lambda: requests(world, 400))
    assert world.metric("triage_ingest_in_flight_bytes") == 0
    assert await world.mentions() == []


async def test_a_client_that_leaves_before_the_answer_is_taken_in(tmp_path: Path) -> None:
    gated: list[GatedLog] = []

    def gate(log: Log) -> GatedLog:
        gated.append(GatedLog(log))
        return gated[0]

    with served(tmp_path, gate) as server:
        world = server[1]
        body = json.dumps(MENTION).encode()
        leaver = await connect(server)
        await leaver.send(head(server, Content_Length=str(len(body))), body)
        assert await asyncio.to_thread(gated[0].reached.wait, 10)
        leaver.writer.close()
        await leaver.writer.wait_closed()
        gated[0].gate.set()
        await until(lambda: requests(world, 202))
        assert [mention.native_id for mention in await world.mentions()] == ["1"]
