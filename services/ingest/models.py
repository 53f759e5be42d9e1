"""The events as senders post them: names, types and fixed limits. Anything else in an event is refused."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

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

Kind = Literal["post", "reply", "comment", "review", "direct_message"]
OutcomeKind = Literal["first_response", "response", "resolved", "moved", "reopened", "surveyed"]


class Posted(BaseModel):
    """What every posted object has in common. `null` for an optional field means the same as leaving it out."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class PostedAuthor(Posted):
    """Who wrote a mention, as far as it is known."""

    id: Identifier | None = Field(
        None, description="The platform's stable identifier. Without it the mention is a customer of its own."
    )
    handle: Handle | None = Field(None, description="The public name; a leading @ is dropped.")
    followers: Annotated[int, Field(ge=0, le=10**12)] | None = Field(None, description="Number of followers.")
    verified: bool | None = Field(None, description="Whether the platform verified the account.")
    tags: Annotated[list[Tag], Field(max_length=20)] | None = Field(
        None, description="Your marks, such as `press` or `regulator`."
    )
    customer_id: Identifier | None = Field(None, description="Your own identifier of this customer.")
    tier: Tag | None = Field(None, description="The customer's service tier in your words.")
    value: Amount | None = Field(None, description="What the customer is worth per year, in your currency units.")


class PostedInReplyTo(Posted):
    """The message that a mention answers."""

    id: Identifier = Field(description="The platform's identifier of that message.")
    by_brand: bool | None = Field(None, description="Whether the brand wrote it.")
    text: Text | None = Field(None, description="Its text; it helps to understand a short answer.")


class PostedMention(Posted):
    """One post, reply, comment, review or direct message that names or addresses a brand."""

    brand: Brand = Field(description="The name under which you are mentioned.")
    platform: Platform = Field(description="The platform in lower case: `x`, `facebook`, `instagram`, …")
    id: Identifier = Field(
        description="The platform's identifier of this message. A repeat of it, with the same author, is routed once."
    )
    text: Text = Field(description="The message as written; empty for a picture without words.")
    kind: Kind | None = Field(None, description="What sort of message it is.")
    language: Language | None = Field(None, description="BCP 47 tag stated by the platform, such as `es-MX`.")
    author: PostedAuthor | None = None
    conversation: Identifier | None = Field(None, description="The thread that it stands in.")
    in_reply_to: PostedInReplyTo | None = None
    url: Url | None = Field(None, description="Where a person can read it.")
    occurred_at: Time | None = Field(None, description="When it was written: RFC 3339 with an offset.")
    attributes: dict[str, Any] | None = Field(
        None, description="What you want to find again in the routed mention: any JSON object within the limits."
    )


# The objects within an event, by field.
NESTED: Final[Mapping[str, type[Posted]]] = {"author": PostedAuthor, "in_reply_to": PostedInReplyTo}


class PostedOutcome(Posted):
    """One report of the contact center about one routed mention."""

    id: Identifier = Field(description="Your identifier of this report; a repeat of it is the same report.")
    type: OutcomeKind = Field(description="What happened.")
    mention_id: Annotated[str, StringConstraints(min_length=1, pattern=MENTION_ID_PATTERN)] = Field(
        description="`mention_id` of the routed mention."
    )
    customer_key: Annotated[str, StringConstraints(min_length=1, max_length=3200, pattern=CUSTOMER_KEY_PATTERN)] = (
        Field(description="`customer_key` of the routed mention, unchanged.")
    )
    occurred_at: Time = Field(description="When it happened: RFC 3339 with an offset.")
    channel: Tag | None = Field(
        None, description="The channel it happened on; for `moved`, where it is required, the one it moved to."
    )
    agent_id: Identifier | None = Field(None, description="Who did it, in your words.")
    effort_seconds: Amount | None = Field(None, description="Working time it took, in seconds.")
    cost: Amount | None = Field(None, description="What it cost, in your currency units.")
    satisfaction: Annotated[int, Field(ge=1, le=5)] | None = Field(
        None, description="1 (worst) to 5 (best); for `surveyed` only, where it is required."
    )
