"""The calendar: planned events and how many mentions they are expected to bring, as a file that people edit.

docs/episodes.md explains every key. It is read once, when a stage is made; a change needs a restart, like the policy.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from services.common.errors import TriageError
from services.router.policy.match import fold
from services.router.policy.schema import nearest, wrong
from services.router.policy.source import Fault, Source, read_source

Kind = Literal["launch", "campaign", "outage", "holiday"]

TAG_DAYS: Final = 7
"""A campaign's tags are its own so many days before it begins and after it ends: they leak early and linger."""

_BY_WEIGHT: Final = {kind: i for i, kind in enumerate(("outage", "launch", "campaign", "holiday"))}
_MUST: Final = {
    "events": "a list: one event per entry, each after a dash",
    "name": "what people call the event, as text",
    "tenant": "the tenant whose event it is, as text",
    "brand": "the brand whose event it is, as text",
    "platforms": "a list of platforms, such as [x, facebook]; leave it out for all of them",
    "kind": f"one of {', '.join(get_args(Kind))}",
    "from": "a time with its zone, such as 2026-11-27T00:00:00-06:00",
    "until": "a time with its zone, such as 2026-11-28T00:00:00-06:00",
    "factor": "a number above 0 and at most 1000: how many times the normal mentions are expected",
    "tags": "a list of hashtags, such as [blackfriday]; leave it out where there are none",
}
_fold = lru_cache(maxsize=65_536)(fold)  # asked for every series every ten seconds


class CalendarError(TriageError):
    """A calendar that cannot be used. `errors`: one line per fault, each with file, line, entry and what to do."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """One event of one brand. Times in seconds since the epoch; `until` is no longer part of it."""

    name: str
    kind: Kind
    since: float
    until: float
    factor: float
    platforms: frozenset[str]
    """Folded. Empty = all."""
    tags: frozenset[str]
    """Folded, without `#`."""


Calendar = Mapping[tuple[str, str], tuple[PlannedEvent, ...]]
"""The events of each (tenant, brand), both folded: case and accents never matter, as in the policy."""

NO_EVENTS: Final[Calendar] = {}


def load_calendar(path: Path) -> Calendar:
    """The calendar in this file. Raises `CalendarError` with all that is wrong."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise CalendarError([f"{path}: cannot be read ({error.strerror}); name a calendar file"]) from None
    except UnicodeDecodeError:
        raise CalendarError([f"{path}: not UTF-8; save the file in UTF-8"]) from None
    source = read_source(text)
    file, wrong = _validated(source)
    faults = [*source.faults, *wrong, *_repeated(source, file)]
    if faults:
        raise CalendarError([f"{path}:{fault.line}: {fault.message}" for fault in sorted(set(faults))])
    calendar: dict[tuple[str, str], tuple[PlannedEvent, ...]] = {}
    for entry in file.events:
        key = (fold(entry.tenant), fold(entry.brand))
        calendar[key] = (*calendar.get(key, ()), _planned(entry))
    return calendar


def factors(calendar: Calendar, tenant: str, brand: str, platform: str, at: float) -> float:
    """How many times its normal mentions a series is expected to have at `at`: the product over what is planned.

    `platform` empty = the series of all platforms. An event of some platforms counts there, too, where it brings more:
    so the total is rather expected too high than announced to people who know.
    """
    product = 1.0
    for event in calendar.get((_fold(tenant), _fold(brand)), ()):
        if event.since <= at < event.until:
            named = _fold(platform) in event.platforms if platform else event.factor > 1
            product *= event.factor if named or not event.platforms else 1.0
    return product


def planned(calendar: Calendar, tenant: str, brand: str, at: float) -> PlannedEvent | None:
    """What is planned for a brand at `at`; of several an outage before a launch, a campaign, a holiday; the latest."""
    events = calendar.get((_fold(tenant), _fold(brand)), ())
    going_on = [event for event in events if event.since <= at < event.until]
    return min(going_on, key=lambda event: (_BY_WEIGHT[event.kind], -event.since, event.name), default=None)


