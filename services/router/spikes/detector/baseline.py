"""What is normal, without what is going on: a learned state as the beginning of a series."""

import numpy as np

from services.router.spikes.detector.setting import DAY, SETTING, Setting
from services.router.spikes.detector.state import DetectorState, new_state, pick, scales_for
from services.router.spikes.detector.step import close

_KEPT = ("age", "level_days", "week", "peaks", "share", "share_peaks")
_PER_ROW = ("local", "eighths", "highs")


def baseline(state: DetectorState, step_seconds: int, setting: Setting = SETTING) -> DetectorState:
    """The levels, daily maxima and records of a state, for series that begin at any time with rows of `step_seconds`.

    Its last day is closed. Windows, episodes and dates are left behind: the time until the series begin is no gap.
    Raises ValueError for a step that does not have the same windows, and for series that ended at different times.
    """
    if not np.array_equal(scales_for(step_seconds), state.scales) or len(np.unique(state.last)) != 1:
        raise ValueError("a baseline is made of series that ended together, for a step with the same windows")
    last = int(state.last[0])
    closed = pick(state, np.arange(state.series))
    close(closed, last, (last // DAY + 1) * DAY, setting)
    begun, ratio = new_state(state.series, step_seconds), step_seconds / state.step_seconds
    for name in _KEPT:
        setattr(begun, name, getattr(closed, name))
    for name in _PER_ROW:
        setattr(begun, name, getattr(closed, name) * getattr(closed, name).dtype.type(ratio))
    begun.local_rows = closed.local_rows / ratio
    begun.level = closed.level + np.float32(np.log(ratio))
    return begun
