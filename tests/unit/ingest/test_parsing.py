from typing import Any

import pytest

from services.common.http.problems import Problem
from services.ingest.errors import Rejection
from services.ingest.parsing import PARSERS, parser_of


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
