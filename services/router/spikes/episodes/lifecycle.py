"""From readings to events: started, escalated, eased, ended. A pure function, one episode per brand."""

from collections.abc import Sequence
from dataclasses import replace

from mention_triage.v1.alert_pb2 import SpikeAlert, SpikeCause, SpikeEvent, SpikeSeries
from services.router.counting.progress import BUCKET_SECONDS
from services.router.spikes.detector.setting import RECENT
from services.router.spikes.episodes.alerts import make_alert
from services.router.spikes.episodes.cause import Cause, cause_of
from services.router.spikes.episodes.episode import Episode, episode_id
from services.router.spikes.episodes.policy import EpisodePolicy
from services.router.spikes.episodes.reading import BrandReading, SeriesReading, rise_began
from services.router.spikes.episodes.severity import distance, severity


def follow(
    policy: EpisodePolicy, episode: Episode | None, reading: BrandReading
) -> tuple[Episode | None, list[SpikeAlert]]:
    """The brand's episode after one more row, and what is to be announced: at most one event.

    Rows must come in order; of a brand without an episode those in which nothing starts may be left out.
    """
    if not reading.known:
        return _with_nothing_known(policy, episode, reading)
    if episode is None:
        return _start(policy, reading) if reading.started else (None, [])
    episode = replace(episode, unknown_since=None)
    if episode.ended_at is not None:
        return _after_the_end(policy, episode, reading, episode.ended_at)
    return _while_open(policy, _looked_at(policy, episode, reading), reading)


def _while_open(policy: EpisodePolicy, episode: Episode, reading: BrandReading) -> tuple[Episode, list[SpikeAlert]]:
    calm = policy.lifecycle.end_after * 2 ** min(episode.reopened, policy.lifecycle.most_doublings)
    if reading.at - episode.rising_at >= calm:
        return _announce(SpikeEvent.SPIKE_EVENT_ENDED, replace(episode, ended_at=reading.at), reading)
    if _held(episode.worse_since, reading.at, policy.lifecycle.worse_held):
        return _announce(SpikeEvent.SPIKE_EVENT_ESCALATED, episode, reading)
    if _held(episode.milder_since, reading.at, policy.lifecycle.milder_held):
        return _announce(SpikeEvent.SPIKE_EVENT_EASED, episode, reading)
    return episode, []


def _start(policy: EpisodePolicy, reading: BrandReading) -> tuple[Episode, list[SpikeAlert]]:
    blank = Episode(
        episode_id=episode_id(reading.tenant, reading.brand, reading.at),
        since=rise_began(reading.series, reading.at),
        rising_at=reading.at,
        severity=1,
        announced_severity=1,
        peak_severity=1,
        cause=Cause(),
    )
    return _announce(SpikeEvent.SPIKE_EVENT_STARTED, _looked_at(policy, blank, reading), reading)


def _after_the_end(
    policy: EpisodePolicy, episode: Episode, reading: BrandReading, ended_at: int
) -> tuple[Episode | None, list[SpikeAlert]]:
    if reading.at - ended_at > policy.lifecycle.reopen_within:
        return follow(policy, None, reading)
    # The detector starts no second spike while it still holds the first one for one.
    above = policy.lifecycle.reopen_above
    if not any(each.started or (each.spiking and _is_rising(policy, each, above)) for each in reading.series):
        # Given up before the next row, so that an episode which begins then takes nothing over from this one.
        return (episode if reading.until - ended_at <= policy.lifecycle.reopen_within else None), []
    again = replace(episode, ended_at=None, reopened=episode.reopened + 1, rising_at=reading.at)
    return _announce(SpikeEvent.SPIKE_EVENT_STARTED, _looked_at(policy, again, reading), reading)


def _with_nothing_known(
    policy: EpisodePolicy, episode: Episode | None, reading: BrandReading
) -> tuple[Episode | None, list[SpikeAlert]]:
    """The episode stands still: what must last for a while goes on lasting when something is known again.

    That nobody writes while ingest is down is no calm, and what was left in the detector's windows is no rise. Only
    what does not come back at all ends the episode, or an alert would fire for ever.
    """
    if episode is None:
        return None, []
    unknown_since = reading.at if episode.unknown_since is None else episode.unknown_since
    if reading.at - unknown_since >= policy.lifecycle.unknown_at_most:
        if not episode.is_open:
            return None, []
        return _announce(SpikeEvent.SPIKE_EVENT_ENDED, replace(episode, ended_at=reading.at), reading)
    return replace(
        episode,
        unknown_since=unknown_since,
        rising_at=episode.rising_at + BUCKET_SECONDS,
        worse_since=_a_row_later(episode.worse_since),
        milder_since=_a_row_later(episode.milder_since),
        ended_at=_a_row_later(episode.ended_at),
        other_cause_since=episode.other_cause_since + BUCKET_SECONDS,
    ), []


