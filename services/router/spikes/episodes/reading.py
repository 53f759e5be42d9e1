"""What the detector and the evidence say of one brand in one row: what an episode goes on from."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.router.counting.progress import BUCKET_SECONDS
from services.router.spikes.calendar import PlannedEvent
from services.router.spikes.episodes.findings import Findings


@dataclass(frozen=True, slots=True)
class SeriesReading:
    """One series of the brand, by the detector's scores."""

    platform: str
    """Empty = all platforms together."""
    observed: float
    """The count in the window that moves most."""
    normal: float
    """What that window normally holds."""
    window_seconds: float
    started: bool = False
    """A spike starts on this row."""
    spiking: bool = False
    rising: bool = False
    since: float | None = None
    """Epoch seconds at which what rises began to move. None = nothing rises."""
    recent: float | None = None
    """The count of the last five minutes. None = not known: then `rising` alone tells when it is over."""
    recent_normal: float = 0.0
    """What they normally hold."""


@dataclass(frozen=True, slots=True)
class BrandReading:
    """One row of a brand."""

    tenant: str
    brand: str
    at: int
    """The row's start, epoch seconds."""
    series: tuple[SeriesReading, ...]
    """Each series at most once; those of which nothing is to be said may be left out."""
    findings: Findings
    planned: PlannedEvent | None = None
    planned_tags: frozenset[str] = frozenset()
    known: bool = True
    """Whether anything is known of the row: False while nothing comes from ingest, which is no calm."""

    @property
    def until(self) -> int:
        """The row's end: everything before is counted."""
        return self.at + BUCKET_SECONDS

    @property
    def started(self) -> bool:
        """Whether any series starts a spike."""
        return any(series.started for series in self.series)


def rise_began(series: Iterable[SeriesReading], at: int) -> int:
    """When what starts or rises in the row at `at` began; that row, where nothing does."""
    moving = (each.since for each in series if (each.started or each.rising) and each.since is not None)
    return min((int(since) for since in moving if since <= at), default=at)