def planned_tags(calendar: Calendar, tenant: str, brand: str, at: float) -> frozenset[str]:
    """The tags of a brand's launches and campaigns within `TAG_DAYS` of `at`, folded."""
    events = calendar.get((_fold(tenant), _fold(brand)), ())
    margin = TAG_DAYS * 86_400
    near = (event.tags for event in events if event.since - margin <= at < event.until + margin)
    return frozenset().union(*near)


def _time(value: object) -> object:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)  # a ValueError says nothing that `_MUST` does not say better
        if value.tzinfo is None:
            raise wrong("has no zone")
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise wrong("is empty")
    return value


_Text = Annotated[str, AfterValidator(_text)]
_Time = Annotated[datetime, BeforeValidator(_time)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: _Text
    tenant: _Text
    brand: _Text
    platforms: tuple[_Text, ...] = ()
    kind: Kind
    since: Annotated[_Time, Field(alias="from")]
    until: _Time
    factor: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
    tags: tuple[_Text, ...] = ()

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.until <= self.since:
            raise wrong("`until` is not after `from`; put the later time there")
        return self


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    events: tuple[_Entry, ...]


def _validated(source: Source) -> tuple[_File, list[Fault]]:
    """The file, empty where it is wrong, and what is wrong with it beyond what was found in reading it."""
    if source.content is None:
        return _File(events=()), []
    try:
        return _File.model_validate(source.content), []
    except ValidationError as error:
        known = {fault.line for fault in source.faults}
        found = (_fault(source, details) for details in error.errors(include_url=False))
        return _File(events=()), [fault for fault in found if fault.line not in known]


def _planned(entry: _Entry) -> PlannedEvent:
    return PlannedEvent(
        name=entry.name,
        kind=entry.kind,
        since=entry.since.timestamp(),
        until=entry.until.timestamp(),
        factor=entry.factor,
        platforms=frozenset(map(fold, entry.platforms)),
        tags=frozenset(fold(tag.removeprefix("#")) for tag in entry.tags),
    )


def _repeated(source: Source, file: _File) -> Iterator[Fault]:
    """Factors multiply, so an entry that stands there twice would be squared."""
    first: dict[tuple[Any, ...], int] = {}
    for i, entry in enumerate(file.events):
        line = source.line(("events", i))
        key = (fold(entry.tenant), fold(entry.brand), fold(entry.name), entry.since)
        if key in first:
            yield Fault(line, f"{_place(source, i)}: stands in line {first[key]} already; delete one")
        first.setdefault(key, line)


def _fault(source: Source, details: ErrorDetails) -> Fault:
    part = details["loc"]
    entry = f"{_place(source, part[1])}: " if len(part) > 1 and isinstance(part[1], int) else ""
    key = next((key for key in reversed(part) if isinstance(key, str)), "")
    if details["type"] == "extra_forbidden":
        allowed = [field.alias or name for name, field in (_Entry if entry else _File).model_fields.items()]
        message = f'unknown key "{key}"{nearest(key, allowed)} (there are {", ".join(allowed)})'
    elif details["type"] == "missing":
        message = f"{key} is missing; add {_MUST[key]}"
    elif len(part) == 2:
        message = details["msg"] if details["type"] == "policy" else "must be a mapping: `key: value` lines, indented"
    elif part:
        message = f"{key} must be {_MUST[key]}"
    else:
        message = "the file must hold `events:` and under it a list of events"
    return Fault(source.line(part), entry + message)


def _place(source: Source, i: int) -> str:
    """`events[2] "Black Friday"`: counted from 1, as people do."""
    entry = source.content["events"][i]
    name = entry.get("name") if isinstance(entry, dict) else None
    return f'events[{i + 1}] "{name}"' if isinstance(name, str) else f"events[{i + 1}]"
