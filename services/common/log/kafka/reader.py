"""Reading Kafka without a group."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from aiokafka.errors import OffsetOutOfRangeError

from services.common.log.kafka.client import EARLIEST, LATEST, KafkaClient
from services.common.log.port import Bounds, LogUnavailable, NewRecord, OffsetOutOfRange, Record, Scanned, UnknownTopic

_SETTLE_SECONDS: Final = 5.0
_SETTLE_PAUSE_SECONDS: Final = 0.02


class KafkaReader:
    """The port's `Reader`: committed records only, each read one request to the partition's leader."""

    def __init__(self, client: KafkaClient) -> None:
        """`client`: connected."""
        self.client = client

    @property
    def identity(self) -> str:
        """See `Reader.identity`: the cluster's id."""
        return self.client.cluster_id

    def topics(self) -> Sequence[str]:
        """See `Reader.topics`: those that were there at the start and have not been deleted since."""
        return [topic for topic in self.client.partitions if self.client.exists(topic)]

    def partitions(self, topic: str) -> int:
        """See `Reader.partitions`."""
        try:
            return self.client.partitions[topic]
        except KeyError:
            raise UnknownTopic(
                f"the cluster has no topic {topic!r}; there are {', '.join(self.client.partitions) or 'none'}"
            ) from None

    def check_partitions(self, records: Sequence[NewRecord]) -> None:
        """Raise `UnknownTopic` for a record to a topic or partition that is not there."""
        for record in records:
            if not 0 <= record.partition < self.partitions(record.topic):
                raise UnknownTopic(f"{record.topic} has no partition {record.partition}")

    async def bounds(self, topic: str) -> Sequence[Bounds]:
        """See `Reader.bounds`."""
        self.partitions(topic)
        starts, ends = await asyncio.gather(self.client.offsets(topic, EARLIEST), self.client.offsets(topic, LATEST))
        return [Bounds(start, max(start, end)) for start, end in zip(starts, ends, strict=True)]

    async def read(self, topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> Sequence[Record]:
        """See `Reader.read`."""
        while True:
            found = await self.scan(topic, partition, offset, max_records, max_bytes)
            if found.records or found.next_offset <= offset:
                return found.records
            offset = found.next_offset  # only markers and aborted records there

    async def scan(self, topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> Scanned:
        """See `Reader.scan`: one request."""
        self.partitions(topic)
        try:
            return await self.client.fetch(topic, partition, offset, max_records, max_bytes)
        except OffsetOutOfRangeError:
            raise OffsetOutOfRange(topic, partition, offset, (await self.bounds(topic))[partition]) from None

    async def settled(self, topic: str, partition: int) -> None:
        """Wait until every transaction that is open in the partition now has ended.

        Until then what came after its beginning is not to be seen, though it may be committed. Raises `LogUnavailable`
        if that takes long: a worker has died in the middle, and its partition is not claimed again yet.
        """
        end = (await self.client.offsets(topic, LATEST, committed=False))[partition]
        deadline = time.monotonic() + _SETTLE_SECONDS
        while (await self.client.offsets(topic, LATEST))[partition] < end:
            if time.monotonic() > deadline:
                raise LogUnavailable(f"a transaction is open in {topic}[{partition}]: try again in a minute")
            await asyncio.sleep(_SETTLE_PAUSE_SECONDS)

    async def group_lags(self) -> Sequence[tuple[str, str, int]]:
        """See `Reader.group_lags`. Counts offsets: the marker of each transaction is one."""
        committed = await self.client.all_committed()
        topics = {place.topic for places in committed.values() for place in places}
        ends = {topic: await self.client.offsets(topic, LATEST) for topic in topics}
        lags: Counter[tuple[str, str]] = Counter()
        for group, places in committed.items():
            for (topic, partition), offset in places.items():
                lags[group, topic] += max(0, ends[topic][partition] - offset)
        return [(group, topic, lag) for (group, topic), lag in sorted(lags.items())]

    async def close(self) -> None:
        """See `Reader.close`."""
        await self.client.close()
