"""When a spike starts and ends, and while a rise lasts."""

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector.setting import Setting
from services.router.spikes.detector.state import F64, NEVER, DetectorState

Flags = NDArray[np.bool_]


def spikes(state: DetectorState, at: int, score: F64, enough: Flags, setting: Setting) -> tuple[Flags, Flags]:
    """[S] A spike starts on this row; and one lasts.

    One event, one start: what is high again within `spike_quiet` is its echo, and starts nothing unless the first has
    ended and this is clearly higher than what makes a spike.
    """
    over = enough & (score >= setting.spike_threshold)
    passed = _passed(state.spike_high, at)
    ended = passed > setting.spike_end
    distinct = ended & (score >= setting.spike_threshold + setting.echo_margin)
    started = over & ((passed > setting.spike_quiet) | distinct)
    # An echo after the end keeps the quiet going, and is no spike.
    state.spike_over = np.where(over, started | (state.spike_over & ~ended), state.spike_over & ~ended)
    state.spike_high = np.where(over, at, state.spike_high)
    return started, state.spike_over.copy()


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
