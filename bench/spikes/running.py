"""The detector over whole arrays of counts, all series at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector import SETTING, DetectorState, Evidence, Setting, advance, new_state
from services.router.spikes.detector.state import F64


@dataclass(frozen=True, slots=True)
class Run:
    """What the detector said: arrays of T rows and S series."""

    expected: F64
    started: NDArray[np.bool_]
    rising: NDArray[np.bool_]
    state: DetectorState
    """After the last row."""


def run(
    counts: F64,
    start: int,
    step: int,
    *,
    state: DetectorState | None = None,
    factor: F64 | None = None,
    evidence: Callable[[int], Evidence] | None = None,
    setting: Setting = SETTING,
) -> Run:
    """Feed `counts` [T, S] of rows from epoch second `start` on. `factor`: [T, S]; `evidence`: of a row's place."""
    rows, series = counts.shape
    state = new_state(series, step) if state is None else state
    expected = np.empty((rows, series))
    started, rising = np.empty((2, rows, series), np.bool_)
    for row in range(rows):
        scores = advance(
            state,
            start + row * step,
            counts[row],
            factor=None if factor is None else factor[row],
            evidence=None if evidence is None else evidence(row),
            setting=setting,
        )
        expected[row], started[row], rising[row] = scores.expected, scores.started, scores.rising
    return Run(expected, started, rising, state)


def episodes(flag: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[T, S] Where a flag that lasts begins."""
    begins = flag.copy()
    begins[1:] &= ~flag[:-1]
    return begins
