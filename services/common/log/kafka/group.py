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
_LONGEST_PAUSE_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5.0

MakeClaim = Callable[[Source, TopicPartition], Awaitable[KafkaClaim]]


class GroupMember:
    """Runs `work` on a claim for each assigned partition, claimed anew after it was lost, until stopped."""

    def __init__(
        self,
        make_consumer: Callable[[], AIOKafkaConsumer],
        make_claim: MakeClaim,
        work: Callable[[Claim], Awaitable[None]],
        observer: GroupObserver,
        drain_seconds: float,
    ) -> None:
        """`make_consumer`: a new one, not started. `drain_seconds`: how long workers have to finish the batch in hand
        when partitions are to be given up."""
        self._make_consumer = make_consumer
        self._make_claim = make_claim
        self._work = work
        self._observer = observer
        self._drain_seconds = drain_seconds
        self._stopping = asyncio.Event()

    async def run(self, topic: str) -> None:
        """Take part until `stop`. Raises what a `work` raised, after the others have finished their batch."""
        while not self._stopping.is_set():
            try:
                await self._take_part(topic)
            except LogUnavailable as error:  # the brokers, or a consumer that has failed: with a new one, from anew
                log.warning("joins the group again", topic=topic, error=str(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _PAUSE_SECONDS)

    async def _take_part(self, topic: str) -> None:
        source = Source(self._make_consumer())
        owners = _Owners(source, self._make_claim, self._work, self._observer, self._drain_seconds, self._stopping)
        source.consumer.subscribe([topic], listener=owners)
        reading: asyncio.Future[Any] = asyncio.ensure_future(_read(source))
        stop: asyncio.Future[Any] = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({reading, stop, owners.failure}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, stop):
                task.cancel()
            await asyncio.gather(reading, stop, return_exceptions=True)
            await owners.close()
            await close_consumer(source.consumer, _STOP_SECONDS)
        if owners.failure.done():
            owners.failure.result()
        if not reading.cancelled():
            reading.result()

    def stop(self) -> None:
        """Let the workers finish the batch in hand, then leave the group."""
        self._stopping.set()


async def _read(source: Source) -> None:
    """Join the group and hand out records until cancelled. Raises the port's error."""
    try:
        await source.consumer.start()
    except KafkaError as error:
        raise port_error(error, "joining the group") from None
    await source.poll()


class _Owners(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is not typed
    """The tasks that work on the assigned partitions of one consumer."""

    def __init__(
        self,
        source: Source,
        make_claim: MakeClaim,
        work: Callable[[Claim], Awaitable[None]],
        observer: GroupObserver,
        drain_seconds: float,
        stopping: asyncio.Event,
    ) -> None:
        self._source = source
        self._make_claim = make_claim
        self._work = work
        self._observer = observer
        self._drain_seconds = drain_seconds
        self._stopping = stopping
        self._owners: dict[TopicPartition, _Owner] = {}
        self._rebalance_began: float | None = None
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Called by the consumer while it still belongs to the group: finish and commit."""
        self._rebalance_began = time.monotonic()
        await self._give_up(revoked)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Called by the consumer before its first heartbeat in the new generation: claims start in the background."""
        self._source.hold(assigned)
        self._observer.assigned(len(assigned))
        if self._rebalance_began is not None:
            self._observer.rebalanced(time.monotonic() - self._rebalance_began)
            self._rebalance_began = None
        log.info("partitions assigned", assigned=sorted(f"{place.topic}[{place.partition}]" for place in assigned))
        if self._stopping.is_set():
            return
        for place in assigned:
            owner = self._owners[place] = _Owner()
            owner.task = asyncio.create_task(self._own(place, owner))
            owner.task.add_done_callback(self._check)

    async def close(self) -> None:
        """Give all up; returns when no work runs any more."""
        await self._give_up(list(self._owners))

    def _check(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) and not self.failure.done():
            self.failure.set_exception(error)

    async def _give_up(self, places: list[TopicPartition]) -> None:
        owners = {place: owner for place in places if (owner := self._owners.get(place))}
        for owner in owners.values():
            owner.revoke()
        if tasks := [owner.task for owner in owners.values()]:
            _, unfinished = await asyncio.wait(tasks, timeout=self._drain_seconds)
            if unfinished:  # the next owner repeats the batch: nothing of it was committed
                log.warning("batches given up to hand partitions over", partitions=len(unfinished))
                for task in unfinished:
                    task.cancel()
                await asyncio.wait(unfinished)
        for place, owner in owners.items():
            if self._owners.get(place) is owner:
                del self._owners[place]

    async def _own(self, place: TopicPartition, owner: "_Owner") -> None:
        """Claim the partition and work on it, again when the claim was lost, as long as it is assigned."""
        pause = 0.0
        while not owner.revoked:
            owner.claiming = True
            try:
                claim = await self._make_claim(self._source, place)
            except (LogUnavailable, Fenced) as error:
                log.warning("claim failed", topic=place.topic, partition=place.partition, error=str(error))
                await owner.pause(_PAUSE_SECONDS)
                continue
            except IllegalStateError:
                return  # taken away meanwhile
            finally:
                owner.claiming = False
            owner.claim = claim
            try:
                if not owner.revoked:
                    await self._work(claim)
            finally:
                owner.claim = None
                await claim.close()
            if claim.taken_over:
                pause = max(2 * pause, _FENCED_PAUSE_SECONDS)
            else:  # at once after a claim that got on, ever more slowly where none does
                pause = 0.0 if claim.has_committed else max(2 * pause, _PAUSE_SECONDS)
            pause = min(pause, _LONGEST_PAUSE_SECONDS)
            await owner.pause(pause)


class _Owner:
    """The task that works on one assigned partition."""

    task: "asyncio.Task[None]"

    def __init__(self) -> None:
        self.claim: KafkaClaim | None = None
        self.claiming = False
        self._revoked = asyncio.Event()

    @property
    def revoked(self) -> bool:
        """Whether the partition is to be given up."""
        return self._revoked.is_set()

    def revoke(self) -> None:
        """Let it finish the batch in hand; while it still claims, there is none."""
        self._revoked.set()
        if self.claim:
            self.claim.revoke()
        elif self.claiming:
            self.task.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait, unless the partition is to be given up."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._revoked.wait(), seconds)
