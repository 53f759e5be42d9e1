"""The windows: exponentially weighted means of counts and of what was expected, from one minute to two days.

A mean over n rows is weighted by keep = (n - 1) / (n + 1): as an average over the last n rows it has the mean age
(n - 1) / 2 and the variance of 1 / n of a row's, needs one number instead of n, and shows a burst at once.
"""

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector.setting import HOUR, Setting
from services.router.spikes.detector.state import F64, DetectorState


def take_in(state: DetectorState, counts: F64, normal: F64, seen: NDArray[np.bool_], missed: int) -> None:
    """Add a row: counts and what was expected, [S]. Rows of which nothing is known empty the windows."""
    rows = state.scales / state.step_seconds
    keep = (rows - 1) / (rows + 1)
    for held, row in ((state.counts, counts), (state.expected, normal), (state.filled, np.ones(state.series))):
        np.multiply(held, keep ** (missed + 1), out=held)
        np.add(held, (1 - keep) * np.where(seen, row, 0.0)[:, None], out=held)


def residuals(state: DetectorState, setting: Setting) -> F64:
    """[S, K] log of how much more came than was expected; windows up to an hour less the drift of half a day."""
    scales = state.scales
    rows = scales / state.step_seconds
    ratio = (state.counts * rows + setting.pseudo_count) / (state.expected * rows + setting.pseudo_count)
    residual: F64 = np.log(ratio)
    # The sum: of one window, or of none where the rows are longer than it.
    drift = residual[:, scales == setting.drift_window].clip(0, setting.drift_limit).sum(axis=1, keepdims=True)
    return np.asarray(residual - np.where(scales <= HOUR, drift, 0.0))


def excess(state: DetectorState, residual: F64, setting: Setting) -> F64:
    """[S, K] How far the residuals are above an ordinary day's maximum, in spreads of it; at least 0.

    No spread is less than what one mention makes: where few are expected, most days are the same.
    """
    rows = state.scales / state.step_seconds
    one = 1 / (state.expected * rows + setting.pseudo_count)
    above: F64 = np.maximum((residual - state.center) / np.hypot(state.spread, one), 0.0)
    return above


def enough(state: DetectorState, setting: Setting) -> NDArray[np.bool_]:
    """[S] Whether there are enough mentions above what was expected to speak of."""
    more = (state.counts - state.expected) * (state.scales / state.step_seconds)
    clear = state.counts >= setting.least_ratio * state.expected
    return any_up_to((more >= setting.least_mentions) & clear, state, setting.moving_longest)


def any_up_to(flags: NDArray[np.bool_], state: DetectorState, longest: float) -> NDArray[np.bool_]:
    """[S] Whether it is so in a window up to `longest` seconds: at least in the shortest one that there is."""
    scales = state.scales
    return np.asarray(flags[:, scales <= max(longest, scales[0])].any(axis=1))


def mean(values: F64, weights: F64) -> F64:
    """[S] Mean over the windows; 0 where no window holds anything."""
    total = weights.sum(axis=1)
    summed: F64 = (values * weights).sum(axis=1)
    return summed / np.where(total > 0, total, 1.0)
