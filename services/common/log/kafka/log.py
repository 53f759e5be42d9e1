"""The log port on Apache Kafka: for everything beyond one machine."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from services.common.log.kafka.appender import Appender
from services.common.log.kafka.claim import KafkaClaim
from services.common.log.kafka.client import EARLIEST, KafkaClient
from services.common.log.kafka.closing import close_consumer
from services.common.log.kafka.committing import Committer, PlainCommitter, TransactionalCommitter
from services.common.log.kafka.errors import port_error
from services.common.log.kafka.generation import require_finished, require_in_use
from services.common.log.kafka.group import GroupMember
from services.common.log.kafka.pacing import CommitPacing
from services.common.log.kafka.producing import check_sizes
from services.common.log.kafka.reader import KafkaReader
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.kafka.source import CONSUMER_OPTIONS, Source
from services.common.log.port import Claim, GroupObserver, IgnoreGroup, NewRecord

_HEARTBEAT_MS: Final = 3_000
_CLOSE_SECONDS: Final = 3.0


class KafkaLog(KafkaReader):
    """The port's `Log`."""

    def __init__(self, client: KafkaClient, options: Mapping[str, Any], settings: KafkaSettings) -> None:
        """`client`: connected. `options`: see `connection_options`."""
        super().__init__(client)
        self._options = options
        self._settings = settings
        self._pacing = CommitPacing(settings.commit_interval_seconds, settings.longest_commit_interval_seconds)
        self._appender = Appender(options, settings.append_timeout_seconds, settings.max_in_flight_bytes)
        self._members: set[GroupMember] = set()
        self._lone: list[_LoneSource] = []
        self._stopping = False

    async def append(self, records: Sequence[NewRecord]) -> None:
        """See `Log.append`."""
        self.check_partitions(records)
        check_sizes(records)
        await self._appender.append(records)

    async def claim(self, group: str, topic: str, partition: int) -> KafkaClaim:
        """See `Log.claim`."""
        self.partitions(topic)
        place = TopicPartition(topic, partition)
        lone = _LoneSource(AIOKafkaConsumer(**self._options, **CONSUMER_OPTIONS, group_id=self._lone_group(group)))
        self._lone.append(lone)
        await lone.start(place)
        lone.claim = await self._claim(lone.source, group, place)
        lone.read()
        return lone.claim

    def _lone_group(self, group: str) -> str | None:
        # Transactions carry the group; a consumer needs it only to commit by itself.
        return group if self._settings.delivery == "at_least_once" else None

    async def consume(
        self,
        group: str,
        topic: str,
        work: Callable[[Claim], Awaitable[None]],
        observer: GroupObserver | None = None,
    ) -> None:
        """See `Log.consume`."""
        self.partitions(topic)
        await require_finished(self.client, group, topic)
        settings = self._settings

        def make_consumer() -> AIOKafkaConsumer:
            return AIOKafkaConsumer(
                **self._options,
                **CONSUMER_OPTIONS,
                group_id=group,
                group_instance_id=settings.group_instance_id,
                session_timeout_ms=int(settings.session_timeout_seconds * 1000),
                heartbeat_interval_ms=_HEARTBEAT_MS,
                rebalance_timeout_ms=int(settings.rebalance_timeout_seconds * 1000),
                partition_assignment_strategy=(StickyPartitionAssignor,),
            )

        async def make_claim(source: Source, place: TopicPartition) -> KafkaClaim:
            return await self._claim(source, group, place)

        drain_seconds = settings.rebalance_timeout_seconds / 4
        member = GroupMember(make_consumer, make_claim, work, observer or IgnoreGroup(), drain_seconds)
        if self._stopping:
            member.stop()
        self._members.add(member)
        try:
            await member.run(topic)
        finally:
            self._members.discard(member)

    async def _claim(self, source: Source, group: str, place: TopicPartition) -> KafkaClaim:
        """Fence earlier owners, then read the group's offset: only then is it final."""
        committer = await self._committer(source, group, place)
        try:
            await require_in_use(self.client, place.topic)
            committed = await self.client.committed(group, place.topic)
            if place.partition in committed:
                offset = committed[place.partition]
            else:  # remembered at once, so that retention can never pass the group in silence
                offset = (await self.client.offsets(place.topic, EARLIEST))[place.partition]
                await committer.commit((), offset)
            return KafkaClaim(self, source, committer, group, place, offset, self._pacing)
        except BaseException:
            await committer.close()
            raise

    async def _committer(self, source: Source, group: str, place: TopicPartition) -> Committer:
        if self._settings.delivery == "at_least_once":
            return PlainCommitter(self._appender, source.consumer, group, place)
        committer = TransactionalCommitter(self._options, group, place)
        try:
            await committer.start()
        except BaseException:
            await committer.close()
            raise
        return committer

    def stop_consuming(self) -> None:
        """See `Log.stop_consuming`."""
        self._stopping = True
        for member in self._members:
            member.stop()
        for lone in self._lone:
            if lone.claim:
                lone.claim.revoke()

    async def close(self) -> None:
        """See `Log.close`."""
        self.stop_consuming()
        await asyncio.gather(*(lone.close() for lone in self._lone))
        await self._appender.close()
        await super().close()


class _LoneSource:
    """A consumer without a group for one claim."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self.source = Source(consumer)
        self.claim: KafkaClaim | None = None
        self._poll: asyncio.Task[None] | None = None

    async def start(self, place: TopicPartition) -> None:
        """Start reading nothing yet."""
        self.source.consumer.assign([place])
        self.source.hold([place])
        try:
            await self.source.consumer.start()
        except KafkaError as error:
            raise port_error(error, f"claiming {place.topic}[{place.partition}]") from None

    def read(self) -> None:
        """Start handing out records: what the claim has opened."""
        self._poll = asyncio.ensure_future(self.source.poll())

    async def close(self) -> None:
        """Stop reading, after the claim has released what it holds."""
        if self.claim:
            await self.claim.close()
        if self._poll:
            self._poll.cancel()
            await asyncio.gather(self._poll, return_exceptions=True)
        await close_consumer(self.source.consumer, _CLOSE_SECONDS)
