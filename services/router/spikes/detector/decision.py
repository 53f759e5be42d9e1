"""When a spike starts and ends, and while a rise lasts."""

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector.setting import Setting
from services.router.spikes.detector.state import F64, NEVER, DetectorState

Flags = NDArray[np.bool_]


def spikes(
    state: DetectorState, at: int, score: F64, enough: Flags, rise: F64, live: Flags, setting: Setting
) -> tuple[Flags, Flags]:
    """[S] A spike starts on this row; and one lasts.

    One event, one start: what is high again within `spike_quiet` is its echo, and starts nothing, unless the first has
    ended and this one is sudden. `live`: a window up to an hour is above its ordinary maximum.
    """
    over = enough & (score >= setting.spike_threshold)
    lasting = _passed(state.spike_live, at) <= setting.spike_end
    quiet = _passed(state.spike_high, at) > setting.spike_quiet
    started = over & ~lasting & (quiet | (rise >= setting.sudden_rise))
    state.spike_live = np.where(started | (over & live & lasting), at, state.spike_live)
    state.spike_high = np.where(over, at, state.spike_high)
    return started, started | lasting


def rises(state: DetectorState, at: int, rise: F64, enough: Flags, setting: Setting) -> Flags:
    """[S] A rise lasts."""
    state.rise_high = np.where(enough & (rise >= setting.rise_threshold), at, state.rise_high)
    return _passed(state.rise_high, at) <= setting.rise_end


def since(state: DetectorState, at: int, moving: Flags, lasting: Flags) -> F64:
    """[S] When what lasts, or moves now, began to move: epoch seconds, NaN where nothing does."""
    known = np.where(np.isnan(state.since), float(at), state.since)
    state.since = np.where(moving | lasting, known, np.nan)
    return state.since.copy()


def _passed(high: NDArray[np.int64], at: int) -> F64:
    return np.where(high == NEVER, np.inf, at - high.astype(np.float64))
