import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from services.common.http.parsing import PARSERS, events_in_turns, parser_of
from services.common.http.problems import Problem
from services.common.http.rejections import Rejection


def parse(content_type: str, body: bytes, max_events: int = 3) -> list[Any]:
    return list(parser_of(content_type)(body, max_events))


@pytest.fixture(params=["application/x-ndjson", "application/ndjson", "application/jsonl"])
def ndjson(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON ; charset=utf-8"])
def test_json_is_one_event_or_an_array(content_type: str) -> None:
    assert parse(content_type, b' {"a": 1} ') == [{"a": 1}]
    assert parse(content_type, b"[1, {}]") == [1, {}]
    assert parse(content_type, b"[]") == []


def test_ndjson_is_one_event_per_line(ndjson: str) -> None:
    assert parse(ndjson, b'{"a": 1}\r\n\n  \n[2]') == [{"a": 1}, [2]]
    assert parse(ndjson, b"") == []


def test_a_bad_line_is_the_fault_of_its_event_alone(ndjson: str) -> None:
    first, bad, undecodable, last = parse(ndjson, b'{}\n\n{"a\n"\xff"\n{}', 4)
    assert (first, last) == ({}, {})
    assert isinstance(bad, Rejection)
    assert (bad.code, bad.field) == ("invalid_json", None)
    assert "line 3" in bad.message
    assert isinstance(undecodable, Rejection)
    assert "line 4" in undecodable.message


@pytest.mark.parametrize("body", [b"", b"{", b"[{},]", b"\xff", b"[" * 5000, b'{"a": 1e999}', b"nul"])
def test_bad_json_is_400(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        parse("application/json", body)
    assert (caught.value.status, caught.value.code) == (400, "invalid_json")


@pytest.mark.parametrize("body", [b"5", b"null", b'"a"', b"true"])
def test_neither_object_nor_array_is_422(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        parse("application/json", body)
    assert (caught.value.status, caught.value.code) == (422, "wrong_type")


@pytest.mark.parametrize(
    ("content_type", "body"), [("application/json", b"[1,2,3,4]"), ("application/jsonl", b"1\n2\n\n3\n4")]
)
def test_too_many_events_are_413(content_type: str, body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        parse(content_type, body)
    assert (caught.value.status, caught.value.code) == (413, "too_many_events")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "application/json+x"])
def test_another_content_type_is_415_with_what_is_taken(content_type: str) -> None:
    with pytest.raises(Problem) as caught:
        parser_of(content_type)
    assert caught.value.status == 415
    assert all(taken in caught.value.detail for taken in PARSERS)


@pytest.mark.parametrize(
    ("content_type", "body", "taken"),
    [
        ("application/json", b"[" + b"{}," * 99_998 + b"{}]", 99_999),  # 100,000 with that of the array
        ("application/jsonl", b"[" + b"{}," * 99_998 + b"{}]", 1),
    ],
)
def test_100_000_brackets_are_taken(content_type: str, body: bytes, taken: int) -> None:
    events = parse(content_type, body, 200_000)
    assert len(events) == taken
    assert not isinstance(events[0], Rejection)


def test_more_brackets_are_refused_before_they_are_parsed(ndjson: str) -> None:
    body = b"[" * 50_000 + b"{" * 50_001  # what is no JSON at all, if it were parsed
    with pytest.raises(Problem) as caught:
        parse("application/json", body)
    assert (caught.value.status, caught.value.code) == (413, "too_many_brackets")
    rejection, last = parse(ndjson, body + b"\n{}")
    assert (rejection.code, rejection.field, last) == ("too_large", None, {})


async def turns_of_others(body: bytes, clock: Callable[[], float]) -> tuple[list[Any], int]:
    """The events of an NDJSON body, and how often something else ran meanwhile."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    events = [event async for event in events_in_turns(parser_of("application/x-ndjson"), body, 1000, clock)]
    task.cancel()
    return events, turns


def clock(step: float) -> Callable[[], float]:
    """A clock that goes on by so many seconds whenever it is read."""
    ticks = count()
    return lambda: next(ticks) * step


async def test_others_get_a_turn_every_few_milliseconds() -> None:
    numbers = list(range(1000))
    body = "\n".join(map(str, numbers)).encode()
    assert await turns_of_others(body, clock(0)) == (numbers, 0)
    assert await turns_of_others(body, clock(1 / 512)) == (numbers, 333)  # 2 ms each, so every third
    assert await turns_of_others(body, clock(1)) == (numbers, 1000)


async def test_blank_lines_let_others_in_too() -> None:
    assert await turns_of_others(b"\n" * 10_000 + b"1", clock(1)) == ([1], 11)


async def test_a_large_document_comes_through_whole() -> None:
    body = b'["' + b"a" * (1 << 20) + b'", 2]'
    events = [event async for event in events_in_turns(parser_of("application/json"), body, 2)]
    assert events == ["a" * (1 << 20), 2]
    with pytest.raises(Problem, match="too_many_events"):
        await anext(events_in_turns(parser_of("application/json"), body, 1))
