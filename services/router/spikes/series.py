"""The series that one partition watches, and the detector's state of them: row by row the same order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.router.counting.progress import BUCKET_SECONDS
from services.router.spikes.detector import DetectorState, join, new_state, pick

STEP_SECONDS: Final = BUCKET_SECONDS
"""What the detector takes as a row: a bucket of the counts."""

ALL: Final = ""
"""The platform of the series that all platforms of a brand make up together."""


class SeriesKey(NamedTuple):
    """Which series it is."""

    tenant: str
    brand: str
    platform: str


class SeriesTable:
    """Series by key, in rows. A new one starts blank, or from its baseline."""

    def __init__(self, limit: int, baselines: Mapping[SeriesKey, DetectorState]) -> None:
        """`limit`: series watched at most, half of them of one tenant: brands are what senders write.

        `baselines`: of single series, at `STEP_SECONDS`.
        """
        self._limit = limit
        self._baselines = baselines
        self._rows: dict[SeriesKey, int] = {}
        self._tenants: dict[str, int] = {}
        self._tenant_rows: list[int] = []
        self._series_of: Counter[str] = Counter()
        self._new: list[DetectorState] = []
        self._state = new_state(0, STEP_SECONDS)
        self.keys: list[SeriesKey] = []

    def __len__(self) -> int:
        return len(self.keys)

    def row(self, key: SeriesKey) -> int | None:
        """The series' row, made if need be; None beyond the limit."""
        row = self._rows.get(key)
        if row is None and len(self.keys) < self._limit and self._series_of[key.tenant] < max(2, self._limit // 2):
            baseline = self._baselines.get(key)
            self.add([key], new_state(1, STEP_SECONDS) if baseline is None else pick(baseline, np.zeros(1, np.intp)))
            row = self._rows[key]
        return row

    def add(self, keys: Sequence[SeriesKey], state: DetectorState) -> None:
        """Add series with what the detector remembers of them, in the same order."""
        for key in keys:
            self._rows[key] = len(self.keys)
            self._series_of[key.tenant] += 1
            self._tenant_rows.append(self._tenants.setdefault(key.tenant, len(self._tenants)))
            self.keys.append(key)
        self._new.append(state)

    @property
    def detector(self) -> DetectorState:
        """The detector's state, a row for each series."""
        if self._new:
            self._state = join([self._state, *self._new])
            self._new.clear()
        return self._state

    @property
    def scored(self) -> DetectorState:
        """That of the series that there were at the last row: what is newer has no past yet."""
        return self._state

    @property
    def tenants(self) -> list[str]:
        """The tenants, in the order of `tenant_of`."""
        return list(self._tenants)

    def tenant_of(self) -> NDArray[np.intp]:
        """[S] each series' tenant, as its place in `tenants`."""
        return np.array(self._tenant_rows, np.intp)

    def is_total(self) -> NDArray[np.bool_]:
        """[S] whether it is the series that all platforms of a brand make up together."""
        return np.array([key.platform == ALL for key in self.keys], np.bool_)
