"""Which dead letters are meant: by id, or by what they say."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import typer

from services.cli.tail.command import full_name
from services.common.stage.handling import Letter, LetterId

_ID: Final = re.compile(r"([0-9]{1,6})-([0-9]{1,19})")
_AGO: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)[- ]?(m|min|minutes?|h|hours?|d|days?)")
_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Choice:
    """Filters: any of the given values for each; an empty one lets everything through.

    `since_ms`: of the original's time, milliseconds since the epoch.
    """

    stages: Sequence[str] = ()
    reasons: Sequence[str] = ()
    topics: Sequence[str] = ()
    since_ms: int | None = None
    state: str = ""

    def select(self, letters: Iterable[Letter]) -> list[Letter]:
        """The dead letters that match, oldest original first."""
        return sorted(filter(self._matches, letters), key=lambda letter: (letter.received_ms, letter.id))

    def _matches(self, letter: Letter) -> bool:
        wanted = (
            (self.stages, letter.stage),
            (self.reasons, letter.reason),
            (self.topics, letter.source_topic),
            ((self.state,) if self.state else (), letter.state),
        )
        young = self.since_ms is None or letter.received_ms >= self.since_ms
        return young and all(not values or value in values for values, value in wanted)


def make_choice(
    stages: Sequence[str] | None,
    reasons: Sequence[str] | None,
    topics: Sequence[str] | None,
    since: str | None,
    state: str,
    now: float,
) -> Choice:
    """The filters of a command line. Raises `BadParameter`."""
    names = [full_name(topic) for topic in topics or ()]
    return Choice(stages or (), reasons or (), names, parse_since(since, now) if since else None, state)


def parse_id(text: str) -> LetterId:
    """An id as `dead-letters list` shows it. Raises `BadParameter`."""
    parts = _ID.fullmatch(text)
    if not parts:
        raise typer.BadParameter(f"{text!r} is no id: `mention-triage dead-letters list` shows them (3-1042)")
    return LetterId(int(parts[1]), int(parts[2]))


def parse_since(since: str, now: float) -> int:
    """A time ago (90-minutes, 12h, 3d) or a time (RFC 3339), as milliseconds since the epoch. Raises `BadParameter`."""
    ago = _AGO.fullmatch(since)
    if ago:
        return int((now - float(ago[1]) * _SECONDS[ago[2][0]]) * 1000)
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise typer.BadParameter(
            f"{since!r}: use a time ago such as 90-minutes, 12h or 3d, or a time such as 2026-03-01T09:00:00Z",
            param_hint="--since",
        ) from None
    return int(moment.astimezone().timestamp() * 1000)  # without an offset: local time
