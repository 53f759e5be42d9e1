"""The few requests that reading needs, each a question to the right broker, asked again while leaders move.

aiokafka's consumer keeps a place per partition and reads ahead; a page over HTTP, a restore or a look at the end of a
topic wants one bounded answer from a given offset. So these go through aiokafka's client and protocol directly.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NoError,
    NotLeaderForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.admin import ListGroupsRequest
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record import MemoryRecords
from aiokafka.structs import ConsumerRecord, TopicPartition

from services.common.log.kafka.diagnosis import connection_error
from services.common.log.kafka.errors import port_error
from services.common.log.port import LogUnavailable, Record, Scanned, UnknownTopic

T = TypeVar("T")

EARLIEST: Final = -2
LATEST: Final = -1  # with read_committed: the last stable offset
_PATIENCE_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = (0.02, 0.5)  # first and longest
_REQUEST_MS: Final = 10_000


class BrokerClient(AIOKafkaClient):  # type: ignore[misc]
    """aiokafka's, with one kind of error for a connection that is gone."""

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """See `AIOKafkaClient.send`. uvloop refuses to write to a connection that was closed a moment ago."""
        try:
            return await super().send(node_id, request, **options)
        except RuntimeError as error:
            if isinstance(error, KafkaError):
                raise
            raise KafkaConnectionError(str(error)) from error


