"""How high a residual gets on an ordinary day of this series: median and spread of its daily maxima.

Judging a series by its own maxima, instead of by the distribution of its rows, lets one threshold mean about one event
in so many days everywhere: burstiness, base and noise cancel.
"""

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector.setting import HOUR, Setting
from services.router.spikes.detector.state import F32, F64, DetectorState


def center_and_spread(peaks: F32, prior_center: F64, prior_spread: F64, setting: Setting) -> tuple[F32, F32]:
    """[S, K] From daily maxima [S, K, days] (NaN: none) and the priors [K]."""
    days = (~np.isnan(peaks)).sum(axis=2)
    middle = _median(peaks, days)
    deviation = _median(np.abs(peaks - middle[:, :, None]), days) * setting.spread_factor
    center = (days * middle + setting.prior_center_days * prior_center) / (days + setting.prior_center_days)
    spread = (days * deviation + setting.prior_days * prior_spread) / (days + setting.prior_days)
    return center.astype(np.float32), spread.astype(np.float32)


def calibrate(state: DetectorState, setting: Setting) -> None:
    """Renew the center and spread of the counts' residuals."""
    scales = state.scales
    center = np.minimum(setting.prior_center * np.cbrt(HOUR / scales), setting.prior_center_limit)
    spread = np.full(len(scales), setting.prior_spread)
    state.center, state.spread = center_and_spread(state.peaks, center, spread, setting)


def close_day(state: DetectorState, setting: Setting) -> None:
    """Add the day's maxima to those before."""
    add_day(state.peaks, state.peak)
    calibrate(state, setting)


def add_day(peaks: F32, peak: F32) -> None:
    """Put the maxima of a day [S, K] before those of the days before [S, K, days], and blank them for the next."""
    peaks[:, :, 1:] = peaks[:, :, :-1].copy()
    peaks[:, :, 0] = np.where(np.isinf(peak), np.nan, peak)
    peak[:] = -np.inf


def _median(values: F32, count: NDArray[np.intp]) -> F64:
    """Along the last axis, NaN left out; 0 where there is none. `np.nanmedian` is a loop over the rows."""
    ordered = np.sort(values, axis=2)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[2] - 1)
    low_value = np.take_along_axis(ordered, low[:, :, None], axis=2)[:, :, 0]
    high_value = np.take_along_axis(ordered, high[:, :, None], axis=2)[:, :, 0]
    return np.where(count > 0, (low_value.astype(np.float64) + high_value) / 2, 0.0)
