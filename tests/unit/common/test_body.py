import asyncio
from collections.abc import Sequence

import pytest
from fastapi import Request
from starlette.types import Message

from services.common.http.body import BodyLimits, BodyReader, InFlight
from services.common.http.problems import Problem

TENANT = "acme"


def reader(body_timeout_seconds: float = 5) -> BodyReader:
    return BodyReader(BodyLimits(2000, body_timeout_seconds, max_in_flight_bytes=4000, retry_after_seconds=1))


def request(chunks: Sequence[bytes], ends: bool = True, **headers: str) -> Request:
    """A request whose body comes in these chunks, and then ends, or stays open."""
    messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if ends:
        messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive)


async def refusal(bodies: BodyReader, refused: Request) -> Problem:
    with pytest.raises(Problem) as caught:
        async with bodies.read(refused, TENANT):
            pass
    return caught.value


async def test_a_body_counts_as_in_flight_until_it_is_done_with() -> None:
    bodies = reader()
    async with bodies.read(request([b"ab", b"cd"], content_length="4"), TENANT) as body:
        assert body == b"abcd"
        assert bodies.in_flight.bytes == 4
    assert bodies.in_flight.bytes == 0


async def test_what_is_declared_holds_nothing_until_it_comes() -> None:
    bodies = reader()
    idle = [bodies.read(request([], ends=False, content_length="2000"), TENANT) for _ in range(3)]
    tasks = [asyncio.ensure_future(body.__aenter__()) for body in idle]
    async with bodies.read(request([b"a" * 2000], content_length="2000"), TENANT) as body:
        assert bodies.in_flight.bytes == len(body) == 2000
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert bodies.in_flight.bytes == 0


async def test_a_tenant_holds_at_most_half_of_the_room() -> None:
    bodies = reader()
    async with bodies.read(request([b"a" * 900, b"b" * 900]), TENANT) as body:
        assert bodies.in_flight.bytes == len(body) == 1800
        problem = await refusal(bodies, request([b"a" * 100, b"b" * 900]))
        assert (problem.status, problem.headers["Retry-After"]) == (429, "1")
        assert bodies.in_flight.bytes == 1800
        async with bodies.read(request([b"a" * 2000]), "other"):
            assert bodies.in_flight.bytes == 3800
    assert bodies.in_flight.bytes == 0


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (request([], content_length="2001"), 413),
        (request([], content_length="9" * 5000), 413),
        (request([b"a" * 1500, b"b" * 501]), 413),
        (request([b"a" * 1500, b"b" * 501], content_length="10"), 413),
        (request([], content_length="-1"), 400),
        (request([], content_length="²"), 400),
        (request([b"a"], content_encoding="gzip"), 415),
        (request([b"a"], content_encoding=""), 415),
    ],
)
async def test_what_is_refused_holds_nothing(refused: Request, status: int) -> None:
    bodies = reader()
    assert (await refusal(bodies, refused)).status == status
    assert bodies.in_flight.bytes == 0


async def test_a_stalled_body_is_given_up() -> None:
    bodies = reader(body_timeout_seconds=0.01)
    problem = await refusal(bodies, request([b"a"], ends=False))
    assert (problem.status, problem.headers["Connection"]) == (408, "close")
    assert bodies.in_flight.bytes == 0


async def test_a_client_that_leaves_is_an_incomplete_body() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    left = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    assert (await refusal(reader(), left)).code == "incomplete_body"


def test_a_reservation_that_does_not_fit_counts_nothing() -> None:
    in_flight = InFlight(10, 3)
    in_flight.reserve("a", 5)
    in_flight.reserve("b", 4)
    for tenant in ("a", "c"):  # its half is full; all of it would be
        with pytest.raises(Problem) as caught:
            in_flight.reserve(tenant, 2)
        assert caught.value.headers == {"Retry-After": "3"}
    in_flight.release("a", 5)
    in_flight.release("b", 4)
    assert in_flight.bytes == 0
    in_flight.reserve("a", 5)
