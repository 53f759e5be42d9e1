"""Takes counts in, and closes buckets as the watermark passes them: each is one row of the detector."""

import asyncio
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mention_triage.v1.alert_pb2 import SpikeAlert
from mention_triage.v1.counts_pb2 import CountSource, MentionCounts
from services.common.telemetry.health import made_progress
from services.router.spikes.calendar import Calendar, factors, planned, planned_tags
from services.router.spikes.detector import Evidence, Scores, advance, correct
from services.router.spikes.detector.state import F64
from services.router.spikes.episodes.lifecycle import follow
from services.router.spikes.episodes.policy import EpisodePolicy
from services.router.spikes.episodes.reading import BrandReading, SeriesReading, rise_began
from services.router.spikes.series import ALL, STEP_SECONDS
from services.router.spikes.state import Brand, SpikeState

_SILENCE: Final = 8.0
"""So many mentions of a tenant would normally have come, and none did: by chance once in e^8 = 3,000 times. Then
nothing is known of these rows: ingest, or what feeds it, is down. Missing is not zero."""

_LOOK_BACK: Final = 2 * 86_400
"""As far as counts are kept: a first count may not begin earlier, whatever time it says."""


@dataclass(frozen=True, slots=True)
class SpikePolicy:
    """What people decide about spikes: fixed while the stage runs."""

    calendar: Calendar
    episodes: EpisodePolicy


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the mentions that a record counts. `late`: those whose bucket was closed. `unwatched`: those of
    brands and platforms beyond the limit of series."""

    late: int = 0
    unwatched: int = 0


def take_in(state: SpikeState, counts: MentionCounts) -> Taken:
    """Add the counts of one record, or the progress that a mark tells."""
    if not counts.counts:
        watermark = state.volume if counts.source == CountSource.COUNT_SOURCE_MENTIONS else state.mix
        watermark.mark(counts.source_partition, counts.until)
    late = unwatched = 0
    for count in counts.counts:
        brand = state.brand(counts.tenant, count.brand)
        if brand is None:
            unwatched += count.mentions
            continue
        count.bucket = min(count.bucket, counts.until)  # beyond it a clock is wrong
        brand.evidence.add(count)
        if counts.source != CountSource.COUNT_SOURCE_MENTIONS or not count.mentions:
            continue
        row, bucket = state.row(brand, count.platform), count.bucket
        unwatched += 0 if row is not None else count.mentions
        rows = [each for each in (brand.rows[ALL], row) if each is not None]
        if state.closed is not None and bucket < state.closed:
            late += count.mentions
            scored = state.table.scored
            known = np.array([each for each in rows if each < scored.series], np.intp)  # a new one has no past
            correct(scored, known, bucket, float(count.mentions))
        else:
            counted = state.open.setdefault(bucket, {})
            for each in rows:
                counted[each] = counted.get(each, 0) + count.mentions
    return Taken(late, unwatched)


async def close_buckets(state: SpikeState, policy: SpikePolicy) -> list[SpikeAlert]:
    """Close every bucket that the watermark has passed, in order, and follow the episodes."""
    alerts: list[SpikeAlert] = []
    until = state.volume.value
    if until is None:
        return alerts
    if state.closed is None:
        state.closed = max(min([*state.open, until]), until - _LOOK_BACK)
    while state.closed + STEP_SECONDS <= until:
        alerts += await _close(state, policy, state.closed)
        state.closed += STEP_SECONDS
        made_progress()
    for bucket in [bucket for bucket in state.open if bucket < state.closed]:
        del state.open[bucket]
    return alerts


async def _close(state: SpikeState, policy: SpikePolicy, bucket: int) -> list[SpikeAlert]:
    detector = state.table.detector
    counts = np.zeros(detector.series)
    counted = state.open.pop(bucket, {})
    counts[list(counted)] = list(counted.values())
    missing = _missing(state, counts)
    # In a thread: ten thousand series take long enough to keep requests waiting.
    scores = await asyncio.to_thread(
        advance,
        detector,
        bucket,
        np.where(missing, np.nan, counts),
        factor=_factors(state, policy.calendar, bucket),
        evidence=_evidence(state, bucket),
    )
    _listen(state, counts, scores)
    state.scores = scores
    alerts: list[SpikeAlert] = []
    for brand in _moving(state, scores):
        reading = _brand_reading(brand, scores, policy.calendar, bucket, known=not missing[brand.rows[ALL]])
        brand.episode, found = follow(policy.episodes, brand.episode, reading)
        alerts += found
    return alerts


def _missing(state: SpikeState, counts: F64) -> NDArray[np.bool_]:
    """[S] Series of which this row says nothing, because nothing at all comes from their tenant."""
    tenants = state.table.tenants
    is_silent = np.array([state.silence.get(tenant, 0.0) >= _SILENCE for tenant in tenants], np.bool_)
    if not is_silent.any():
        return np.zeros(len(counts), np.bool_)
    tenant_of = state.table.tenant_of()
    nothing = np.bincount(tenant_of, counts, len(tenants)) == 0
    return np.asarray((is_silent & nothing)[tenant_of])


def _listen(state: SpikeState, counts: F64, scores: Scores) -> None:
    """Add up, by tenant, what would normally have come since the last mention."""
    tenant_of, tenants = state.table.tenant_of(), state.table.tenants
    total = np.bincount(tenant_of, counts, len(tenants))
    # A mention is expected in its platform's series, too.
    once = np.where(state.table.is_total(), np.nan_to_num(scores.expected), 0.0)
    expected = np.bincount(tenant_of, once, len(tenants))
    for number, tenant in enumerate(tenants):
        state.silence[tenant] = 0.0 if total[number] else state.silence.get(tenant, 0.0) + float(expected[number])


def _factors(state: SpikeState, calendar: Calendar, bucket: int) -> F64 | None:
    if not calendar:
        return None
    found = np.ones(len(state.table))
    for brand in state.brands.values():
        if planned(calendar, brand.tenant, brand.name, bucket):
            for platform, row in brand.rows.items():
                found[row] = factors(calendar, brand.tenant, brand.name, platform, bucket)
    return found


def _evidence(state: SpikeState, bucket: int) -> Evidence:
    """[S] What is known of each brand's row beside the count, in the series of all its platforms."""
    negative, classified, authors, copies = np.full((4, len(state.table)), np.nan)
    for brand in state.brands.values():
        row, known = brand.rows[ALL], brand.evidence.close(bucket, brand.episode.since if brand.episode else None)
        negative[row], classified[row] = known.negative, known.classified
        authors[row], copies[row] = known.authors, known.copies
    return Evidence(negative, classified, authors, copies)


