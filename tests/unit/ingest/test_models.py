from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from services.common.contracts.views import MENTION_KINDS, OUTCOME_TYPES
from services.common.http.fields import Kind
from services.ingest.models import OutcomeKind, PostedMention

SMALLEST: dict[str, Any] = {"brand": "TelAndes", "platform": "x", "id": "1", "text": ""}


def posted(**fields: Any) -> PostedMention:
    return PostedMention.model_validate({**SMALLEST, **fields})


def test_kinds_and_types_are_those_of_the_contracts() -> None:
    assert set(get_args(Kind)) == set(MENTION_KINDS.values())
    assert set(get_args(OutcomeKind)) == set(OUTCOME_TYPES.values())


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-03-01T09:30:00Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01t09:30:00z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00-05:30", datetime(2026, 3, 1, 15, 0, tzinfo=UTC)),
        ("2026-03-01T09:30:00.5Z", datetime(2026, 3, 1, 9, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-03-01T09:30:00.123456789+00:00", datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_of_rfc_3339_are_taken(sent: str, moment: datetime) -> None:
    assert posted(occurred_at=sent).occurred_at == moment


@pytest.mark.parametrize(
    "sent",
    [
        "2026-03-01",
        "2026-03-01T09:30:00",
        "2026-03-01T09:30Z",
        "20260301T093000Z",
        "2026-W09-7T09:30:00Z",
        "2026-03-01 09:30:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T09:30:00+25:00",
        "٢٠٢٦-03-01T09:30:00Z",
        "0001-01-01T00:00:00+14:00",
        " 2026-03-01T09:30:00Z",
        "2026-03-01T09:30:00Z\n",
        datetime(2026, 3, 1, tzinfo=UTC),
        1772357400,
    ],
)
def test_other_times_are_refused(sent: Any) -> None:
    with pytest.raises(ValidationError):
        posted(occurred_at=sent)


def test_brand_is_trimmed_and_a_handle_loses_its_at() -> None:
    mention = posted(brand="  Tel Andes ", author={"handle": "@ana"})
    assert mention.brand == "Tel Andes"
    assert mention.author is not None
    assert mention.author.handle == "ana"


def test_null_is_the_same_as_absent() -> None:
    assert posted(author=None, kind=None, attributes=None, occurred_at=None) == posted()


@pytest.mark.parametrize("url", ["https://social.example/p/1?x=ñ", "HTTP://a.b"])
def test_absolute_urls_are_taken(url: str) -> None:
    assert posted(url=url).url == url


@pytest.mark.parametrize("url", ["https://", "https:///p", "//a.b/p", "javascript:x", "https://a b", "https://a\n"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        posted(url=url)


@pytest.mark.parametrize(
    "fields",
    [
        {"author": {"followers": True}},
        {"author": {"followers": 5.0}},
        {"author": {"followers": 10**12 + 1}},
        {"author": {"verified": "true"}},
        {"author": {"value": float("nan")}},
        {"author": {"value": "5"}},
        {"author": {"tags": ("press",)}},
        {"id": " "},
        {"id": "\x85"},
        {"id": "a" * 257},
        {"author": {"handle": "@"}},
        {"author": {"handle": "@@ana"}},
        {"platform": "x" * 33},
        {"platform": "x\n"},
        {"text": "\ud83d"},
        {"language": "e"},
    ],
)
def test_nothing_is_coerced_or_cut(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        posted(**fields)
