"""What a policy file may say: its sections, its keys and its labels."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.common.contracts.views import (
    CONFIDENCE_LEVELS,
    INQUIRY_TYPES,
    MENTION_KINDS,
    PERSONAL_DATA_KINDS,
    SENTIMENTS,
)

DEFAULT_PLATFORM: Final = "default"
PLACEHOLDERS: Final = ("language", "platform", "inquiry_type", "tier")
PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")

# Queue names end up in metric labels, URLs and other people's routing tables.
_QUEUE: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_YEAR_MINUTES: Final = 366 * 24 * 60


def nearest(word: str, known: Collection[str]) -> str:
    """`; did you mean "…"?` where something known is spelt alike, else nothing."""
    close = get_close_matches(word, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def wrong(message: str) -> PydanticCustomError:
    """An error whose message is shown as it is."""
    # Pydantic takes the first argument as a template: the message goes in as a value.
    return PydanticCustomError("policy", "{message}", {"message": message})


def _label(what: str, labels: Mapping[int, str]) -> AfterValidator:
    known = tuple(labels.values())

    def check(value: str) -> str:
        if value not in known:
            raise wrong(f'unknown {what} "{value}"{nearest(value, known)} (there are {", ".join(known)})')
        return value

    return AfterValidator(check)


def _matching(pattern: str, what: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise wrong(f'"{value}" is no {what}')
        return value

    return AfterValidator(check)


def _queue(value: str) -> str:
    for name in PLACEHOLDER.findall(value):
        if name not in PLACEHOLDERS:
            raise wrong(
                f'unknown placeholder "{{{name}}}"{nearest(name, PLACEHOLDERS)} (there are {", ".join(PLACEHOLDERS)})'
            )
    if not _QUEUE.fullmatch(PLACEHOLDER.sub("x", value)):
        raise wrong(f'"{value}" is no queue name: use lower-case letters, digits, - and _, and {{placeholders}}')
    return value


def _phrase(value: str) -> str:
    if not any(character.strip(" *") for character in value) or "*" in value[:-1]:
        raise wrong(f'"{value}" cannot be looked for: write words, with a * at most at the very end')
    return value


def _some(value: tuple[Any, ...]) -> tuple[Any, ...]:
    # Not `min_length`: pydantic would also complain of it where the only entry is wrong.
    if not value:
        raise wrong("has no entries; write one")
    return value


def _listed(value: object) -> object:
    """One value stands for a list of one."""
    return value if isinstance(value, tuple) else (value,)


T = TypeVar("T")
Some = Annotated[tuple[T, ...], AfterValidator(_some)]
OneOrMore = Annotated[tuple[T, ...], BeforeValidator(_listed), AfterValidator(_some)]

Text = Annotated[str, Field(min_length=1)]
Words = OneOrMore[Text]
Phrases = OneOrMore[Annotated[str, AfterValidator(_phrase)]]
Kinds = OneOrMore[Annotated[str, _label("kind", MENTION_KINDS)]]
Types = OneOrMore[Annotated[str, _label("inquiry type", INQUIRY_TYPES)]]
Sentiments = OneOrMore[Annotated[str, _label("sentiment", SENTIMENTS)]]
Levels = OneOrMore[Annotated[str, _label("confidence level", CONFIDENCE_LEVELS)]]
PersonalData = OneOrMore[Annotated[str, _label("kind of personal data", PERSONAL_DATA_KINDS)]]
Minutes = Annotated[int, Field(ge=1, le=_YEAR_MINUTES)]
Points = Annotated[int, Field(ge=-1_000, le=1_000)]
Threshold = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Characters = Annotated[int, Field(ge=1, le=1_000_000)]
AtLeast = Annotated[int, Field(ge=1)]
Slug = Annotated[str, _matching(r"[a-z0-9][a-z0-9_-]*", "name: use lower-case letters, digits, - and _")]
Language = Annotated[str, _matching(r"[a-z]{2,3}", "language: use a code of two or three letters such as es")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class _Condition(_Section):
    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise wrong("an empty condition always holds; write a key, or leave it out")
        return self


class ConfidenceCondition(_Condition):
    """The confidence level of each field is one of those listed."""

    inquiry_type: Levels | None = None
    sentiment: Levels | None = None
    actionable: Levels | None = None


class Condition(_Condition):
    """All keys must hold; a list means any of its values. docs/policy.md says what each key means."""

    tenant: Words | None = None
    brand: Words | None = None
    platform: Words | None = None
    kind: Kinds | None = None
    language: Words | None = None
    inquiry_type: Types | None = None
    sentiment: Sentiments | None = None
    actionable: bool | None = None
    public: bool | None = None
    author_tags: Words | None = None
    verified: bool | None = None
    tier: Words | None = None
    followers_at_least: AtLeast | None = None
    value_at_least: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    text_at_least: AtLeast | None = None
    text_contains: Phrases | None = None
    reply_to_brand: bool | None = None
    confidence: ConfidenceCondition | None = None
    needs_private_channel: bool | None = None
    personal_data: PersonalData | None = None
    is_: Annotated[Words | None, Field(alias="is")] = None
    not_: Annotated["Condition | None", Field(alias="not")] = None
    any_: Annotated["Some[Condition] | None", Field(alias="any")] = None


class _Rule(_Section):
    name: Text
    when: Condition | None = None


class ScoringRule(_Rule):
    """Every scoring rule that matches adds its points."""

    points: Points


class DeadlineRule(_Rule):
    """The first deadline rule that matches gives the minutes from the mention's `received_at`."""

    minutes: Minutes


class QueueRule(_Rule):
    """The first queue rule that matches names the queue."""

    queue: Annotated[str, AfterValidator(_queue)]


class Thresholds(_Section):
    """Lowest score of each priority; P4 is everything below P3."""

    P1: Threshold
    P2: Threshold
    P3: Threshold


class Platform(_Section):
    """How to answer on a platform. Lengths in characters."""

    tone: Text
    length_limit: Characters
    direct_message_length_limit: Characters | None = None


class PolicyFile(_Section):
    """A policy file as written."""

    version: Text
    languages: Some[Language]
    tiers: tuple[Slug, ...] = ()
    conditions: dict[Slug, Condition] = {}
    priorities: Thresholds
    scoring: tuple[ScoringRule, ...]
    first_response: Some[DeadlineRule]
    resolution: Some[DeadlineRule]
    queues: Some[QueueRule]
    platforms: dict[Slug, Platform]
