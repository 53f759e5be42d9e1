"""Gaps: of rows left out nothing is known, and their mentions may come in late.

Mentions count when they are received. After an outage of what feeds the ingest, those of the gap come in at once: high
counts that only make up for it are no news. So the mentions that were expected in a gap are kept as a debt, and an
excess over the normal count pays it off before it counts. A spike that goes on has soon paid.
"""

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector.setting import HOUR, Setting
from services.router.spikes.detector.state import F64, DetectorState


def without_late(
    state: DetectorState, counts: F64, normal: F64, seen: NDArray[np.bool_], missed: int, setting: Setting
) -> F64:
    """[S] The counts less what makes up for a gap. `missed`: rows left out before this one."""
    most = setting.gap_limit / state.step_seconds * normal
    owed = np.where(seen, missed, missed + 1) * normal
    state.late = np.where(owed > 0, np.minimum(state.late + owed, most), state.late)
    paid = np.where(seen, np.minimum(state.late, np.maximum(counts - normal, 0.0)), 0.0)
    # What has not come within a few hours will not come: half of it is given up each hour.
    state.late = (state.late - paid) * np.where(seen, 0.5 ** (state.step_seconds / HOUR), 1.0)
    return counts - paid
