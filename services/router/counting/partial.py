"""Partial counts of one batch, and the records that carry them."""

from collections.abc import Mapping, Sequence
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from mention_triage.v1.counts_pb2 import CountSource, MentionCounts, PartialCount
from mention_triage.v1.mention_pb2 import Mention
from services.common.contracts.records import event_record
from services.common.log.partitioner import partition_for
from services.common.log.port import NewRecord, Record
from services.common.log.topics import COUNTS
from services.router.counting.progress import BUCKET_SECONDS, Moment, Progress

# A batch lasts a second: one that comes later would take longer to tell of a spike, one that comes sooner costs more.
BATCH_SECONDS: Final = 1.0
# As much as the reading of a partition holds ready: a larger batch would never be full.
BATCH_RECORDS: Final = 1_000


class Series(NamedTuple):
    """What is counted apart from all else. `bucket`: where it starts, seconds since the epoch."""

    tenant: str
    brand: str
    platform: str
    bucket: int


class Count(Protocol):
    """What is counted of one series."""

    def to_proto(self, series: Series) -> PartialCount:
        """The partial count."""
        ...


C = TypeVar("C", bound=Count)


class Counted(Generic[C]):
    """What a batch adds to each series."""

    def __init__(self, new: type[C]) -> None:
        self._new = new
        self.by_series: dict[Series, C] = {}

    def of(self, mention: Mention) -> C:
        """The count of the series that a mention belongs to."""
        seconds = mention.received_at.seconds
        series = Series(mention.tenant, mention.brand, mention.platform, seconds - seconds % BUCKET_SECONDS)
        if (count := self.by_series.get(series)) is None:
            count = self.by_series[series] = self._new()
        return count


def fault_of(mention: Mention) -> str | None:
    """Why a mention cannot be counted, or None."""
    if mention.tenant and mention.brand and mention.platform and mention.HasField("received_at"):
        return None
    named = ("tenant", "brand", "platform")
    missing = next((name for name in named if not getattr(mention, name)), "received_at")
    return f"mention.{missing} is not set"


def is_old(mention: Mention, old_after_seconds: int) -> bool:
    """Whether the mention was written so long before it was received that it is history delivered late, and no news."""
    if not mention.HasField("occurred_at"):
        return False
    return _seconds(mention.received_at) - _seconds(mention.occurred_at) > old_after_seconds


def _seconds(time: Timestamp) -> float:
    return time.seconds + time.nanos / 1e9


class Batch(NamedTuple):
    """Where counts come from. `stage`: the name of the stage that counts; `records`: the batch, at least one."""

    stage: str
    source: CountSource
    records: Sequence[Record]
    moment: Moment

    @property
    def place(self) -> str:
        """Names the batch: its partition and offsets."""
        first, last = self.records[0], self.records[-1]
        return f"{first.partition}/{first.offset}-{last.offset}"


def outputs_of(batch: Batch, counts: Mapping[Series, Count], progress: Progress, partitions: int) -> list[NewRecord]:
    """What a batch writes: its counts, and, where its partition has come further by it, marks behind them."""
    outputs = counts_records(batch, counts, partitions)
    if progress.is_further(batch.moment):
        outputs += marks(batch, partitions)
    return outputs


def counts_records(batch: Batch, counts: Mapping[Series, Count], partitions: int) -> list[NewRecord]:
    """A record for each tenant that was counted, to the tenant's partition of the `partitions` that counts have.

    They do not say how far the partition has come, since those of other tenants follow: `marks` do, after them all.
    """
    of_tenant: dict[str, list[PartialCount]] = {}
    for series, count in sorted(counts.items(), key=lambda each: each[0]):
        of_tenant.setdefault(series.tenant, []).append(count.to_proto(series))
    return [_record(batch, partitions, tenant, partial) for tenant, partial in of_tenant.items()]


def marks(batch: Batch, partitions: int) -> list[NewRecord]:
    """Progress marks, to every partition of the counts: the tenants of each wait for all partitions of the source.

    They must be the last of the batch. Without a key and the headers of an event: they are many, and tell nobody but
    the detector.
    """
    message = _message(batch, batch.moment.until).SerializeToString(deterministic=True)
    time_ms = batch.moment.newest_ms
    return [NewRecord(COUNTS, partition, None, message, time_ms) for partition in range(partitions)]


def is_mark(record: Record) -> bool:
    """Whether a record of the counts is a progress mark, and counts nothing."""
    return record.key is None


def _message(batch: Batch, until: int, tenant: str = "", counts: Sequence[PartialCount] = ()) -> MentionCounts:
    return MentionCounts(
        source=batch.source,
        source_partition=batch.records[0].partition,
        until=until,
        tenant=tenant,
        counts=counts,
    )


def _record(batch: Batch, partitions: int, tenant: str, counts: Sequence[PartialCount]) -> NewRecord:
    return event_record(
        COUNTS,
        partition_for(tenant.encode(), partitions),
        tenant,
        _message(batch, batch.moment.bucket, tenant, counts),
        event_id=f"{batch.place}/{tenant}",
        source=batch.stage,
        timestamp_ms=batch.moment.newest_ms,
    )
