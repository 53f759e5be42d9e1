"""Runs a stage: claim, restore, fetch, process, commit; retries, dead letters and the drain at the end."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic

import structlog

from services.common.contracts.records import TRACEPARENT, headers_of
from services.common.errors import TriageError, place_of
from services.common.log.port import Claim, Fenced, Log, LogUnavailable, Record, RecordTooLarge
from services.common.stage.dead_letters import DeadLetterLimit, DeadLetterLimitState, StageStopped, dead_letter
from services.common.stage.replay import records_for
from services.common.stage.stage import Rejected, Result, Stage, State
from services.common.stage.states import Revoked, States
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.health import Health, heard_by
from services.common.telemetry.metrics import Metrics

log = structlog.get_logger()

_DRAIN_SECONDS: Final = 0.1  # that a partition which is to be given up may go unnoticed


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a lone record is tried, and the pause before a retry: doubled from `first` to `longest` seconds."""

    attempts: int = 5
    first: float = 0.1
    longest: float = 5.0

    def pause(self, failures: int) -> float:
        """Seconds to wait after this many failures in a row."""
        return min(self.longest, self.first * 2.0 ** (failures - 1))


class StageRunner(Generic[State]):
    """One stage in this process, on whichever partitions the log assigns to it."""

    def __init__(
        self,
        log_: Log,
        stage: Stage[State],
        metrics: Metrics,
        health: Health,
        retry: RetryPolicy | None = None,
        limit: DeadLetterLimit | None = None,
    ) -> None:
        self._log = log_
        self._stage = stage
        self._metrics = metrics
        self._health = health
        self._retry = retry or RetryPolicy()
        self._limit = DeadLetterLimitState(limit or DeadLetterLimit())
        self.committed: dict[int, int] = {}  # next offset by partition that is worked on here
        self.processed = 0  # records, since the start
        self.share = 0  # partitions that are to be worked on here, as far as the log tells
        self.working = asyncio.Event()  # set once the first partition is worked on, or there is none for this process
        self._states = States(log_, stage, metrics, self._retry.longest)

    @property
    def name(self) -> str:
        """The stage's name."""
        return self._stage.name

    @property
    def source(self) -> str:
        """The topic it reads."""
        return self._stage.source

    @property
    def states(self) -> Mapping[int, State]:
        """States of the partitions that are worked on here, by partition."""
        return self._states.current

    async def run(self) -> None:
        """Run until the log stops consuming. Raises the `TriageError` that ended a partition's work."""
        try:
            await self._log.consume(self._stage.name, self._stage.source, self._work, self)
        except TriageError as error:
            self._stopped(str(error))
            raise
        except Exception as error:
            reason = f"stage {self._stage.name} failed: {place_of(error)}"
            self._stopped(reason)
            raise StageStopped(reason) from None  # the error's own text may hold a message

    def assigned(self, partitions: int) -> None:
        """See `GroupObserver.assigned`."""
        self.share = partitions
        if not partitions:  # more workers than partitions: this one stands by
            self.working.set()

    def rebalanced(self, seconds: float) -> None:
        """See `GroupObserver.rebalanced`."""
        self._metrics.histogram(defs.STAGE_REBALANCE_SECONDS, self._stage.name).observe(seconds)

    def _stopped(self, reason: str) -> None:
        self._health.not_ready(self._stage.name, reason)
        log.critical("stage stopped", stage=self._stage.name, reason=reason)

    async def _work(self, claim: Claim) -> None:
        stage, partition, covers = self._stage, claim.partition, claim.position
        try:
            await self._states.take(claim)
        except Revoked:
            return
        self.committed[partition] = covers
        self.working.set()
        self._metrics.gauge(defs.STAGE_PARTITIONS, stage.name).inc()
        try:
            while not claim.revoked:
                if records := await self._fetch(claim):
                    await self._handle(claim, records)
                    await self._gather(claim, records)
        except Revoked:
            pass
        except Fenced as fenced:
            self._metrics.counter(defs.STAGE_FENCED, stage.name, fenced.reason).inc()
            log.warning("claim lost", stage=stage.name, partition=partition, reason=fenced.reason)
        finally:
            self._metrics.gauge(defs.STAGE_PARTITIONS, stage.name).dec()
            self._states.give_up(partition, self.committed.pop(partition))
            self._health.ended(self._loop(claim))

    def _loop(self, claim: Claim) -> str:
        return f"{self._stage.name}-{claim.partition}"

    async def _fetch(self, claim: Claim) -> Sequence[Record]:
        try:
            return await claim.fetch(self._stage.max_batch_records, self._stage.max_batch_bytes)
        except LogUnavailable as error:
            log.warning("fetch failed", stage=self._stage.name, partition=claim.partition, error=str(error))
            await asyncio.sleep(self._retry.longest)
            return ()

    async def _gather(self, claim: Claim, records: Sequence[Record]) -> None:
        """Let records come together for the next batch, unless this one was full or the partition is to be given up."""
        stage = self._stage
        if not stage.batch_seconds or len(records) >= stage.max_batch_records:
            return
        if sum(len(record.value or b"") for record in records) > stage.max_batch_bytes // 2:
            return
        until = time.monotonic() + stage.batch_seconds
        while not claim.revoked and (left := until - time.monotonic()) > 0:  # noqa: ASYNC110 - a claim has no event
            await asyncio.sleep(min(left, _DRAIN_SECONDS))

    async def _handle(self, claim: Claim, records: Sequence[Record]) -> None:
        """Process and commit the records, all in one unit unless something fails.

        A batch that fails is cut in half until the record that breaks the stage stands alone; tried often enough, it
        becomes a dead letter. Returns early, with the rest uncommitted, when the partition is to be given up meanwhile.
        """
        start, size, failures = 0, len(records), 0
        while start < len(records):
            batch = records[start : start + size]
            mine = records_for(self._stage.name, batch)
            self._health.ended(self._loop(claim))
            state = await self._states.for_batch(claim, self.committed[claim.partition])
            try:
                result = await self._process(claim, state, mine)
            except Exception as error:
                self._metrics.counter(defs.STAGE_FAILURES, self._stage.name, "process").inc()
                detail = place_of(error)
                log.warning("batch failed", **_which(self._stage.name, batch[0]), records=len(batch), error=detail)
                if len(batch) > 1:
                    size = len(batch) // 2
                    continue
                failures += 1
                if failures < self._retry.attempts:
                    if await self._pause(claim, failures):
                        return
                    continue
                await self._states.for_batch(claim, self.committed[claim.partition])
                result = Result((), (Rejected(batch[0], "failed", detail, failures),))
            self._health.ended(self._loop(claim))
            try:
                committed = await self._commit(claim, mine, batch[-1].offset + 1, result)
            except RecordTooLarge as error:  # raised before anything was sent
                self._limit.take_back(mine, result.rejected)
                log.warning("batch too large", **_which(self._stage.name, batch[0]), records=len(batch))
                if len(batch) > 1:
                    size = len(batch) // 2
                    continue
                await self._states.for_batch(claim, self.committed[claim.partition])
                result = Result((), (Rejected(batch[0], "too_large", str(error)),))
                committed = await self._commit(claim, mine, batch[-1].offset + 1, result)
            if not committed:
                return
            start, failures = start + len(batch), 0

    async def _process(self, claim: Claim, state: State, records: Sequence[Record]) -> Result:
        """Only processing counts as a loop's work: the log may be slow."""
        if not records:
            return Result(())
        beat = partial(self._health.beat, self._loop(claim))
        beat()
        with heard_by(beat), self._metrics.histogram(defs.STAGE_PROCESS_SECONDS, self._stage.name).time():
            return await self._stage.process(state, records)

    async def _commit(self, claim: Claim, batch: Sequence[Record], next_offset: int, result: Result) -> bool:
        """Commit a batch, waiting for the log where it is away. False if the partition was to be given up meanwhile."""
        stage = self._stage
        self._limit.count(batch, result.rejected)
        outputs = [*result.outputs, *(dead_letter(stage.name, rejected) for rejected in result.rejected)]
        failures = 0
        while True:
            try:
                start = time.perf_counter()
                self.committed[claim.partition] = await claim.commit(outputs, next_offset)
                self._metrics.histogram(defs.STAGE_COMMIT_SECONDS, stage.name).observe(time.perf_counter() - start)
                break
            except LogUnavailable as error:
                failures += 1
                self._metrics.counter(defs.STAGE_FAILURES, stage.name, "commit").inc()
                log.warning("commit failed", stage=stage.name, partition=claim.partition, error=str(error))
                if await self._pause(claim, failures):
                    return False
        self._states.committed(claim.partition, outputs)
        self._count(batch, result)
        return True

    def _count(self, batch: Sequence[Record], result: Result) -> None:
        """Counters move after the commit, so that a repeated batch counts once."""
        metrics, name = self._metrics, self._stage.name
        self.processed += len(batch)
        metrics.counter(defs.STAGE_RECORDS_IN, name).inc(len(batch))
        metrics.histogram(defs.STAGE_BATCH_RECORDS, name).observe(len(batch))
        for topic, count in Counter(record.topic for record in result.outputs).items():
            metrics.counter(defs.STAGE_RECORDS_OUT, name, topic).inc(count)
        for rejected in result.rejected:
            metrics.counter(defs.STAGE_DEAD_LETTERS, name, rejected.reason).inc()
            which = _which(name, rejected.record)
            log.error("dead letter", **which, reason=rejected.reason, detail=rejected.detail)
        result.committed()

    async def _pause(self, claim: Claim, failures: int) -> bool:
        """Wait before a retry. Returns whether the partition is to be given up instead."""
        # Spread, or partitions that failed together would fail together again.
        await asyncio.sleep(self._retry.pause(failures) * random.uniform(0.5, 1.0))  # noqa: S311
        return claim.revoked


def _which(stage: str, record: Record) -> dict[str, str | int]:
    """What names a record in the log: its place, and the ids that it carries."""
    headers = headers_of(record.headers)
    ids = {name: headers[name].decode(errors="replace") for name in ("ce_id", TRACEPARENT) if name in headers}
    return {"stage": stage, "topic": record.topic, "partition": record.partition, "offset": record.offset, **ids}
