"""Connections that never come to a request cost little, and end; on both event loops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from fastapi import FastAPI

from services.common.http import limits
from services.common.http.server import HttpServer
from tests.support.stack import free_ports

KIB = 1 << 10
SHORT_SECONDS = 0.05
GET = b"GET / HTTP/1.1\r\nHost: test\r\n"
POST = b"POST / HTTP/1.1\r\nHost: test\r\n"
OK, TOO_LARGE = b"HTTP/1.1 200", b"HTTP/1.1 431"
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_HEAD_SECONDS", SHORT_SECONDS)


def app() -> FastAPI:
    """`/` answers without reading the body, `/slow` after the patience for heads is over."""
    app = FastAPI()

    @app.api_route("/", methods=["GET", "POST"])
    async def hello() -> str:
        return "hello"

    @app.get("/slow")
    async def slow() -> str:
        later = asyncio.Event()
        asyncio.get_running_loop().call_later(2 * SHORT_SECONDS, later.set)  # a timer that is due after the deadline
        await later.wait()
        return "done"

    return app


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server of its own."""
    (port,) = free_ports(1)
    server = HttpServer(app(), "127.0.0.1", port, "the port")
    server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()
        await server.stop()


async def send_for_ever(writer: asyncio.StreamWriter, data: bytes) -> None:
    while True:
        writer.write(data * 64)
        await writer.drain()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The next answer's status line; the rest is read away."""
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    return head[:12]


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (GET + b"A: " + b"a" * 60 * KIB + b"\r\n\r\n", OK),
        (GET + b"A: " + b"a" * 65 * KIB + b"\r\n\r\n", TOO_LARGE),
        (GET + b"A: a\r\n" * 14 * KIB + b"\r\n", TOO_LARGE),
        (GET + b"A: " + b"a" * 65 * KIB, TOO_LARGE),  # and goes on for ever
        (b"GET /?" + b"a" * 65 * KIB, TOO_LARGE),
        (POST + b"Content-Length: 200000\r\n\r\n" + b"b" * 200_000, OK),  # a body is no head
    ],
    ids=["60 KiB", "one large header", "many headers", "an endless header", "an endless path", "a large body"],
)
def test_a_head_has_at_most_64_kib(run: Run, request_bytes: bytes, expected: bytes) -> None:
    async def check() -> None:
        async with connection() as (reader, writer):
            writer.write(request_bytes)
            assert await answer(reader) == expected
            if expected == TOO_LARGE:
                assert await reader.read() == b""

    run(check())


@pytest.mark.parametrize("trailer", [b"A: a\r\n", b"A" * 1000], ids=["many", "one"])
def test_trailers_without_end_are_cut_off(run: Run, trailer: bytes) -> None:
    async def check() -> None:
        async with connection() as (reader, writer):
            writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n")
            assert await answer(reader) == OK
            with pytest.raises(ConnectionError):
                await send_for_ever(writer, trailer)

    run(check())


def test_heads_one_after_another_are_counted_one_by_one(run: Run) -> None:
    async def check() -> None:
        async with connection() as (reader, writer):
            for _ in range(4):
                writer.write(GET + b"A: " + b"a" * 40 * KIB + b"\r\n\r\n")
                assert await answer(reader) == OK

    run(check())


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize("sent", [b"", GET, b"GET / HT"], ids=["silent", "half a head", "half a line"])
@pytest.mark.parametrize("before", [0, 1], ids=["first", "second"])
def test_a_head_that_does_not_come_ends_the_connection(run: Run, sent: bytes, before: int) -> None:
    async def check() -> None:
        async with connection() as (reader, writer):
            for _ in range(before):
                writer.write(GET + b"\r\n")
                assert await answer(reader) == OK
            writer.write(sent)
            assert await reader.read() == b""

    run(check())


@pytest.mark.usefixtures("short_patience")
def test_a_request_in_hand_may_take_longer_than_its_head(run: Run) -> None:
    async def check() -> None:
        async with connection() as (reader, writer):
            writer.write(GET.replace(b"/", b"/slow", 1) + b"\r\n")
            assert await answer(reader) == OK

    run(check())
