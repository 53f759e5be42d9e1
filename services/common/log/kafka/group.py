"""This process as a member of a consumer group: claims what is assigned, gives back what is revoked."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition

from services.common.log.kafka.claim import KafkaClaim
from services.common.log.kafka.closing import close_consumer
from services.common.log.kafka.errors import port_error
from services.common.log.kafka.source import Source
from services.common.log.port import Claim, Fenced, GroupObserver, LogUnavailable

log = structlog.get_logger()

_PAUSE_SECONDS: Final = 1.0
# A worker that was fenced while the partition is still assigned to it may be the one that is wrong: it learns so with
# its next heartbeat, every 3 s, and must not fence the right one before.
_FENCED_PAUSE_SECONDS: Final = 4.0
_STOP_SECONDS: Final = 10.0

MakeClaim = Callable[[Source, TopicPartition], Awaitable[KafkaClaim]]


class GroupMember(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is not typed
    """Runs `work` on a claim for each assigned partition, claimed anew after it was fenced, until stopped."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        make_claim: MakeClaim,
        work: Callable[[Claim], Awaitable[None]],
        observer: GroupObserver,
        drain_seconds: float,
    ) -> None:
        """`consumer`: not started. `drain_seconds`: how long workers have to finish the batch in hand on a revoke."""
        self._source = Source(consumer)
        self._make_claim = make_claim
        self._work = work
        self._observer = observer
        self._drain_seconds = drain_seconds
        self._owners: dict[TopicPartition, _Owner] = {}
        self._stopping = asyncio.Event()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rebalance_began: float | None = None
        self._topic = ""

    async def run(self, topic: str) -> None:
        """Take part until `stop`. Raises what a `work` raised, after the others have finished their batch."""
        consumer, self._topic = self._source.consumer, topic
        consumer.subscribe([topic], listener=self)
        reading: asyncio.Future[Any] = asyncio.ensure_future(self._read())
        stop: asyncio.Future[Any] = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({reading, stop, self._failure}, return_when=asyncio.FIRST_COMPLETED)
            self._stopping.set()
            await self._give_up(list(self._owners))
            if reading.done():
                reading.result()
            if self._failure.done():
                self._failure.result()
        finally:
            self._stopping.set()
            for task in (reading, stop):
                task.cancel()
            await asyncio.gather(reading, stop, return_exceptions=True)
            await self._give_up(list(self._owners))
            await close_consumer(consumer, _STOP_SECONDS)
            self._failure.cancel()

    async def _read(self) -> None:
        """Join the group, as soon as the brokers let it, and hand out records until cancelled."""
        while True:
            try:
                await self._source.consumer.start()
                break
            except KafkaError as error:
                failure = port_error(error, "joining the group")
                if not isinstance(failure, LogUnavailable):
                    raise failure from None
                log.warning("cannot join the group yet", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_SECONDS)
        await self._source.poll()

    def stop(self) -> None:
        """Let the workers finish the batch in hand, then leave the group."""
        self._stopping.set()
        for owner in self._owners.values():
            owner.revoke()

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Called by the consumer while it still belongs to the group: finish and commit."""
        self._rebalance_began = time.monotonic()
        await self._give_up(revoked)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Called by the consumer before its first heartbeat in the new generation: claims start in the background."""
        self._source.hold(assigned)
        if self._rebalance_began is not None:
            self._observer.rebalanced(time.monotonic() - self._rebalance_began)
            self._rebalance_began = None
        self._observer.assigned(len(assigned))
        log.info("partitions assigned", topic=self._topic, partitions=sorted(place.partition for place in assigned))
        if self._stopping.is_set():
            return
        for place in assigned:
            owner = self._owners[place] = _Owner(self._own(place))
            owner.task.add_done_callback(self._check)

    def _check(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) and not self._failure.done():
            self._failure.set_exception(error)

    async def _give_up(self, places: list[TopicPartition]) -> None:
        owners = [owner for place in places if (owner := self._owners.pop(place, None))]
        for owner in owners:
            owner.revoke()
        tasks = [owner.task for owner in owners]
        if not tasks:
            return
        _, unfinished = await asyncio.wait(tasks, timeout=self._drain_seconds)
        if unfinished:  # the next owner repeats the batch: nothing of it was committed
            log.warning("batches given up to hand partitions over", partitions=len(unfinished))
            for task in unfinished:
                task.cancel()
            await asyncio.wait(unfinished)

    async def _own(self, place: TopicPartition) -> None:
        """Claim the partition and work on it, again after a fence, as long as it is assigned."""
        while owner := self._owners.get(place):
            if owner.revoked:
                return
            try:
                claim = await self._make_claim(self._source, place)
            except (LogUnavailable, Fenced) as error:
                log.warning("claim failed", partition=place.partition, error=str(error))
                await owner.pause(_PAUSE_SECONDS)
                continue
            except IllegalStateError:
                return  # taken away meanwhile
            owner.claim = claim
            if owner.revoked:
                claim.revoke()
            try:
                await self._work(claim)
            finally:
                owner.claim = None
                was_revoked = claim.revoked
                await claim.close()
            if was_revoked:
                return
            await owner.pause(_FENCED_PAUSE_SECONDS)


class _Owner:
    """The task that works on one assigned partition."""

    def __init__(self, work: Awaitable[None]) -> None:
        self.claim: KafkaClaim | None = None
        self._revoked = asyncio.Event()
        self.task = asyncio.ensure_future(work)

    @property
    def revoked(self) -> bool:
        """Whether the partition is to be given up."""
        return self._revoked.is_set()

    def revoke(self) -> None:
        """Let it finish the batch in hand."""
        self._revoked.set()
        if self.claim:
            self.claim.revoke()

    async def pause(self, seconds: float) -> None:
        """Wait, unless the partition is to be given up."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._revoked.wait(), seconds)
