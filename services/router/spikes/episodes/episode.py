"""An episode: one rise of one brand, from its start to its end, and how it is kept in a snapshot."""

import hashlib
from dataclasses import dataclass
from typing import Final

from orjson import dumps

from mention_triage.v1.alert_pb2 import SpikeCause, SpikeSeries
from mention_triage.v1.spike_state_pb2 import EpisodeState
from services.router.spikes.episodes.cause import Cause

_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Episode:
    """An open episode, or one that has just ended and may begin again. Times in epoch seconds."""

    episode_id: str
    since: int
    """When the rise began."""
    rising_at: int
    """The last row in which a series rose."""
    severity: int
    announced_severity: int
    """The one of the last event."""
    peak_severity: int
    cause: Cause
    events: int = 0
    """Announced so far."""
    worse_since: int | None = None
    milder_since: int | None = None
    """From when on the severity was a step above, or below, what was announced; None = it is not."""
    ended_at: int | None = None
    """None = open."""
    reopened: int = 0
    other_cause: SpikeCause = SpikeCause.SPIKE_CAUSE_UNSPECIFIED
    """What now looks like the cause instead."""
    other_cause_since: int = 0
    series: tuple[SpikeSeries, ...] = ()
    """Those that it moves or moved, as last read."""
    unknown_since: int | None = None
    """From when on nothing is known of the brand; None = something is. The times above move along meanwhile, but for
    `since`."""

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.ended_at is None


def episode_id(tenant: str, brand: str, at: int) -> str:
    """The id of the episode that starts at `at`, 32 hexadecimal digits: the same in every replay."""
    return _digest(tenant, brand, at)


def alert_id(episode: str, number: int) -> str:
    """The id of an episode's event, counted from 1: the same in every replay."""
    return _digest(episode, number)


def dump_episode(episode: Episode) -> EpisodeState:
    """The episode for a snapshot; `load_episode` gives an equal one."""
    return EpisodeState(
        episode_id=episode.episode_id,
        since=episode.since,
        events=episode.events,
        severity=episode.severity,
        announced_severity=episode.announced_severity,
        peak_severity=episode.peak_severity,
        worse_since=episode.worse_since,
        milder_since=episode.milder_since,
        rising_at=episode.rising_at,
        ended_at=episode.ended_at,
        reopened=episode.reopened,
        cause=episode.cause.cause,
        evidence=episode.cause.evidence,
        other_cause=episode.other_cause,
        other_cause_since=episode.other_cause_since,
        series=episode.series,
        unknown_since=episode.unknown_since,
    )


def load_episode(state: EpisodeState) -> Episode:
    """The episode that was dumped."""
    return Episode(
        episode_id=state.episode_id,
        since=state.since,
        rising_at=state.rising_at,
        severity=state.severity,
        announced_severity=state.announced_severity,
        peak_severity=state.peak_severity,
        cause=Cause(state.cause, tuple(state.evidence)),
        events=state.events,
        worse_since=state.worse_since if state.HasField("worse_since") else None,
        milder_since=state.milder_since if state.HasField("milder_since") else None,
        ended_at=state.ended_at if state.HasField("ended_at") else None,
        reopened=state.reopened,
        other_cause=state.other_cause,
        other_cause_since=state.other_cause_since,
        series=tuple(state.series),
        unknown_since=state.unknown_since if state.HasField("unknown_since") else None,
    )


def _digest(*parts: str | int) -> str:
    return hashlib.blake2b(dumps(parts), digest_size=_ID_BYTES).hexdigest()
