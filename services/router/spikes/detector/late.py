"""Counts that come after their row: they correct what is remembered of it, and raise no alarm for then."""

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector.setting import HOUR
from services.router.spikes.detector.state import NEVER, DetectorState


def correct(state: DetectorState, rows: NDArray[np.intp], at: int, counts: float) -> None:
    """Add `counts` to the row of the series `rows` that began at `at`, epoch seconds, and was taken in before.

    The windows get what the count would have left in them by now, and the hour that still goes on its count. Hours and
    days that are over stay as they were, and so does a series that had not begun by then.
    """
    rows = rows[(state.last[rows] != NEVER) & (state.last[rows] - at <= state.age[rows])]
    scales = np.array(state.scales, float) / state.step_seconds
    keep = (scales - 1) / (scales + 1)
    passed = np.maximum((state.last[rows] - at) // state.step_seconds, 0)
    state.counts[rows] += (1 - keep) * keep ** passed[:, None] * counts
    same_hour = state.last[rows] // HOUR == at // HOUR
    state.hour_sum[rows] += np.where(same_hour, counts, 0.0)
