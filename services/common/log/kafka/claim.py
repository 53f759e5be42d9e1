"""The port's `Claim` on Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from aiokafka.structs import TopicPartition

from services.common.log.kafka.committing import Committer
from services.common.log.kafka.errors import TAKEN_OVER
from services.common.log.kafka.pacing import CommitPacing, CommitPacingState
from services.common.log.kafka.producing import check_sizes
from services.common.log.kafka.reader import KafkaReader
from services.common.log.kafka.source import Source
from services.common.log.port import Fenced, NewRecord, OffsetOutOfRange, Record
from services.common.log.reading import read_to_end

_IDLE_SECONDS: Final = 1.0


class KafkaClaim:
    """A fenced partition: reads through a source that many claims share, commits through a committer of its own."""

    def __init__(
        self,
        reader: KafkaReader,
        source: Source,
        committer: Committer,
        group: str,
        place: TopicPartition,
        offset: int,
        pacing: CommitPacing,
    ) -> None:
        self.group = group
        self.topic = place.topic
        self.partition = place.partition
        self._reader = reader
        self._source = source
        self._committer = committer
        self._place = place
        self._position = offset
        self._revoked = False
        self.taken_over = False  # by another worker, as far as this one knows
        self.has_committed = False
        self._inbox = source.open(place, offset)
        self._pacing = CommitPacingState(pacing, time.monotonic)

    @property
    def revoked(self) -> bool:
        """See `Claim.revoked`."""
        return self._revoked

    @property
    def position(self) -> int:
        """See `Claim.position`."""
        return self._position

    def revoke(self) -> None:
        """Ask the worker to give the partition up."""
        self._revoked = True
        self._inbox.changed.set()

    async def fetch(self, max_records: int, max_bytes: int) -> Sequence[Record]:
        """See `Claim.fetch`."""
        inbox, deadline = self._inbox, time.monotonic() + _IDLE_SECONDS
        while not self._revoked:
            if inbox.error is not None:
                await self._raise(inbox.error)
            if inbox.records:
                is_full = len(inbox.records) >= max_records or inbox.size >= max_bytes
                seconds = 0.0 if is_full else self._pacing.wait()
            else:
                seconds = deadline - time.monotonic()
            if seconds <= 0:
                records = inbox.take(max_records, max_bytes)
                if records:
                    self._position = records[-1].offset + 1
                    self._source.taken(self._place, inbox)
                return records
            await _wait(inbox.changed, seconds)
        return []

    async def commit(self, outputs: Sequence[NewRecord], next_offset: int) -> int:
        """See `Claim.commit`."""
        self._reader.check_partitions(outputs)
        check_sizes(outputs)
        if next_offset == self._position and not self._inbox.records:
            next_offset = max(next_offset, self._inbox.reached)  # transactions leave markers in the log
        start = time.monotonic()
        try:
            await self._committer.commit(outputs, next_offset)
        except Fenced as fenced:
            self.taken_over = fenced.reason in TAKEN_OVER
            raise
        self._pacing.committed(time.monotonic() - start)
        self.has_committed = True
        return next_offset

    async def state(self, topic: str) -> AsyncIterator[Sequence[Record]]:
        """See `Claim.state`."""
        await self._reader.settled(topic, self.partition)  # other groups may write to it too
        async for records in read_to_end(self._reader, topic, self.partition, 0):
            yield records

    async def close(self) -> None:
        """Give the partition back."""
        self.revoke()
        self._source.close(self._place, self._inbox)
        await self._committer.close()

    async def _raise(self, error: Exception | int) -> None:
        if isinstance(error, int):
            bounds = (await self._reader.bounds(self.topic))[self.partition]
            raise OffsetOutOfRange(self.topic, self.partition, error, bounds)
        raise error


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait until it is set, at most so long; it is cleared before."""
    event.clear()
    loop = asyncio.get_running_loop()
    timer: Callable[[], None] = loop.call_later(seconds, event.set).cancel
    try:
        await event.wait()
    finally:
        timer()
