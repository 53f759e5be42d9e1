"""The gauges of spikes, made whenever they are asked for from the partitions that are worked on here.

So a brand's gauges leave this process with its partition.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from services.common.contracts.views import SPIKE_CAUSES
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics
from services.router.spikes.series import ALL
from services.router.spikes.state import Brand, SpikeState
from services.router.spikes.watermark import Watermark

_OF_BRANDS: Final = (
    defs.SPIKES_OBSERVED,
    defs.SPIKES_EXPECTED,
    defs.SPIKES_RATIO,
    defs.SPIKES_RISING,
    defs.SPIKES_ACTIVE,
    defs.SPIKES_SEVERITY,
    defs.SPIKES_CAUSE,
)


class _Shown(NamedTuple):
    """What is shown of a brand: of an open episode's the series that stands out most, else of all platforms together.

    Of the brands that share the label `other` the largest one is shown, in the order of these fields."""

    severity: int
    rising: bool
    ratio: float
    observed: float
    expected: float
    cause: str


def keep_gauges(
    metrics: Metrics, states: Callable[[], Iterable[SpikeState]], clock: Callable[[], float] = time.time
) -> None:
    """Make the gauges before every exposition. `states`: of the partitions that are worked on now. `clock`: seconds
    since the epoch."""
    metrics.before_exposition(lambda: _refresh(metrics, list(states()), clock()))


def _refresh(metrics: Metrics, states: Sequence[SpikeState], now: float) -> None:
    metrics.gauge(defs.SPIKES_SERIES).set(sum(len(state.table) for state in states))
    shown: dict[tuple[str, str], _Shown] = {}
    for state in states:
        for brand in state.brands.values():
            label = (brand.tenant, metrics.brand(brand.tenant, brand.name))
            found = _shown(state, brand)
            shown[label] = max(found, shown.get(label, found))
    for spec in (*_OF_BRANDS, defs.SPIKES_WATERMARK_LAG):
        metrics.gauge(spec).clear()
    _show_source(metrics, "mentions", [state.volume for state in states], now)
    _show_source(metrics, "classified", [state.mix for state in states], now)
    for label, brand_now in shown.items():
        metrics.gauge(defs.SPIKES_OBSERVED, *label).set(brand_now.observed)
        metrics.gauge(defs.SPIKES_EXPECTED, *label).set(brand_now.expected)
        metrics.gauge(defs.SPIKES_RATIO, *label).set(brand_now.ratio)
        metrics.gauge(defs.SPIKES_RISING, *label).set(brand_now.rising)
        metrics.gauge(defs.SPIKES_ACTIVE, *label).set(brand_now.severity > 0)
        metrics.gauge(defs.SPIKES_SEVERITY, *label).set(brand_now.severity)
        if brand_now.cause:
            metrics.gauge(defs.SPIKES_CAUSE, *label, brand_now.cause).set(1)


def _show_source(metrics: Metrics, source: str, watermarks: Sequence[Watermark], now: float) -> None:
    known = [watermark.value for watermark in watermarks if watermark.value is not None]
    if known:  # else the gauge is absent: a lag of 0 would say that all is well
        metrics.gauge(defs.SPIKES_WATERMARK_LAG, source).set(max(0.0, now - min(known)))
    left_out = max((len(watermark.left_out()) for watermark in watermarks), default=0)
    metrics.gauge(defs.SPIKES_LEFT_OUT, source).set(left_out)


def _shown(state: SpikeState, brand: Brand) -> _Shown:
    scores = state.scores
    rows = [] if scores is None else [row for row in brand.rows.values() if row < len(scores.score)]
    rising = scores is not None and bool(scores.rising[rows].any())
    if brand.episode is not None and brand.episode.is_open:
        episode, most = brand.episode, brand.episode.series[0]
        cause = SPIKE_CAUSES[episode.cause.cause]
        return _of(episode.severity, rising, most.observed_per_minute, most.expected_per_minute, cause)
    if scores is None or not rows:
        return _of(0, rising, 0.0, 0.0)
    row = brand.rows[ALL]
    per_minute = 60 / float(scores.window_seconds[row])
    return _of(0, rising, float(scores.observed[row]) * per_minute, float(scores.normal[row]) * per_minute)


def _of(severity: int, rising: bool, observed: float, expected: float, cause: str = "") -> _Shown:
    nothing = math.inf if observed > 0 else 1.0
    ratio = observed / expected if expected > 0 else nothing
    return _Shown(severity, rising, ratio, observed, expected, cause)
