"""The scoring of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, arXiv:1510.03336), of alarms that are 0 or 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

PROBATION_SHARE: Final = 0.15
PROBATION_LIMIT: Final = 750
"""So many first rows are not scored, or that share of them if it is less."""
STANDARD: Final = 0.11
LOW_FP: Final = 0.22
"""What a false alarm costs in the two profiles."""
_EARLIEST: Final = 0.98661
_FAR: Final = 3.0
"""Beyond so many widths after a window, a false alarm costs all of it."""

Window = tuple[int, int]
"""First row of a labelled window, and the first one after it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the alarms of one or more series were worth."""

    earned: float = 0.0
    """Sum over the windows found of the weight of the earliest alarm in each, up to 1."""
    lost: float = 0.0
    """Sum over the false alarms of their weight, up to 1 each."""
    windows: int = 0
    found: int = 0
    false: int = 0
    rows: int = 0
    """That were judged: those after probation."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.earned + other.earned,
            self.lost + other.lost,
            self.windows + other.windows,
            self.found + other.found,
            self.false + other.false,
            self.rows + other.rows,
        )

    def score(self, cost: float) -> float:
        """0: as good as no alarm at all; 100: each window found on its first row, and nothing else."""
        got = self.earned - (self.windows - self.found) - cost * self.lost
        return 100 * (got + self.windows) / (2 * self.windows)

    @property
    def mean(self) -> float:
        """Mean of the two profiles."""
        return (self.score(STANDARD) + self.score(LOW_FP)) / 2


def tally(alarms: NDArray[np.bool_], windows: Sequence[Window]) -> Tally:
    """Of one series: `alarms` [T]; `windows` in order of time and apart from each other."""
    rows = len(alarms)
    probation = min(int(PROBATION_SHARE * rows), PROBATION_LIMIT)
    places = [int(place) for place in np.flatnonzero(alarms) if place >= probation]
    earned, found, false = 0.0, 0, [place for place in places if not any(a <= place < b for a, b in windows)]
    for begin, end in windows:
        inside = [place for place in places if begin <= place < end]
        if inside:
            earned += sigmoid((inside[0] - end) / (end - begin)) / _EARLIEST
            found += 1
    lost = sum(-_after(place, windows) for place in false)
    return Tally(earned, lost, len(windows), found, len(false), rows - probation)


def sigmoid(position: float) -> float:
    """Weight of an alarm at a position in widths of its window: -1 the left edge, 0 the right one, beyond it false."""
    return float(2 / (1 + np.exp(5 * position)) - 1)


def _after(place: int, windows: Sequence[Window]) -> float:
    before = [window for window in windows if window[1] <= place]
    if not before:
        return -1.0
    begin, end = before[-1]
    position = (place - end + 1) / (end - begin)
    return -1.0 if position > _FAR else sigmoid(position)
