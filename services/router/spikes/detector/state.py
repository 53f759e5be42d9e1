"""What the detector remembers of each series: arrays whose leading axis is the series."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector.setting import DAY, MINUTE

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

SCALES: Final = tuple(MINUTE * m for m in (1, 5, 15, 30, 60, 240, 720, 1440, 2880))
"""Windows, seconds."""
PEAK_DAYS: Final = 28
"""Daily maxima of the residual that are kept."""
EIGHTHS: Final = 8
HIGH_DAYS: Final = 32
"""How far back the highest counts are kept."""
SHARES: Final = 2
"""Kinds of share: negatives, copies."""
NEVER: Final = -1


@dataclass(slots=True)
class DetectorState:
    """S series at one step, K windows: about 3.4 KB a series with nine windows.

    Mean counts are per row, residuals natural logs, times epoch seconds (`NEVER` before there is one).
    """

    step_seconds: int
    age: F64
    """[S] seconds since the first row."""
    last: I64
    """[S] start of the last row."""
    filled: F64
    """[S, K] how much of the window has been seen, 0 to 1."""
    counts: F64
    """[S, K] exponentially weighted mean count, as heavy as what is filled."""
    expected: F64
    """[S, K] the same of what was expected."""
    late: F64
    """[S] mentions that were expected in a gap and may still come in."""
    local: F64
    """[S] clipped running mean count of a row; NaN before the first."""
    local_rows: F64
    hour_sum: F64
    """[S] counts of this hour's rows, and their number."""
    hour_rows: F64
    level: F32
    """[S, 24] log(mean count + unit) by hour of the day (UTC); NaN before it is known."""
    level_days: F32
    """[S, 24] how often it was learned."""
    week: F32
    """[S, 7] log of the day's factor."""
    day_sum: F64
    """[S] sum of this day's hourly deviations, and their number."""
    day_hours: F64
    peak: F32
    """[S, K] this day's highest residual."""
    peaks: F32
    """[S, K, PEAK_DAYS] those of the days before, newest first; NaN where there is none."""
    center: F32
    """[S, K] their median and spread, with the priors."""
    spread: F32
    block: F32
    """[S, K] highest mean count in this eighth of a day."""
    eighths: F32
    """[S, K, EIGHTHS] highest since 1, 2, ... eighths before this one."""
    highs: F32
    """[S, K, HIGH_DAYS] highest since 1, 2, ... days before this one."""
    hits: F64
    """[S, SHARES] exponentially weighted mean of negatives and of copies in a row."""
    trials: F64
    """[S, SHARES] the same of those among which they were counted."""
    share: F64
    """[S, SHARES] their usual share; NaN before it is known."""
    share_peak: F32
    share_peaks: F32
    share_center: F32
    share_spread: F32
    voices: F64
    """[S] decaying sums of a day's distinct authors by row, and of the mentions that they wrote."""
    voiced: F64
    spike_high: I64
    """[S] last row over the spike's threshold."""
    spike_live: I64
    """[S] the last such row of an announced spike in which the counts were still high."""
    rise_high: I64
    since: F64
    """[S] when what rises now began to move; NaN where nothing does."""

    @property
    def series(self) -> int:
        """S."""
        return len(self.last)

    @property
    def scales(self) -> F64:
        """[K] the windows, seconds."""
        return scales_for(self.step_seconds)


def scales_for(step_seconds: int) -> F64:
    """The windows that rows of this step can fill."""
    return np.array([scale for scale in SCALES if scale >= step_seconds] or [step_seconds], np.float64)


def new_state(series: int, step_seconds: int) -> DetectorState:
    """Blank series. Raises ValueError for a step that is longer than a day."""
    if not 0 < step_seconds <= DAY:
        raise ValueError(f"a step of {step_seconds} s is not from 1 s to a day: resample to 60, 300 or 3600 s")
    k = len(scales_for(step_seconds))

    def number(*shape: int, value: float = 0.0) -> F64:
        return np.full((series, *shape), value)

    def small(*shape: int, value: float = 0.0) -> F32:
        return np.full((series, *shape), value, np.float32)

    def time() -> I64:
        return np.full(series, NEVER, np.int64)

    low, blank = -np.inf, np.nan
    return DetectorState(
        step_seconds=step_seconds,
        age=number(),
        last=time(),
        filled=number(k),
        counts=number(k),
        expected=number(k),
        late=number(),
        local=number(value=blank),
        local_rows=number(),
        hour_sum=number(),
        hour_rows=number(),
        level=small(24, value=blank),
        level_days=small(24),
        week=small(7),
        day_sum=number(),
        day_hours=number(),
        peak=small(k, value=low),
        peaks=small(k, PEAK_DAYS, value=blank),
        center=small(k, value=blank),
        spread=small(k, value=blank),
        block=small(k, value=low),
        eighths=small(k, EIGHTHS, value=low),
        highs=small(k, HIGH_DAYS, value=low),
        hits=number(SHARES),
        trials=number(SHARES),
        share=number(SHARES, value=blank),
        share_peak=small(SHARES, value=low),
        share_peaks=small(SHARES, PEAK_DAYS, value=blank),
        share_center=small(SHARES, value=blank),
        share_spread=small(SHARES, value=blank),
        voices=number(),
        voiced=number(),
        spike_high=time(),
        spike_live=time(),
        rise_high=time(),
        since=number(value=blank),
    )


ARRAYS: Final = tuple(field.name for field in fields(DetectorState) if field.name != "step_seconds")


def pick(state: DetectorState, rows: NDArray[np.intp]) -> DetectorState:
    """A copy of some series, in the order of `rows`."""
    return DetectorState(state.step_seconds, *(getattr(state, name)[rows] for name in ARRAYS))


def put(state: DetectorState, rows: NDArray[np.intp], part: DetectorState) -> None:
    """Write back what `pick` took out."""
    for name in ARRAYS:
        getattr(state, name)[rows] = getattr(part, name)


def join(states: Sequence[DetectorState]) -> DetectorState:
    """One state of all their series, in order. Raises ValueError where the steps differ, or there is none."""
    if len({state.step_seconds for state in states}) != 1:
        raise ValueError("only states of one step can be joined: give at least one, all made with the same step")
    arrays = (np.concatenate([getattr(state, name) for state in states]) for name in ARRAYS)
    return DetectorState(states[0].step_seconds, *arrays)
