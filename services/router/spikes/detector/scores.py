"""What goes into a row of the detector beside the counts, and what comes out."""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector.state import F64


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of this row's mentions beside their number: arrays of S, NaN where unknown."""

    negative: F64
    """Mentions with negative sentiment, among those `classified`."""
    classified: F64
    """Mentions whose sentiment is known."""
    authors: F64
    """Distinct authors."""
    copies: F64
    """Mentions that copy or reshare another."""

    def pick(self, rows: NDArray[np.intp]) -> Self:
        """That of some series."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Scores:
    """One row's result: arrays of S."""

    expected: F64
    """The count that this row normally has (times the planned factor); NaN for a series that has no past."""
    score: F64
    """The spike score: a spike starts where it reaches `Setting.spike_threshold`."""
    started: NDArray[np.bool_]
    """A spike starts on this row."""
    spiking: NDArray[np.bool_]
    """From the start of a spike until it has ended."""
    rise_score: F64
    """The rise score; a series rises from where it reaches the setting's threshold."""
    rising: NDArray[np.bool_]
    """While more comes than normal; quick, for operations."""
    since: F64
    """Epoch seconds at which what rises now began to move; NaN where nothing does."""
    observed: F64
    """The count in the window that moves most."""
    normal: F64
    """What that window normally holds: `observed / normal` is how far above normal."""
    window_seconds: F64
    """That window's length, as far as it is filled: of a young series less than the whole."""
    recent: F64
    """The count of the last `RECENT` seconds."""
    recent_normal: F64
    """What they normally hold."""

    @classmethod
    def blank(cls, series: int) -> Self:
        """Of `series` series, nothing known yet."""
        return cls(*(np.full(series, *_BLANK.get(field.name, (np.nan,))) for field in fields(cls)))

    def put(self, rows: NDArray[np.intp], part: Self) -> None:
        """Write the scores of some series into their places."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(part, field.name)


_BLANK: Final = dict.fromkeys(("started", "spiking", "rising"), (False, np.bool_))