class KafkaClient:
    """Asks the brokers. One for a process."""

    def __init__(self, options: Mapping[str, Any], topics: Sequence[str]) -> None:
        """`options`: see `connection_options`. `topics`: those that will be asked for."""
        self._options = options
        self._client = BrokerClient(**options, request_timeout_ms=_REQUEST_MS)
        self._topics = tuple(topics)
        self.cluster_id = ""
        self.partitions: dict[str, int] = {}  # of those topics that exist
        self.refused: set[str] = set()  # topics that this user may not describe, whether they exist or not

    async def connect(self) -> None:
        """Connect and learn the topics. Raises `LogUnavailable` if no broker answers."""
        try:
            await self._client.bootstrap()
        except KafkaError:
            raise await connection_error(self._options) from None
        try:
            metadata = await self._ask_any(MetadataRequest(list(self._topics), False))
        except LogUnavailable:  # at the addresses that the brokers name, which need not be those that LOG_URL names
            servers = [f"{broker.host}:{broker.port}" for broker in self._client.cluster.brokers()]
            raise await connection_error(self._options, servers) from None
        self.cluster_id = metadata.cluster_id
        for error_code, topic, _, partitions in metadata.topics:
            error = for_code(error_code)
            if error is NoError:
                self.partitions[topic] = len(partitions)
            elif error is TopicAuthorizationFailedError:
                self.refused.add(topic)
            elif error is not UnknownTopicOrPartitionError:
                raise LogUnavailable(f"the brokers cannot tell about {topic} now ({error.__name__})")
        self._client.set_topics(list(self.partitions))  # aiokafka logs an error per missing topic, again and again
        await self._client.force_metadata_update()

    def exists(self, topic: str) -> bool:
        """Whether the brokers had the topic when they were asked last: after an error, every few minutes."""
        cluster = self._client.cluster
        return bool(cluster.partitions_for_topic(topic)) or topic in cluster.unauthorized_topics

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def offsets(self, topic: str, which: Literal[-1, -2], *, committed: bool = True) -> list[int]:
        """The `EARLIEST` or `LATEST` offset of each partition, by partition number.

        `committed`: the latest is where the first open transaction begins, if there is one.
        """
        isolation = READ_COMMITTED if committed else READ_UNCOMMITTED
        found: dict[int, int] = {}

        async def ask() -> None:
            wanted = [n for n in range(self.partitions[topic]) if n not in found]
            by_leader: dict[int, list[int]] = defaultdict(list)
            for n in wanted:
                by_leader[self._leader(topic, n)].append(n)
            asked = [
                (node, OffsetRequest(-1, isolation, [(topic, [(n, which) for n in ns])]))
                for node, ns in by_leader.items()
            ]
            await asyncio.gather(*(self._ask_offsets(node, request, found) for node, request in asked))

        await self._patiently(ask, f"asking for the offsets of {topic}")
        return [found[n] for n in range(self.partitions[topic])]

    async def _ask_offsets(self, node: int, request: OffsetRequest, found: dict[int, int]) -> None:
        response = await self._client.send(node, request)
        for _, answers in response.topics:
            for partition, error_code, _, offset in answers:
                if error_code:
                    raise for_code(error_code)()
                found[partition] = offset

    async def fetch(self, topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> Scanned:
        """Committed records from `offset` on, without waiting. Raises aiokafka's `OffsetOutOfRangeError`."""

        async def ask() -> Scanned:
            request = FetchRequest(0, 0, max_bytes, READ_COMMITTED, [(topic, [(partition, offset, max_bytes)])])
            response = await self._client.send(self._leader(topic, partition), request)
            ((_, ((_, error_code, _, *rest),)),) = response.topics
            if error_code:
                raise for_code(error_code)()
            # Since version 4 of the answer: last stable offset, …, aborted transactions, [preferred replica,] records.
            aborted = rest[2] if response.API_VERSION >= 11 else rest[-2]
            place = TopicPartition(topic, partition)
            found = PartitionRecords(place, MemoryRecords(rest[-1]), aborted, offset, None, None, True, READ_COMMITTED)
            records: list[Record] = []
            size = 0
            for message in found:
                size += len(message.value or b"")
                if records and size > max_bytes:
                    return Scanned(records, message.offset)
                records.append(to_record(message))
                if len(records) == max_records:
                    break
            return Scanned(records, found.next_fetch_offset)

        return await self._patiently(ask, f"reading {topic}[{partition}]")

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """The group's offset by partition, where it has one."""
        offsets = await self._committed(group, [(topic, list(range(self.partitions[topic])))])
        return {place.partition: offset for place, offset in offsets.items()}

    async def all_committed(self) -> dict[str, dict[TopicPartition, int]]:
        """Every group that this user may see, with its offsets in the known topics."""

        async def ask() -> set[str]:
            answers = await asyncio.gather(
                *(self._client.send(broker.nodeId, ListGroupsRequest()) for broker in self._client.cluster.brokers())
            )
            for answer in answers:
                if answer.error_code:
                    raise for_code(answer.error_code)()
            return {group for answer in answers for group, *_ in answer.groups}

        groups = sorted(await self._patiently(ask, "asking for the groups"))
        offsets = {group: await self._committed(group, None) for group in groups}
        return {
            group: {place: offset for place, offset in places.items() if place.topic in self.partitions}
            for group, places in offsets.items()
        }

    async def _committed(self, group: str, places: list[tuple[str, list[int]]] | None) -> dict[TopicPartition, int]:
        async def ask() -> dict[TopicPartition, int]:
            node = await self._client.coordinator_lookup(CoordinationType.GROUP, group)
            response = await self._client.send(node, OffsetFetchRequest(group, places))
            if response.error_code:
                raise for_code(response.error_code)()
            found = {}
            for topic, partitions in response.topics:
                for partition, offset, _, error_code in partitions:
                    if error_code:
                        raise for_code(error_code)()
                    if offset >= 0:
                        found[TopicPartition(topic, partition)] = offset
            return found

        return await self._patiently(ask, f"asking for the offsets of group {group}")

    async def _ask_any(self, request: Any) -> Any:
        async def ask() -> Any:
            node = self._client.get_random_node()
            return await self._client.send(node, request)

        return await self._patiently(ask, "asking for the topics")

    def _leader(self, topic: str, partition: int) -> int:
        leader = self._client.cluster.leader_for_partition(TopicPartition(topic, partition))
        if topic in self._client.cluster.unauthorized_topics:
            raise TopicAuthorizationFailedError(topic)
        if leader is None:
            raise UnknownTopicOrPartitionError
        if leader < 0:
            raise NotLeaderForPartitionError
        return int(leader)

    async def _patiently(self, ask: Callable[[], Awaitable[T]], doing: str) -> T:
        """The answer, asked for again while it may still come. Raises the port's error for the last failure."""
        deadline, pause = time.monotonic() + _PATIENCE_SECONDS, _PAUSE_SECONDS[0]
        while True:
            try:
                return await ask()
            except OffsetOutOfRangeError:
                raise
            except (KafkaError, OSError, TimeoutError) as error:
                if isinstance(error, UnknownTopicOrPartitionError) and time.monotonic() > deadline:
                    raise UnknownTopic(f"{doing}: the brokers know no such topic any more; was it deleted?") from None
                if time.monotonic() > deadline or not getattr(error, "retriable", True):
                    raise port_error(error, doing) from None
                if getattr(error, "invalid_metadata", True):
                    self._client.force_metadata_update()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(2 * pause, _PAUSE_SECONDS[1])


def to_record(message: "ConsumerRecord[bytes, bytes]") -> Record:
    """A record as the port has it."""
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        message.timestamp,
        tuple(message.headers),
    )
