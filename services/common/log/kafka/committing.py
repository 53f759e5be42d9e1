"""The two ways to commit a batch: in a transaction, or outputs first and then the offset."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from services.common.log.kafka.appender import Appender
from services.common.log.kafka.closing import close_producer
from services.common.log.kafka.errors import NOT_AUTHORIZED, TOO_LARGE, port_error
from services.common.log.kafka.producing import MAX_BATCH_BYTES, MAX_REQUEST_BYTES, send_batches
from services.common.log.port import Fenced, LogError, NewRecord

_REQUEST_MS: Final = 10_000
_TRANSACTION_MS: Final = 60_000
_CLOSE_SECONDS: Final = 3.0


class Committer(Protocol):
    """Commits the batches of one claim."""

    async def commit(self, outputs: Sequence[NewRecord], next_offset: int) -> None:
        """See `Claim.commit`."""
        ...

    async def close(self) -> None:
        """Release it; what was not committed is undone or repeated by the next owner."""
        ...


class TransactionalCommitter:
    """One transactional id per group and input partition: the new owner's `start` fences the old one.

    A transactional id per process would not do: aiokafka's transactional offsets carry no generation of the group
    (aio-libs/aiokafka#844), so a worker that has lost its partition without knowing could still commit.
    """

    def __init__(self, options: Mapping[str, Any], group: str, place: TopicPartition) -> None:
        self._group = group
        self._place = place
        self._what = f"committing {group} on {place.topic}[{place.partition}]"
        self._lost: LogError | None = None
        self._producer = AIOKafkaProducer(
            **options,
            transactional_id=f"{group}-{place.topic}-{place.partition}",
            transaction_timeout_ms=_TRANSACTION_MS,
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=_REQUEST_MS,
        )

    async def start(self) -> None:
        """Fence earlier owners and end their open transaction. Raises `LogUnavailable` and `NotAuthorized`."""
        try:
            await self._producer.start()
        except KafkaError as error:
            raise port_error(
                error, f"claiming {self._place.topic}[{self._place.partition}] for {self._group}"
            ) from None

    async def commit(self, outputs: Sequence[NewRecord], next_offset: int) -> None:
        """See `Claim.commit`: outputs and offset in one transaction."""
        if self._lost is not None:
            raise self._lost
        producer, offsets = self._producer, {self._place: OffsetAndMetadata(next_offset, "")}
        start = time.monotonic()
        try:
            await producer.begin_transaction()
            # One after the other: while the coordinator adds the group it cannot vouch for the outputs' partitions, and
            # the brokers answer NotEnoughReplicas (a retry, 100 ms). aiokafka commits even where a record was refused,
            # so every one must be acknowledged before.
            await send_batches(producer, outputs)
            await producer.send_offsets_to_transaction(offsets, self._group)
            await producer.commit_transaction()
            if time.monotonic() - start > _REQUEST_MS / 1000:
                # A request was repeated. If the first one still arrives, it would end a later transaction in its midst:
                # only a new claim has another epoch.
                self._lost = Fenced(f"{self._what}: it took so long that the partition is claimed anew", "slow")
        except asyncio.CancelledError:
            self._lost = Fenced(f"{self._what}: given up in the middle", "cancelled")
            raise
        except (KafkaError, IllegalOperation, AssertionError) as error:
            # Whatever it was: a refused batch has used up a sequence number, so that the next one would fail too. Only
            # a new claim, which asks for the committed offset, can know how far the group is.
            # AssertionError: aiokafka's check of its own state, after it was lost between two of these steps.
            cause = self._cause() or error
            if isinstance(cause, NOT_AUTHORIZED + TOO_LARGE):
                self._lost = port_error(cause, self._what)
            else:
                name = type(cause).__name__
                self._lost = Fenced(f"{self._what}: {name}; the partition is claimed anew while it is assigned", name)
            raise self._lost from None

    def _cause(self) -> BaseException | None:
        """Why the transaction ended: aiokafka answers whatever comes after with IllegalOperation or an assertion, and
        wraps most of what ends its sender."""
        ended = self._producer._txn_manager.wait_for_transaction_end()  # nothing else tells
        if ended is None or not ended.done() or ended.cancelled():
            return None
        error: BaseException | None = ended.exception()
        wrapped = error.__cause__ if error is not None and type(error) is KafkaError else None
        return wrapped or error

    async def close(self) -> None:
        """See `Committer.close`."""
        await close_producer(self._producer, _CLOSE_SECONDS)


class PlainCommitter:
    """At least once: a crash between outputs and offset repeats the batch, and a worker that has lost its partition
    without knowing may write a batch that the new owner writes too."""

    def __init__(self, appender: Appender, consumer: AIOKafkaConsumer, group: str, place: TopicPartition) -> None:
        self._appender = appender
        self._consumer = consumer
        self._group = group
        self._place = place

    async def commit(self, outputs: Sequence[NewRecord], next_offset: int) -> None:
        """See `Claim.commit`: outputs, then the offset."""
        if outputs:
            await self._appender.append(outputs)
        try:
            await self._consumer.commit({self._place: next_offset})
        except KafkaError as error:
            raise port_error(
                error, f"committing {self._group} on {self._place.topic}[{self._place.partition}]"
            ) from None

    async def close(self) -> None:
        """See `Committer.close`."""
