"""The states of partitions: restored on assignment, kept over rebalances, never ahead of what was committed."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final, Generic

import structlog

from services.common.errors import place_of
from services.common.log.port import Claim, Log, LogUnavailable
from services.common.log.reading import read_range
from services.common.stage.replay import records_for
from services.common.stage.stage import Stage, State, StateRecord
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics

log = structlog.get_logger()

_ATTEMPTS: Final = 3


class Revoked(Exception):
    """The partition is to be given up before its state is there."""


class _Broken(Exception):
    """A record broke the stage again while its state was rebuilt: it became a dead letter when it did so first."""


class States(Generic[State]):
    """States by partition, of the partitions that are worked on here."""

    def __init__(self, log_: Log, stage: Stage[State], metrics: Metrics, pause_seconds: float) -> None:
        """`pause_seconds`: before what the log could not give is asked for again."""
        self._log = log_
        self._stage = stage
        self._metrics = metrics
        self._pause_seconds = pause_seconds
        self.current: dict[int, State] = {}
        # Of partitions that were given up, with the offset that it covers: a rebalance often brings them back.
        self._kept: dict[int, tuple[int, State]] = {}
        self._ahead: set[int] = set()  # partitions whose state has taken in what is not committed yet

    async def take(self, claim: Claim) -> None:
        """Take up a claimed partition with its state as of the group's offset: the one kept, or a restored one.

        Raises `Revoked`: half a state must not be kept.
        """
        kept = self._kept.pop(claim.partition, None)
        if kept and kept[0] == claim.position:
            self.current[claim.partition] = kept[1]
            return
        del kept  # before another one is built
        with self._metrics.histogram(defs.STAGE_RESTORE_SECONDS, self._stage.name).time():
            self.current[claim.partition] = await self._restored(claim, claim.position)

    async def for_batch(self, claim: Claim, committed: int) -> State:
        """The state to process a batch with, as of the offset `committed`; rebuilt if an attempt has advanced it."""
        partition = claim.partition
        if partition in self._ahead:
            self.current[partition] = await self._restored(claim, committed)
        if self._stage.replay_from:
            self._ahead.add(partition)
        return self.current[partition]

    def committed(self, partition: int, outputs: Sequence[StateRecord]) -> None:
        """A batch is committed, with these outputs."""
        stage = self._stage
        if stage.replay_from:
            self._ahead.discard(partition)
        elif stage.state_topic and stage.restore:
            stage.restore(self.current[partition], [r for r in outputs if r.topic == stage.state_topic])

    def give_up(self, partition: int, committed: int) -> None:
        """The partition is no longer worked on here. Its state is kept if it is as of the offset `committed`."""
        state = self.current.pop(partition)
        if partition in self._ahead:
            self._ahead.remove(partition)
        else:
            self._kept[partition] = (committed, state)

    async def _restored(self, claim: Claim, offset: int) -> State:
        """The state as of the group's offset, from the state topic. Starts anew where the log is away meanwhile."""
        stage = self._stage
        failures: Counter[int] = Counter()  # by offset
        while not claim.revoked:
            state = stage.new_state()
            try:
                if stage.state_topic and stage.restore:
                    async for records in claim.state(stage.state_topic):
                        if claim.revoked:
                            raise Revoked
                        stage.restore(state, records)
                if stage.replay_from:
                    await self._replay(claim, state, stage.replay_from(state), offset, failures)
                return state
            except _Broken:
                await asyncio.sleep(self._pause_seconds)
            except LogUnavailable as error:
                log.warning("restore failed", stage=stage.name, partition=claim.partition, error=str(error))
                await asyncio.sleep(self._pause_seconds)
        raise Revoked

    async def _replay(self, claim: Claim, state: State, start: int, end: int, failures: Counter[int]) -> None:
        """Let the stage work off once more what it has worked off since the snapshot.

        Raises `_Broken` where a record breaks the stage; passes over one that has done so again and again.
        """
        stage, partition = self._stage, claim.partition
        oldest = (await self._log.bounds(claim.topic))[partition].start
        if start < oldest:
            log.warning("snapshot too old", stage=stage.name, partition=partition, offset=start, oldest=oldest)
        async for records in read_range(self._log, claim.topic, partition, max(start, oldest), end):
            for record in records_for(stage.name, records):
                if claim.revoked:
                    raise Revoked
                if failures[record.offset] >= _ATTEMPTS:
                    continue
                try:
                    await stage.process(state, [record])
                except Exception as error:
                    failures[record.offset] += 1
                    place = {"topic": claim.topic, "partition": partition, "offset": record.offset}
                    log.warning("replay failed", stage=stage.name, **place, error=place_of(error))
                    raise _Broken from None
