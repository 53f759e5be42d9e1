"""What the stage `spikes` knows of one partition of the counts."""

from dataclasses import dataclass

from services.router.spikes.detector import Scores
from services.router.spikes.episodes.episode import Episode
from services.router.spikes.evidence import BrandEvidence
from services.router.spikes.series import ALL, SeriesKey, SeriesTable
from services.router.spikes.watermark import Watermark


@dataclass(slots=True)
class Brand:
    """One brand of one tenant."""

    tenant: str
    name: str
    rows: dict[str, int]
    """Its series' rows in the table, by platform."""
    evidence: BrandEvidence
    episode: Episode | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has an open episode."""
        return self.episode is not None and self.episode.is_open


class SpikeState:
    """Everything, as of one offset of the counts."""

    def __init__(self, partitions: int, table: SeriesTable) -> None:
        """`partitions`: of the topics that are counted."""
        self.covers = 0
        """Offset of the next record of the counts."""
        self.volume = Watermark(partitions)
        self.mix = Watermark(partitions)
        self.closed: int | None = None
        """Up to when buckets are closed, epoch seconds; None before the first."""
        self.open: dict[int, dict[int, int]] = {}
        """Mentions by bucket and row, of buckets that are not closed."""
        self.silence: dict[str, float] = {}
        """By tenant, how many mentions would normally have come since the last one."""
        self.table = table
        self.brands: dict[tuple[str, str], Brand] = {}
        self.scores: Scores | None = None
        """Of the last closed bucket: a row for each series that there was then."""

    def brand(self, tenant: str, name: str) -> Brand | None:
        """The brand, made if need be; None beyond the limit of series."""
        found = self.brands.get((tenant, name))
        if found is None and (row := self.table.row(SeriesKey(tenant, name, ALL))) is not None:
            found = self.brands[tenant, name] = Brand(tenant, name, {ALL: row}, BrandEvidence())
        return found

    def row(self, brand: Brand, platform: str) -> int | None:
        """The row of a brand's series on a platform, made if need be; None beyond the limit of series."""
        row = brand.rows.get(platform)
        if row is None and (row := self.table.row(SeriesKey(brand.tenant, brand.name, platform))) is not None:
            brand.rows[platform] = row
        return row
