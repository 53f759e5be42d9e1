"""The port to the partitioned event log: what a stage's runner, ingest and readers may ask of it.

It is made so that an embedded adapter (one file, one process) and one for Apache Kafka fit behind it. The words are
Kafka's: topics have partitions, records have offsets, a group remembers per partition how far it has read.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.common.errors import TriageError

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to be appended.

    `timestamp_ms`: the record's own time, milliseconds since the epoch. `value` None: a tombstone, which needs a key.
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A record that was read: a `NewRecord` with its place."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a partition retains: offsets `start` (inclusive) to `end` (exclusive), with gaps where it is compacted."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one step through a partition found, and where the next one starts: beyond what readers never see, too."""

    records: Sequence[Record]
    next_offset: int


class LogError(TriageError):
    """The log could not do what it was asked; the message says what to do."""


class LogUnavailable(LogError):
    """The log cannot be written or read now (disk, broker, network); the caller may try again. `reason`: in a word."""

    def __init__(self, message: str, reason: str = "unavailable") -> None:
        super().__init__(message)
        self.reason = reason


class LogFull(LogUnavailable):
    """The log holds as much as it may and its readers have not caught up. The caller must slow down and try again."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "full")


class LogLocked(LogError):
    """Another process writes to this embedded log."""


class UnknownTopic(LogError):
    """The log has no such topic."""


class OffsetOutOfRange(LogError):
    """The offset is below what the partition retains, or beyond its end."""

    def __init__(self, topic: str, partition: int, offset: int, bounds: Bounds) -> None:
        super().__init__(
            f"{topic}[{partition}]: offset {offset} is outside the retained range {bounds.start} to {bounds.end}"
        )
        self.offset = offset
        self.bounds = bounds


class NotAuthorized(LogError):
    """The log refuses this user something; the message says what."""


class RecordTooLarge(LogError):
    """A record is larger than its topic takes. Nothing of its unit was committed."""


class Fenced(LogError):
    """The claim is void and nothing more can be committed by it, because another owner has claimed the partition, or
    because the log has lost the claim. `reason`: which, in one word."""

    def __init__(self, message: str, reason: str = "claimed") -> None:
        super().__init__(message)
        self.reason = reason


class Claim(Protocol):
    """The sole right to move one group forward on one partition of its input topic.

    A newer claim on the same group and partition fences this one: its `commit` raises `Fenced`.
    """

    group: str
    topic: str
    partition: int

    @property
    def revoked(self) -> bool:
        """Whether the partition is to be given up: finish the batch in hand, commit it and return."""
        ...

    @property
    def position(self) -> int:
        """Offset of the next record to fetch; starts at the group's committed offset, or the oldest retained record."""
        ...

    async def fetch(self, max_records: int, max_bytes: int) -> Sequence[Record]:
        """Wait for records at `position` and move it beyond them.

        Returns 1 to `max_records` records (the first one even if it is larger than `max_bytes`); none once `revoked`;
        none after about a second without input, so that the caller can show that it is alive.
        Raises `OffsetOutOfRange` if retention has overtaken the group.
        """
        ...

    async def commit(self, outputs: Sequence[NewRecord], next_offset: int) -> int:
        """Append `outputs` and set the group's offset to `next_offset`: both or neither, durable on return.

        Readers see the outputs at once or a moment later; a newer claim on the partition always sees them.
        Returns the offset set: `next_offset`, or beyond it where the log holds nothing readable in between.
        Raises `Fenced` if the claim is void, `LogUnavailable` if nothing was committed and it may be tried again,
        `RecordTooLarge` if an output can never be written.
        """
        ...

    def state(self, topic: str) -> AsyncIterator[Sequence[Record]]:
        """What this claim's partition of a state topic retains, oldest first, in batches, up to the last commit."""
        ...


class GroupObserver(Protocol):
    """Is told what happens to a group's member."""

    def assigned(self, partitions: int) -> None:
        """The member has got its share, which may be none."""
        ...

    def rebalanced(self, seconds: float) -> None:
        """The group has shared its partitions anew; this member did not work for so long."""
        ...


class IgnoreGroup:
    """A `GroupObserver` that does nothing."""

    def assigned(self, partitions: int) -> None:
        """See `GroupObserver.assigned`."""

    def rebalanced(self, seconds: float) -> None:
        """See `GroupObserver.rebalanced`."""


class Reader(Protocol):
    """Reads without a group: for `tail`, `topics` and pages over HTTP."""

    @property
    def identity(self) -> str:
        """Names this log, 16 characters or more: offsets of a log with another identity mean nothing here."""
        ...

    def topics(self) -> Sequence[str]:
        """Names of the topics."""
        ...

    def partitions(self, topic: str) -> int:
        """Number of partitions of a topic. Raises `UnknownTopic`."""
        ...

    async def bounds(self, topic: str) -> Sequence[Bounds]:
        """What each partition of the topic retains, by partition number. Raises `UnknownTopic`."""
        ...

    async def read(self, topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> Sequence[Record]:
        """Committed records from `offset` on, without waiting; none at the end.

        Raises `UnknownTopic`, and `OffsetOutOfRange` where `offset` is below the start or beyond the end.
        """
        ...

    async def scan(self, topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> Scanned:
        """One step of `read`, with bounded work: it may find no records before the end and still move on.

        `next_offset` equals `offset` only at the end. Raises what `read` raises.
        """
        ...

    async def group_lags(self) -> Sequence[tuple[str, str, int]]:
        """(group, topic, records that it has yet to commit) for every group."""
        ...

    async def close(self) -> None:
        """Release files and connections. What was not committed is not there; what was, is."""
        ...


class Log(Reader, Protocol):
    """The log as a service sees it."""

    async def append(self, records: Sequence[NewRecord]) -> None:
        """Append records, in order within each partition; all durable on return.

        Raises `LogFull` while the readers are too far behind, `LogUnavailable` if not all of them are known to be
        there: some may be, so the caller must append all again and readers must recognise repeats by their id.
        """
        ...

    async def consume(
        self,
        group: str,
        topic: str,
        work: Callable[[Claim], Awaitable[None]],
        observer: GroupObserver | None = None,
    ) -> None:
        """Take part in a group: run `work(claim)` for each partition while it is assigned here.

        A `work` that returns although its claim is not revoked was fenced: the partition is claimed anew if it is still
        assigned here. Returns when every `work` has returned, after `stop_consuming`. Raises what a `work` raised,
        after letting the others finish their batch.
        """
        ...

    async def claim(self, group: str, topic: str, partition: int) -> Claim:
        """Fence earlier owners of this partition for this group, then take over at the group's committed offset.

        `consume` does this for each assigned partition; call it directly only where the assignment is known.
        """
        ...

    def stop_consuming(self) -> None:
        """Revoke every claim: workers finish the batch in hand, commit and return."""
        ...
