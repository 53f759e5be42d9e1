"""Dead letters: the limits over many partitions, replays in the runner, and handling many of them in units."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from mention_triage.v1.dead_letter_pb2 import DeadLetter
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.port import LogUnavailable, NewRecord, Record
from services.common.log.topics import CLASSIFIED, DAY_MS, DEAD_LETTERS, MENTIONS
from services.common.stage.dead_letters import DeadLetterLimit, DeadLetterLimitState, StageStopped, dead_letter
from services.common.stage.handling import Handling, LetterId, read_letters
from services.common.stage.replay import REPLAY_FOR, records_for, replay_of, replayed_record
from services.common.stage.runner import RetryPolicy, StageRunner
from services.common.stage.stage import Rejected, Result, Stage
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics

PARTITIONS = 12
NOW_MS = 4_000_000_000_000
QUICK = RetryPolicy(attempts=3, first=0.001, longest=0.002)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EmbeddedLog]:
    opened = EmbeddedLog(tmp_path / "log.db", PARTITIONS)
    yield opened
    await opened.close()


def new(value: str, partition: int = 0) -> NewRecord:
    return NewRecord(MENTIONS, partition, b"key", value.encode(), NOW_MS, (("traceparent", b"t"),))


def read(value: str, offset: int, headers: tuple[tuple[str, bytes], ...] = ()) -> Record:
    return Record(MENTIONS, 0, offset, b"key", value.encode(), NOW_MS, headers)


def replayed(value: str, offset: int, dead_letter_offset: int = 7) -> Record:
    """A record of `classify` that was given up on after five tries at offset 3, replayed."""
    letter = DeadLetter.FromString(
        dead_letter("classify", Rejected(read(value, 3, (("ce_id", b"m"),)), "failed", "it broke", 5)).value or b""
    )
    made = replayed_record(letter, dead_letter_offset)
    return Record(made.topic, made.partition, offset, made.key, made.value, made.timestamp_ms, made.headers)


async def picky(_: None, records: Sequence[Record]) -> Result:
    """Copies what does not begin with `bad`."""
    bad = [record for record in records if (record.value or b"").startswith(b"bad")]
    return Result(
        [NewRecord(CLASSIFIED, r.partition, r.key, r.value, r.timestamp_ms) for r in records if r not in bad],
        [Rejected(record, "invalid", "not accepted") for record in bad],
    )


def runner(
    log: EmbeddedLog, metrics: Metrics | None = None, limit: DeadLetterLimit | None = None, batch: int = 256
) -> StageRunner[None]:
    stage = Stage("copy", MENTIONS, picky, lambda: None, max_batch_records=batch)
    return StageRunner(log, stage, metrics or Metrics("classify"), Health(), QUICK, limit)


async def run_until(log: EmbeddedLog, running: StageRunner[None], committed: dict[int, int]) -> None:
    task = asyncio.create_task(running.run())
    async with asyncio.timeout(20):
        while not task.done() and any(running.committed.get(p, 0) < n for p, n in committed.items()):
            await asyncio.sleep(0.005)
        log.stop_consuming()
        await task


async def dead_letters(log: EmbeddedLog) -> int:
    return sum(bounds.end - bounds.start for bounds in await log.bounds(DEAD_LETTERS))


def test_records_for_a_group_are_all_but_those_replayed_for_another() -> None:
    ordinary, again = read("a", 0), replayed("b", 1)
    assert records_for("classify", [ordinary, again]) == [ordinary, again]
    assert records_for("volume", [ordinary, again]) == [ordinary]


def test_a_dead_letter_of_a_replay_counts_on_and_keeps_the_origin() -> None:
    made = dead_letter("classify", Rejected(replayed("a", 40), "failed", "it broke again", 2))
    letter = DeadLetter.FromString(made.value or b"")
    assert (letter.source_offset, letter.attempts, letter.replay_of) == (3, 7, 7)
    assert [(header.name, header.value) for header in letter.headers] == [("ce_id", b"m")]
    assert dict(made.headers)["ce_id"] == b"classify/mentions.v1/0/40"  # of this try: another one has another id


def test_headers_that_are_no_replays_are_an_ordinary_records() -> None:
    strange = read("a", 9, ((REPLAY_FOR, b"classify"), ("replay_of", b"x")))
    assert replay_of(strange) is None
    letter = DeadLetter.FromString(dead_letter("classify", Rejected(strange, "failed", "", 1)).value or b"")
    assert (letter.source_offset, letter.attempts, letter.HasField("replay_of")) == (9, 1, False)


def test_replays_count_neither_as_good_nor_as_bad() -> None:
    state = DeadLetterLimitState(DeadLetterLimit(max_share=1.0, window=100, max_run=3))
    for n in range(20):
        state.count([replayed("bad", n)], [Rejected(replayed("bad", n), "failed", "")])
    state.count([read("bad", n) for n in range(3)], [Rejected(read("bad", n), "failed", "") for n in range(3)])
    state.count([replayed("good", 30)], [])  # does not end the run of ordinary bad ones
    with pytest.raises(StageStopped, match="4 records in a row"):
        state.count([read("bad", 31)], [Rejected(read("bad", 31), "failed", "")])


async def test_a_stage_that_is_wrong_stops_on_all_partitions_together(log: EmbeddedLog) -> None:
    await log.append([new("bad", partition) for partition in range(PARTITIONS) for _ in range(100)])
    limit = DeadLetterLimit()
    with pytest.raises(StageStopped, match=r"in a row could not be processed \(limit 50\).*docs/dead-letters\.md"):
        await asyncio.wait_for(runner(log, limit=limit, batch=8).run(), 20)
    assert await dead_letters(log) <= limit.max_run


async def test_the_share_is_counted_over_all_partitions(log: EmbeddedLog) -> None:
    """Every fifth record is bad, so no run is long: the share of the whole process stops it."""
    await log.append([new("bad" if n % 5 == 0 else "good", p) for p in range(PARTITIONS) for n in range(200)])
    limit = DeadLetterLimit()
    with pytest.raises(StageStopped, match="of the last"):
        await asyncio.wait_for(runner(log, limit=limit, batch=8).run(), 20)
    assert await dead_letters(log) <= limit.max_share * limit.window


async def test_one_bad_partition_of_twelve_does_not_stop_the_others(log: EmbeddedLog) -> None:
    await log.append([new("bad" if p == 5 else "good", p) for n in range(60) for p in range(PARTITIONS)])
    working = runner(log, batch=4)
    await run_until(log, working, dict.fromkeys(range(PARTITIONS), 60))
    assert await dead_letters(log) == 60


async def test_a_stage_started_again_goes_on_where_the_limit_stopped_it(log: EmbeddedLog) -> None:
    await log.append([new("bad") for _ in range(60)] + [new("good")])
    with pytest.raises(StageStopped):
        await asyncio.wait_for(runner(log, batch=20).run(), 20)
    assert await dead_letters(log) == 40  # the third batch would have passed the limit: none of it was committed
    await run_until(log, runner(log, limit=DeadLetterLimit(max_share=1.0, max_run=1_000)), {0: 61})
    assert await dead_letters(log) == 60
    assert (await log.bounds(CLASSIFIED))[0].end == 1


async def test_records_for_others_are_not_counted_and_do_not_hold_the_offset(log: EmbeddedLog) -> None:
    mine, others = replayed("a", 0), replayed("b", 0)
    headers = tuple((name, b"copy" if name == REPLAY_FOR else value) for name, value in mine.headers)
    await log.append(
        [new("0"), NewRecord(MENTIONS, 0, b"key", b"1", NOW_MS, headers)]
        + [NewRecord(MENTIONS, 0, b"key", b"2", NOW_MS, others.headers)] * 3
    )
    metrics = Metrics("classify")
    await run_until(log, runner(log, metrics), {0: 5})
    assert [r.value for r in await log.read(CLASSIFIED, 0, 0, 10, 1 << 20)] == [b"0", b"1"]
    assert metrics.counter(defs.STAGE_RECORDS_IN, "copy")._value.get() == 2
    assert await log.group_lags() == [("copy", MENTIONS, 0)]


async def test_many_dead_letters_are_handled_in_units_and_a_failure_leaves_whole_ones(
    log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [Rejected(read(f"bad-{n}", n), "invalid", "") for n in range(250)]
    await log.append([dead_letter("copy", rejected) for rejected in bad])
    ids = [LetterId(0, n) for n in range(250)]
    submit, units = log.writer.submit, 0

    async def fails_at_the_second(unit: object) -> None:
        nonlocal units
        units += bool(getattr(unit, "next_offset", 0))
        if units == 2:
            raise LogUnavailable("away")
        await submit(unit)  # type: ignore[arg-type]

    monkeypatch.setattr(log.writer, "submit", fails_at_the_second)
    first = Handling(log, "replayed", NOW_MS)
    with pytest.raises(LogUnavailable):
        await first.run(ids)
    assert first.done == ids[:100]
    assert (await log.bounds(MENTIONS))[0].end == 100
    monkeypatch.setattr(log.writer, "submit", submit)
    second = Handling(log, "replayed", NOW_MS)
    await second.run(ids)
    assert second.done == ids[100:]
    assert list(second.refused) == ids[:100]
    values = [record.value for record in await log.read(MENTIONS, 0, 0, 1_000, 1 << 20)]
    assert values == [b"bad-%d" % n for n in range(250)]


@pytest.mark.parametrize(("age_ms", "refused"), [(6 * DAY_MS, False), (7 * DAY_MS - 60_000, True), (9 * DAY_MS, True)])
async def test_a_record_that_retention_would_take_first_is_not_replayed(
    log: EmbeddedLog, age_ms: int, refused: bool
) -> None:
    old = Record(MENTIONS, 0, 1, b"key", b"value", NOW_MS - age_ms)
    await log.append([dead_letter("copy", Rejected(old, "invalid", ""))])
    replay = Handling(log, "replayed", NOW_MS)
    await replay.run([LetterId(0, 0)])
    assert ("would lose it" in replay.refused.get(LetterId(0, 0), "")) == refused
    assert (await log.bounds(MENTIONS))[0].end == (0 if refused else 1)
    drop = Handling(log, "dropped", NOW_MS)
    await drop.run([LetterId(0, 0)])
    assert bool(drop.done) == refused


async def test_a_record_of_a_topic_that_is_gone_is_refused(log: EmbeddedLog) -> None:
    gone = Record("mentions.v0", 0, 1, b"key", b"value", NOW_MS)
    await log.append([dead_letter("copy", Rejected(gone, "invalid", ""))])
    replay = Handling(log, "replayed", NOW_MS)
    await replay.run([LetterId(0, 0)])
    assert "mentions.v0[0] is not in this log" in replay.refused[LetterId(0, 0)]


async def test_what_is_no_dead_letter_is_counted_and_passed_over(log: EmbeddedLog) -> None:
    await log.append([NewRecord(DEAD_LETTERS, 0, None, b"\xff\xff", NOW_MS)])
    await log.append([dead_letter("copy", Rejected(read("bad", 1), "invalid", ""))])
    found = (await read_letters(log))[0]
    assert (list(found.letters), found.unreadable) == ([1], 1)