def _a_row_later(at: int | None) -> int | None:
    return None if at is None else at + BUCKET_SECONDS


def _announce(event: SpikeEvent, episode: Episode, reading: BrandReading) -> tuple[Episode, list[SpikeAlert]]:
    episode = replace(
        episode,
        events=episode.events + 1,
        announced_severity=episode.severity,
        worse_since=None,
        milder_since=None,
    )
    return episode, [make_alert(event, episode, reading)]


def _looked_at(policy: EpisodePolicy, episode: Episode, reading: BrandReading) -> Episode:
    """The episode with what this row says of it."""
    joined = {series.platform for series in episode.series}
    is_settled = reading.until - episode.since >= policy.lifecycle.settled_after
    moved = [
        _how_far(policy, each, is_settled=is_settled)
        for each in reading.series
        if each.started or each.rising or each.platform in joined
    ]
    now = severity(
        policy.severity,
        max((far for far, _ in moved), default=0.0),
        reading.until - episode.since,
        reading.findings.negative_above_normal,
        reading.findings.reach,
    )
    above = policy.lifecycle.calm_below
    is_rising = any(each.started or _is_rising(policy, each, above) for each in reading.series)
    step = policy.lifecycle.step
    return replace(
        _with_cause(policy, episode, reading),
        rising_at=reading.at if is_rising else episode.rising_at,
        severity=now,
        peak_severity=max(episode.peak_severity, now),
        worse_since=_since(episode.worse_since, reading.at, now >= episode.announced_severity + step),
        milder_since=_since(episode.milder_since, reading.at, now <= episode.announced_severity - step),
        series=_named(episode, moved),
    )


def _is_rising(policy: EpisodePolicy, series: SeriesReading, doublings: float) -> bool:
    """Whether it rises, and its last minutes are so far above normal, too."""
    if not series.rising or series.recent is None:
        return series.rising
    return distance(policy.severity, series.recent, series.recent_normal) >= doublings


def _how_far(policy: EpisodePolicy, series: SeriesReading, *, is_settled: bool) -> tuple[float, SpikeSeries]:
    """Distance from normal, and the series as an alert names it: by the window that moves most, or, once these tell
    less, by the last minutes."""
    far = distance(policy.severity, series.observed, series.normal)
    observed, normal, seconds = series.observed, series.normal, series.window_seconds
    if is_settled and series.recent is not None:
        recent = distance(policy.severity, series.recent, series.recent_normal)
        if recent < far:
            far, observed, normal, seconds = recent, series.recent, series.recent_normal, float(RECENT)
    return far, SpikeSeries(
        platform=series.platform,
        observed_per_minute=observed * 60 / seconds,
        expected_per_minute=normal * 60 / seconds,
    )


def _named(episode: Episode, moved: Sequence[tuple[float, SpikeSeries]]) -> tuple[SpikeSeries, ...]:
    """The one that stands out most first. One of which this row says nothing keeps what was known of it."""
    ordered = [series for _, series in sorted(moved, key=lambda each: (-each[0], each[1].platform))]
    read = {series.platform for series in ordered}
    return (*ordered, *(series for series in episode.series if series.platform not in read))


def _with_cause(policy: EpisodePolicy, episode: Episode, reading: BrandReading) -> Episode:
    """A known cause stays until another one has held for a while, and is never unknown again."""
    unknown, unspecified = SpikeCause.SPIKE_CAUSE_UNKNOWN, SpikeCause.SPIKE_CAUSE_UNSPECIFIED
    found = cause_of(policy.cause, reading.findings, reading.planned, reading.planned_tags)
    known = episode.cause.cause
    if known in (found.cause, unknown):
        return replace(episode, cause=found, other_cause=unspecified)
    if found.cause == unknown:
        return replace(episode, other_cause=unspecified)
    if found.cause != episode.other_cause:
        return replace(episode, other_cause=found.cause, other_cause_since=reading.at)
    if reading.at - episode.other_cause_since < policy.cause.cause_held:
        return episode
    return replace(episode, cause=found, other_cause=unspecified)


def _since(before: int | None, at: int, holds: bool) -> int | None:
    if not holds:
        return None
    return at if before is None else before


def _held(since: int | None, at: int, seconds: int) -> bool:
    return since is not None and at - since >= seconds
