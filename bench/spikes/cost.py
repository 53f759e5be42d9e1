"""What a row costs: the detector alone and with the brands around it, and after midnight; and bytes of state."""

import asyncio
import time

import numpy as np

from bench.report import Row
from mention_triage.v1.counts_pb2 import CountSource, MentionCounts, PartialCount
from services.router.counting.sketches import Summary
from services.router.spikes.calendar import NO_EVENTS
from services.router.spikes.closing import SpikePolicy, close_buckets, take_in
from services.router.spikes.detector import advance, dump, new_state
from services.router.spikes.detector.state import ARRAYS
from services.router.spikes.episodes.policy import EPISODES
from services.router.spikes.series import SeriesTable
from services.router.spikes.state import SpikeState

_SERIES = 10_000
_STEP = 10
_MIDNIGHT = 1_735_776_000
_ROWS = 40
_BRANDS = 2_000
_PLATFORMS = ("x", "facebook", "instagram", "tiktok")  # with the series of all of them, five a brand
_ACTIVE = 500  # brands with mentions in a row of ten seconds


def cost() -> list[Row]:
    """Of ten thousand series, half an hour around midnight."""
    random = np.random.default_rng(0)
    rates = random.gamma(0.3, 3, _SERIES)
    state = new_state(_SERIES, _STEP)
    seconds = []
    for row in range(-_ROWS // 2, _ROWS // 2):
        counts = random.poisson(rates).astype(np.float64)
        begun = time.process_time()
        advance(state, _MIDNIGHT + row * _STEP, counts)
        seconds.append(time.process_time() - begun)
    usual = float(np.median(seconds))
    whole = asyncio.run(_with_brands())
    return [
        Row(f"a row of {_SERIES:,} series, the detector alone, CPU time", 1000 * usual, "ms"),
        Row(f"the same with its {_BRANDS:,} brands, {_ACTIVE} of them with mentions", 1000 * whole, "ms"),
        Row("share of a core, a row each 10 s", 100 * whole / _STEP, "%", 10),
        Row("the row after midnight, CPU time", 1000 * max(seconds), "ms"),
        Row("state of a series in memory", sum(getattr(state, name).nbytes for name in ARRAYS) / _SERIES, "bytes"),
        Row("state of a series that is dumped", len(dump(state)) / _SERIES, "bytes"),
    ]


async def _with_brands() -> float:
    """CPU seconds of a row: counts taken in, scored, and the brands' evidence brought forward."""
    state = SpikeState(1, SeriesTable(2 * _SERIES, {}))
    policy = SpikePolicy(NO_EVENTS, EPISODES)
    summary = Summary()
    summary.add_author("tenant/x/author", ())
    sketches = summary.to_proto()
    seconds = []
    for row in range(_ROWS):
        at = _MIDNIGHT + 3600 + row * _STEP
        active = range(_BRANDS) if row < 2 else range(row % 4, _BRANDS, _BRANDS // _ACTIVE)
        counts = [
            PartialCount(brand=f"brand {brand}", platform=platform, bucket=at, mentions=1, sketches=sketches)
            for brand in active
            for platform in (_PLATFORMS if row < 2 else _PLATFORMS[:1])
        ]
        begun = time.process_time()
        take_in(state, MentionCounts(source=CountSource.COUNT_SOURCE_MENTIONS, until=at, tenant="t", counts=counts))
        take_in(state, MentionCounts(source=CountSource.COUNT_SOURCE_MENTIONS, until=at + _STEP))
        await close_buckets(state, policy)
        seconds.append(time.process_time() - begun)
    assert len(state.table) == _SERIES
    return float(np.median(seconds[2:]))
