from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from services.common.http import fields
from services.common.http.rejections import Rejection, bad_json, rejection_of
from services.ingest.models import PostedMention, PostedOutcome

SMALLEST: dict[str, Any] = {"brand": "TelAndes", "platform": "x", "id": "1", "text": ""}


def rejection(event: Any) -> Rejection:
    with pytest.raises(ValidationError) as caught:
        PostedMention.model_validate(event)
    return rejection_of(caught.value, PostedMention)


def test_an_unknown_field_goes_before_the_missing_one_that_it_may_be() -> None:
    found = rejection({"brand": "TelAndes", "platform": "x", "id": "1", "txt": "hola"})
    assert (found.code, found.field) == ("unknown_field", "txt")
    assert "text" in found.message


def test_fields_are_named_by_their_path() -> None:
    assert rejection({**SMALLEST, "author": {"tags": ["press", 5]}}).field == "author.tags.1"
    assert "by_brand" in rejection({**SMALLEST, "in_reply_to": {"id": "1", "author": "x"}}).message


def test_the_name_of_an_unknown_field_is_cut() -> None:
    found = rejection({**SMALLEST, "x" * 100_000: 1})
    assert found.field is not None
    assert len(found.field) == 200
    assert len(found.message) < 500


def test_the_event_itself_has_no_field() -> None:
    assert rejection([]).view() == {"code": "wrong_type", "field": None, "message": "the event must be an object"}


def test_half_a_surrogate_pair_is_a_fault_of_its_field() -> None:
    found = rejection({**SMALLEST, "text": "\ud83d"})
    assert (found.code, found.field) == ("invalid_value", "text")


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for value in schema:
            yield from _patterns(value)


@pytest.mark.parametrize(
    "pattern",
    sorted({*_patterns(PostedMention.model_json_schema()), *_patterns(PostedOutcome.model_json_schema())}),
)
def test_every_pattern_of_the_models_has_a_message(pattern: str) -> None:
    error = ValidationError.from_exception_data(
        "any", [{"type": "string_pattern_mismatch", "loc": ("id",), "input": "", "ctx": {"pattern": pattern}}]
    )
    assert rejection_of(error, PostedMention).message.startswith("`id` must")
    assert pattern in vars(fields).values()


@pytest.mark.parametrize(
    ("data", "first_line", "where"),
    [
        (b'{"a": 1,}', 1, "line 1, column 8"),
        (b'{"a":\n  tru}', 1, "line 2, column 3"),
        (b'{"a": ', 7, "line 7"),
        (b'{"a":\n"\xff"}', 1, "UTF-8 in line 2"),
        (b"\xef\xbb\xbf{}", 1, "byte order mark"),
    ],
)
def test_bad_json_is_named_by_its_place(data: bytes, first_line: int, where: str) -> None:
    with pytest.raises(orjson.JSONDecodeError) as caught:
        orjson.loads(data)
    assert where in bad_json(caught.value, data, first_line)
