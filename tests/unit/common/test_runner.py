"""The runner: atomic units, retries, dead letters, limits and the drain, over a real embedded log."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from mention_triage.v1.dead_letter_pb2 import DeadLetter
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.port import Claim, LogUnavailable, NewRecord, Record
from services.common.log.topics import CLASSIFIED, DEAD_LETTERS, MENTIONS, SEEN
from services.common.stage.dead_letters import DeadLetterLimit, StageStopped
from services.common.stage.runner import RetryPolicy, StageRunner
from services.common.stage.stage import Rejected, Result, Stage, StateRecord
from services.common.stage.waiting import Pace, Waiting, lag_seconds, measure_waiting, older
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.health import Health, made_progress
from services.common.telemetry.metrics import Metrics

NOW_MS = 4_000_000_000_000
QUICK = RetryPolicy(attempts=3, first=0.001, longest=0.002)

Process = Callable[[list[bytes], Sequence[Record]], Awaitable[Result]]


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EmbeddedLog]:
    opened = EmbeddedLog(tmp_path / "log.db", 2)
    yield opened
    await opened.close()


def new(value: str, partition: int = 0) -> NewRecord:
    return NewRecord(MENTIONS, partition, b"key", value.encode(), NOW_MS, (("traceparent", b"t"),))


def output(record: Record) -> NewRecord:
    return NewRecord(CLASSIFIED, record.partition, record.key, record.value, record.timestamp_ms)


def stage(process: Process, **options: Any) -> Stage[list[bytes]]:
    def restore(state: list[bytes], records: Sequence[StateRecord]) -> None:
        state.extend(record.value or b"" for record in records)

    return Stage("copy", MENTIONS, process, list, state_topic=SEEN, restore=restore, **options)


def runner(
    log: EmbeddedLog, process: Process, limit: DeadLetterLimit | None = None, **options: int
) -> StageRunner[list[bytes]]:
    return StageRunner(log, stage(process, **options), Metrics("classify"), Health(), QUICK, limit)


async def values(log: EmbeddedLog, topic: str, partition: int = 0) -> list[str]:
    start = (await log.bounds(topic))[partition].start
    return [(r.value or b"").decode("latin-1") for r in await log.read(topic, partition, start, 10_000, 1 << 30)]


async def run_until(log: EmbeddedLog, runner: StageRunner[list[bytes]], committed: dict[int, int]) -> None:
    """Run until these offsets are committed, then drain."""
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(20):
        while not running.done() and not all(runner.committed.get(p, 0) >= n for p, n in committed.items()):
            await asyncio.sleep(0.005)
        log.stop_consuming()
        await running


async def copy(_: list[bytes], records: Sequence[Record]) -> Result:
    return Result([output(record) for record in records])


async def test_every_record_goes_through_once_and_in_order(log: EmbeddedLog) -> None:
    await log.append([new(f"{n}", partition=n % 2) for n in range(100)])
    copying = runner(log, copy, max_batch_records=7)
    await run_until(log, copying, {0: 50, 1: 50})
    assert await values(log, CLASSIFIED, 0) == [str(n) for n in range(0, 100, 2)]
    assert await values(log, CLASSIFIED, 1) == [str(n) for n in range(1, 100, 2)]


async def test_state_is_what_was_committed_to_the_state_topic_also_after_a_restart(tmp_path: Path) -> None:
    async def remember(state: list[bytes], records: Sequence[Record]) -> Result:
        fresh = [r for r in records if r.value not in state]
        return Result([output(r) for r in fresh] + [NewRecord(SEEN, r.partition, None, r.value, NOW_MS) for r in fresh])

    for _ in range(3):  # the same records each time, and a new runner with an empty memory
        log = EmbeddedLog(tmp_path / "log.db", 1)
        await log.append([new("a"), new("b"), new("c")])
        end = (await log.bounds(MENTIONS))[0].end
        await run_until(log, runner(log, remember, max_batch_records=2), {0: end})
        assert await values(log, CLASSIFIED) == ["a", "b", "c"]
        await log.close()


async def test_a_record_that_breaks_the_stage_becomes_a_dead_letter_and_the_others_go_on(log: EmbeddedLog) -> None:
    tries: list[int] = []

    async def fragile(_: list[bytes], records: Sequence[Record]) -> Result:
        if any(r.value == b"poison" for r in records):
            tries.append(len(records))
            raise KeyError("the text of a message")
        return Result([output(r) for r in records])

    await log.append([new(str(n)) for n in range(5)] + [new("poison")] + [new(str(n)) for n in range(5, 10)])
    working = runner(log, fragile)
    await run_until(log, working, {0: 11})
    assert await values(log, CLASSIFIED) == [str(n) for n in range(10)]
    assert tries == [11, 5, 2] + [1] * QUICK.attempts
    (record,) = await log.read(DEAD_LETTERS, 0, 0, 10, 1 << 20)
    letter = DeadLetter.FromString(record.value or b"")
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == (MENTIONS, 0, 5)
    assert (letter.key, letter.value, letter.headers[0].value) == (b"key", b"poison", b"t")
    assert (letter.stage, letter.reason, letter.attempts) == ("copy", "failed", QUICK.attempts)
    assert "KeyError at test_runner.py" in letter.detail
    assert "message" not in letter.detail


async def test_what_a_stage_rejects_is_committed_as_a_dead_letter_with_its_batch(log: EmbeddedLog) -> None:
    async def picky(_: list[bytes], records: Sequence[Record]) -> Result:
        bad = [r for r in records if r.value == b"bad"]
        return Result([output(r) for r in records if r not in bad], [Rejected(r, "invalid", "no id") for r in bad])

    await log.append([new("a"), new("bad"), new("b")])
    working = runner(log, picky)
    await run_until(log, working, {0: 3})
    assert await values(log, CLASSIFIED) == ["a", "b"]
    assert len(await values(log, DEAD_LETTERS)) == 1


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (DeadLetterLimit(max_share=1.0, window=1_000, max_run=3), "in a row"),
        (DeadLetterLimit(max_share=0.2, window=10, max_run=1_000), "of the last"),
    ],
)
async def test_too_many_bad_records_stop_the_stage_before_they_are_drained(
    log: EmbeddedLog, limit: DeadLetterLimit, message: str
) -> None:
    async def refuse(_: list[bytes], records: Sequence[Record]) -> Result:
        return Result([], [Rejected(r, "undecodable", "no") for r in records])

    await log.append([new(str(n)) for n in range(50)])
    health = Health()
    health.ready("start")
    working = StageRunner(log, stage(refuse, max_batch_records=1), Metrics("classify"), health, QUICK, limit)
    with pytest.raises(StageStopped, match=message):
        await asyncio.wait_for(working.run(), 20)
    assert len(await values(log, DEAD_LETTERS)) <= 3
    assert message in health.unready()["copy"]


async def test_a_log_that_is_away_is_waited_for_and_nothing_is_lost_or_repeated(
    log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([LogUnavailable("away")] * 2)
    submit = log.writer.submit

    async def flaky(unit: object) -> None:
        if getattr(unit, "next_offset", 0) and (error := next(failures, None)):
            raise error
        await submit(unit)  # type: ignore[arg-type]

    monkeypatch.setattr(log.writer, "submit", flaky)
    await log.append([new(str(n)) for n in range(5)])
    working = runner(log, copy)
    await run_until(log, working, {0: 5})
    assert await values(log, CLASSIFIED) == [str(n) for n in range(5)]


async def test_counters_move_after_the_commit_only(log: EmbeddedLog) -> None:
    counted: list[str] = []

    async def counting(_: list[bytes], records: Sequence[Record]) -> Result:
        if len(records) > 1:
            raise RuntimeError
        return Result(
            [output(r) for r in records], committed=lambda: counted.append((records[0].value or b"").decode())
        )

    await log.append([new(str(n)) for n in range(4)])
    metrics = Metrics("classify")
    working = StageRunner(log, stage(counting), metrics, Health(), QUICK)
    await run_until(log, working, {0: 4})
    assert counted == ["0", "1", "2", "3"]
    assert metrics.counter(defs.STAGE_RECORDS_IN, "copy")._value.get() == 4
    assert metrics.counter(defs.STAGE_RECORDS_OUT, "copy", CLASSIFIED)._value.get() == 4


async def test_waiting_records_are_counted_and_the_oldest_is_aged(log: EmbeddedLog) -> None:
    await log.append([new("a"), new("b"), new("c", partition=1)])
    working = runner(log, copy)
    working.committed.update({0: 1, 1: 0})
    waiting = await measure_waiting(log, working)
    assert (waiting, waiting.oldest_seconds(NOW_MS / 1000 + 90)) == (Waiting(2, NOW_MS), 90.0)
    working.committed.update({0: 2, 1: 1})
    waiting = await measure_waiting(log, working)
    assert (waiting, waiting.oldest_seconds(NOW_MS / 1000)) == (Waiting(0, None), 0.0)


async def test_an_unexpected_failure_of_the_stage_itself_names_its_place_only(
    log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("the text of a message")

    await log.append([new("a")])
    working = runner(log, copy)
    monkeypatch.setattr("services.common.stage.runner.StageRunner._count", broken)
    with pytest.raises(StageStopped, match="ValueError at test_runner") as error:
        await asyncio.wait_for(working.run(), 20)
    assert "message" not in str(error.value)


async def test_only_processing_counts_for_liveness(log: EmbeddedLog) -> None:
    now = 0.0
    health = Health(lambda: now, stuck_seconds=10)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: list[bytes], records: Sequence[Record]) -> Result:
        reached.set()
        await go_on.wait()
        return Result([output(r) for r in records])

    working = StageRunner(log, stage(slow), Metrics("classify"), health, QUICK)
    running = asyncio.create_task(working.run())
    await asyncio.wait_for(working.working.wait(), 10)
    now = 100.0
    assert health.stuck() == []  # waiting for records is no work
    await log.append([new("a")])
    await asyncio.wait_for(reached.wait(), 10)
    now = 200.0
    assert health.stuck() == ["copy-0"]
    go_on.set()
    async with asyncio.timeout(10):
        while working.committed[0] < 1:
            await asyncio.sleep(0.005)
    assert health.stuck() == []
    log.stop_consuming()
    await running


def test_what_waits_in_partitions_that_are_not_claimed_yet_is_not_forgotten() -> None:
    assert older(Waiting(5, 1_000), Waiting(2, 3_000)) == Waiting(5, 1_000)
    assert older(Waiting(0, None), Waiting(2, 3_000)) == Waiting(2, 3_000)
    assert older(Waiting(0, None), Waiting(0, None)) == Waiting(0, None)


def test_lag_in_seconds_is_what_waits_at_the_pace_of_the_last_minute() -> None:
    pace = Pace()
    assert [pace.per_second(at, done) for at, done in [(0, 0), (30, 300), (60, 300), (90, 300)]] == [0, 10, 5, 0]
    assert lag_seconds(50, 5.0) == 10.0
    assert lag_seconds(0, 0.0) == 0.0
    assert lag_seconds(1, 0.0) == math.inf


class _StateClaim:
    """A claim whose state comes in two batches; the log goes away between them and the partition with it, once."""

    group, topic, partition, position = "stage", "in.v1", 0, 0

    def __init__(self, fails: bool) -> None:
        self._fails = fails
        self.revoked = False

    async def state(self, topic: str) -> AsyncIterator[Sequence[Record]]:
        yield [Record(topic, 0, 0, None, b"first", 0)]
        if self._fails:
            self.revoked = True
            raise LogUnavailable("away")
        yield [Record(topic, 0, 1, None, b"second", 0)]

    async def fetch(self, max_records: int, max_bytes: int) -> Sequence[Record]:
        self.revoked = True
        return []


async def test_half_a_state_is_never_kept(log: EmbeddedLog) -> None:
    states: list[list[bytes]] = []

    def new_state() -> list[bytes]:
        states.append([])
        return states[-1]

    counted = replace(stage(copy), new_state=new_state)
    tested = StageRunner(log, counted, Metrics("classify"), Health(), QUICK)
    await tested._work(cast(Claim, _StateClaim(fails=True)))
    await tested._work(cast(Claim, _StateClaim(fails=False)))
    assert states == [[b"first"], [b"first", b"second"]]
    await tested._work(cast(Claim, _StateClaim(fails=False)))
    assert len(states) == 2  # a whole one is kept for the partition that comes back


async def test_a_long_round_that_makes_progress_is_not_stuck(log: EmbeddedLog) -> None:
    now = 0.0
    health = Health(lambda: now, stuck_seconds=10)
    stuck: list[Sequence[str]] = []

    async def process(_: list[bytes], records: Sequence[Record]) -> Result:
        nonlocal now
        for _record in records:
            now += 9
            made_progress()
            stuck.append(health.stuck())
        now += 11
        stuck.append(health.stuck())
        return Result(())

    await log.append([new(f"{n}") for n in range(3)])
    await run_until(log, StageRunner(log, stage(process), Metrics("classify"), health, QUICK), {0: 3})
    assert stuck == [[], [], [], ["copy-0"]]


class Total:
    """A state that `process` itself advances, with the offset that it covers."""

    def __init__(self) -> None:
        self.sum, self.next = 0, 0


def adding(
    log: EmbeddedLog, fail: Callable[[int], bool] = lambda _: False, snapshot_every: int = 3
) -> StageRunner[Total]:
    """A stage that adds numbers up, and now and then leaves its sum, with its place, on the state topic."""

    async def process(total: Total, records: Sequence[Record]) -> Result:
        outputs = []
        for record in records:
            number = int(record.value or b"0")
            total.sum, total.next = total.sum + number, record.offset + 1
            if fail(number):
                raise ValueError
            outputs.append(NewRecord(CLASSIFIED, record.partition, b"k", str(total.sum).encode(), NOW_MS))
            if total.next % snapshot_every == 0:
                outputs.append(NewRecord(SEEN, 0, None, f"{total.next} {total.sum}".encode(), NOW_MS))
        return Result(outputs)

    def restore(total: Total, records: Sequence[StateRecord]) -> None:
        for record in records:
            total.next, total.sum = map(int, (record.value or b"").split())

    summing = Stage("copy", MENTIONS, process, Total, SEEN, restore, replay_from=lambda total: total.next)
    return StageRunner(log, summing, Metrics("classify"), Health(), QUICK)


async def run_adding(log: EmbeddedLog, runner: StageRunner[Total], end: int) -> None:
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(20):
        while not running.done() and runner.committed.get(0, 0) < end:
            await asyncio.sleep(0.005)
        log.stop_consuming()
        await running


@pytest.mark.parametrize("snapshot_every", [1, 3, 1_000])
async def test_a_state_that_advances_is_rebuilt_from_the_snapshot_and_what_came_after_it(
    tmp_path: Path, snapshot_every: int
) -> None:
    sums = []
    for start in range(0, 20, 5):
        log = EmbeddedLog(tmp_path / "log.db", 1)
        await log.append([new(f"{n}") for n in range(start, start + 5)])
        await run_adding(log, adding(log, snapshot_every=snapshot_every), start + 5)
        sums = await values(log, CLASSIFIED)
        await log.close()
    assert sums == [str(sum(range(n + 1))) for n in range(20)]


async def test_a_state_that_ran_ahead_of_what_was_committed_is_rebuilt(log: EmbeddedLog) -> None:
    """A batch that breaks halfway has changed the state already; the record that breaks it counts for nothing."""
    await log.append([new(f"{n}") for n in range(10)])
    await run_adding(log, adding(log, fail=lambda number: number == 4), 10)
    without_4 = [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert await values(log, CLASSIFIED) == [str(sum(without_4[: n + 1])) for n in range(9)]
    assert len(await values(log, DEAD_LETTERS)) == 1


async def test_a_record_that_became_a_dead_letter_is_passed_over_when_the_state_is_rebuilt(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db", 1)
    await log.append([new(f"{n}") for n in range(5)])
    await run_adding(log, adding(log, fail=lambda number: number == 3, snapshot_every=1_000), 5)
    await log.close()
    log = EmbeddedLog(tmp_path / "log.db", 1)
    await log.append([new("100")])
    await run_adding(log, adding(log, fail=lambda number: number == 3, snapshot_every=1_000), 6)
    assert (await values(log, CLASSIFIED))[-1] == str(0 + 1 + 2 + 4 + 100)
    await log.close()
