"""The fields of what is posted over HTTP: names, patterns and fixed limits that several objects share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

# Control characters are refused: the zero byte does not survive in every store, and an identifier is one line.
LINE_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
IDENTIFIER_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
HANDLE_PATTERN: Final = r"^@?[^\x00-\x20\x7f-\x9f@][^\x00-\x1f\x7f-\x9f]*$"
TEXT_PATTERN: Final = r"^[^\x00]*$"
PLATFORM_PATTERN: Final = r"^[a-z][a-z0-9_-]{0,31}$"
TAG_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,49}$"
LANGUAGE_PATTERN: Final = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"  # BCP 47, without checking the registry
URL_PATTERN: Final = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#\x00-\x1f\x7f-\x9f][^\s\x00-\x1f\x7f-\x9f]*$"
MENTION_ID_PATTERN: Final = r"^[0-9a-f]{32}$"
CUSTOMER_KEY_PATTERN: Final = r"^[!-~]+$"

# RFC 3339, section 5.6: always with an offset. Python's own parser takes more forms than that.
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _rfc_3339(value: object) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "no string")
    try:
        moment = datetime.fromisoformat(value.upper()) if _RFC_3339.fullmatch(value) else None
    except ValueError:  # such as 30 February
        moment = None
    if moment is None or moment < _EPOCH:
        raise PydanticCustomError("invalid_time", "no time of RFC 3339 since 1970")
    return moment


def _without_at(handle: str) -> str:
    return handle.removeprefix("@")


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=IDENTIFIER_PATTERN)]
Brand = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=LINE_PATTERN)]
Platform = Annotated[str, StringConstraints(min_length=1, pattern=PLATFORM_PATTERN)]
Handle = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=HANDLE_PATTERN), AfterValidator(_without_at)
]
# How long a text may be is a setting, so it is checked when the record is made.
Text = Annotated[str, StringConstraints(pattern=TEXT_PATTERN)]
Tag = Annotated[str, StringConstraints(min_length=1, pattern=TAG_PATTERN)]
Language = Annotated[str, StringConstraints(min_length=1, max_length=35, pattern=LANGUAGE_PATTERN)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=URL_PATTERN)]
Time = Annotated[datetime, PlainValidator(_rfc_3339), WithJsonSchema({"type": "string", "format": "date-time"})]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]

MentionId = Annotated[str, StringConstraints(min_length=1, pattern=MENTION_ID_PATTERN)]
CustomerKey = Annotated[str, StringConstraints(min_length=1, max_length=3200, pattern=CUSTOMER_KEY_PATTERN)]

Kind = Literal["post", "reply", "comment", "review", "direct_message"]
InquiryTypeLabel = Literal["complaint", "feedback", "recommendation", "technical", "answer"]
SentimentLabel = Literal["negative", "neutral", "positive"]
Level = Literal["low", "medium", "high", "abstain"]


class Posted(BaseModel):
    """What every posted object has in common. `null` for an optional field means the same as leaving it out."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Echoed(BaseModel):
    """What is sent back as it was handed out: what does not matter there is passed over, so that it may grow."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)


class EchoedInReplyTo(Echoed):
    """The message that a mention answers."""

    id: Identifier | None = None
    by_brand: bool | None = Field(None, description="Whether the brand wrote it.")
    text: Text | None = Field(None, description="Its text; it helps to understand a short answer.")