def _moving(state: SpikeState, scores: Scores) -> list[Brand]:
    """Brands that have something to say: a series starts a spike, or there is an episode that is not over for good."""
    starting = {state.table.keys[row][:2] for row in np.flatnonzero(scores.started)}
    return [brand for name, brand in state.brands.items() if brand.episode is not None or name in starting]


def _brand_reading(brand: Brand, scores: Scores, calendar: Calendar, bucket: int, *, known: bool) -> BrandReading:
    series = tuple(_reading(scores, platform, row) for platform, row in brand.rows.items() if row < len(scores.score))
    return BrandReading(
        tenant=brand.tenant,
        brand=brand.name,
        at=bucket,
        series=series,
        findings=brand.evidence.findings(rise_began(series, bucket)),
        planned=planned(calendar, brand.tenant, brand.name, bucket),
        planned_tags=planned_tags(calendar, brand.tenant, brand.name, bucket),
        known=known,
    )


def _reading(scores: Scores, platform: str, row: int) -> SeriesReading:
    since = float(scores.since[row])
    return SeriesReading(
        platform=platform,
        observed=float(scores.observed[row]),
        normal=float(scores.normal[row]),
        window_seconds=float(scores.window_seconds[row]),
        started=bool(scores.started[row]),
        spiking=bool(scores.spiking[row]),
        rising=bool(scores.rising[row]),
        since=None if math.isnan(since) else since,
        recent=float(scores.recent[row]),
        recent_normal=float(scores.recent_normal[row]),
    )
