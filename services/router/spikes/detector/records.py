"""For how long the counts were not as high: a record of a month is news, one of an afternoon is not."""

import numpy as np

from services.router.spikes.detector.setting import DAY, Setting
from services.router.spikes.detector.state import EIGHTHS, F32, F64, HIGH_DAYS, DetectorState

EIGHTH = DAY // EIGHTHS


def days_since_as_high(state: DetectorState, at: int, high: F32, setting: Setting) -> F64:
    """[S, K] Days since the mean count over the window was at least `high`; from 1/8 to 32.

    A series that has not been seen for as long counts its own age, and at least `record_prior_days`.
    """
    eighths = (high[:, :, None] > state.eighths).sum(axis=2)
    before = np.where(eighths == EIGHTHS, (high[:, :, None] > state.highs).sum(axis=2), 0)
    days = np.where(before > 0, before + at % DAY / DAY, eighths / EIGHTHS)
    days = np.where(high > state.block, np.maximum(days, 1 / EIGHTHS), 1 / EIGHTHS)
    age = np.maximum(state.age / DAY, setting.record_prior_days)
    return np.minimum(np.minimum(days, age[:, None]), float(HIGH_DAYS))


def close_eighth(state: DetectorState) -> None:
    """The block that was open becomes the newest one before."""
    state.eighths[:, :, 1:] = state.eighths[:, :, :-1].copy()
    state.eighths[:, :, 0] = state.block
    np.maximum(state.eighths, state.block[:, :, None], out=state.eighths)
    state.block[:] = -np.inf


def close_day(state: DetectorState) -> None:
    """The eighths before become the newest day before: after `close_eighth`."""
    day = state.eighths[:, :, -1]
    state.highs[:, :, 1:] = state.highs[:, :, :-1].copy()
    state.highs[:, :, 0] = day
    np.maximum(state.highs, day[:, :, None], out=state.highs)
