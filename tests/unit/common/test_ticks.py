"""Time passes in quiet partitions: a tick each ten seconds, behind all that came, and none where mentions come."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mention_triage.v1.tick_pb2 import Tick
from services.common.contracts.identity import customer_key
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.embedded.retention import Retention
from services.common.log.port import NewRecord, Record
from services.common.log.topics import CLASSIFIED, MENTIONS, TOPICS
from services.common.stage.runner import StageRunner
from services.common.stage.stage import Result, Stage
from services.common.stage.ticking import keep_ticking
from services.common.stage.ticks import TICK_KEY, is_tick, tick_ms, tick_record
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from tests.support.clock import SteppedClock

NOON = 1_800_000_000  # a full ten seconds


class World:
    """A log of three partitions, a stage that passes over what it gets, and the clock that ticks are made by."""

    def __init__(self, log: EmbeddedLog) -> None:
        async def process(_: None, records: Sequence[Record]) -> Result:
            await self.gate.wait()
            return Result(())

        self.log, self.clock, self.metrics, self.gate = (
            log,
            SteppedClock(NOON + 3.5),
            Metrics("router"),
            asyncio.Event(),
        )
        self.gate.set()
        self.runner = StageRunner(log, Stage("volume", MENTIONS, process, lambda: None), self.metrics, Health())

    async def post(self, partition: int, at: float) -> None:
        """Append a mention."""
        await self.log.append([NewRecord(MENTIONS, partition, b"acme/x/1", b"m", int(at * 1000))])

    async def worked_off(self, *partitions: int) -> None:
        """Wait until the stage has committed all of these partitions."""
        ends = [bounds.end for bounds in await self.log.bounds(MENTIONS)]
        async with asyncio.timeout(20):
            while any(self.runner.committed.get(partition) != ends[partition] for partition in partitions):
                await asyncio.sleep(0.005)

    async def ten_seconds(self) -> None:
        """Let the full ten seconds be looked at, and what is on its way then come in."""
        await self.clock.wake()
        await self.clock.wake()

    async def ticks(self) -> list[list[int]]:
        """Seconds since the start of each tick, by partition."""
        found = [await self.log.read(MENTIONS, partition, 0, 1_000, 1 << 20) for partition in range(3)]
        return [[tick_ms(record) // 1000 - NOON for record in records if is_tick(record)] for records in found]

    @property
    def counted(self) -> float:
        return float(self.metrics.counter(defs.TICKS)._value.get())


@asynccontextmanager
async def open_world(log: EmbeddedLog) -> AsyncIterator[World]:
    made = World(log)
    running = asyncio.create_task(made.runner.run())
    ticking = asyncio.create_task(keep_ticking(log, made.runner, made.metrics, made.clock, made.clock.sleep))
    await made.worked_off(0, 1, 2)
    yield made
    assert not ticking.done()
    ticking.cancel()
    made.gate.set()
    log.stop_consuming()
    await running
    await log.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(EmbeddedLog(tmp_path / "log.db", 3)) as made:
        yield made


def test_a_tick_says_when_and_is_no_customers() -> None:
    new = tick_record(MENTIONS, 2, 1_800_000_000_250)
    record = Record(new.topic, new.partition, 7, new.key, new.value, new.timestamp_ms, new.headers)
    assert is_tick(record)
    assert tick_ms(record) == 1_800_000_000_250
    assert Tick.FromString(record.value or b"").at.ToMilliseconds() == 1_800_000_000_250
    assert customer_key("tick", "", "", "").encode() != TICK_KEY


def test_one_that_is_handed_on_is_the_same_event() -> None:
    first, second = tick_record(MENTIONS, 2, 5_000), tick_record(CLASSIFIED, 2, 5_000)
    assert (first.topic, second.topic) == (MENTIONS, CLASSIFIED)
    assert (first.key, first.value, first.timestamp_ms, first.headers) == (
        second.key, second.value, second.timestamp_ms, second.headers
    )  # fmt: skip


async def test_quiet_partitions_learn_each_full_ten_seconds(world: World) -> None:
    assert await world.clock.wake() == NOON + 10
    assert await world.ticks() == [[], [], []]  # what was received before may still be on its way
    assert await world.clock.wake() == NOON + 12
    await world.worked_off(0, 1, 2)
    assert await world.clock.wake() == NOON + 20
    assert await world.clock.wake() == NOON + 22
    assert await world.ticks() == [[10, 20], [10, 20], [10, 20]]
    assert world.counted == 6


async def test_what_came_before_the_ten_seconds_were_full_stands_before_the_tick(world: World) -> None:
    await world.post(1, NOON + 9.9)
    await world.worked_off(1)
    await world.ten_seconds()
    assert await world.ticks() == [[10], [10], [10]]
    assert [is_tick(record) for record in await world.log.read(MENTIONS, 1, 0, 10, 1 << 20)] == [False, True]


async def test_a_busy_partition_gets_one_too(world: World) -> None:
    """A mention just after the ten seconds does not say that they are over: another may be on its way."""
    await world.clock.wake()
    await world.post(1, NOON + 10.5)
    await world.clock.wake()
    assert await world.ticks() == [[10], [10], [10]]
    assert [is_tick(record) for record in await world.log.read(MENTIONS, 1, 0, 10, 1 << 20)] == [False, True]


async def test_a_partition_in_which_mentions_wait_gets_none(world: World) -> None:
    world.gate.clear()
    await world.post(0, NOON + 5)
    await world.ten_seconds()
    assert await world.ticks() == [[], [10], [10]]
    world.gate.set()
    await world.worked_off(0, 1, 2)
    await world.ten_seconds()
    assert await world.ticks() == [[20], [10, 20], [10, 20]]


async def test_partitions_of_others_get_none(world: World) -> None:
    del world.runner.committed[2]
    await world.ten_seconds()
    assert await world.ticks() == [[10], [10], []]
    world.runner.committed[2] = 0  # the runner takes it out itself at the end


async def test_a_log_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    retention = Retention(TOPICS, max_bytes=1, round_seconds=0.01)
    log = EmbeddedLog(tmp_path / "log.db", 3, retention=retention)
    async with open_world(log) as world:
        async with asyncio.timeout(20):
            while not retention.full:
                await asyncio.sleep(0.005)
        await world.ten_seconds()
        assert (await world.ticks(), world.counted) == ([[], [], []], 0)
        retention._max_bytes = 1 << 30
        async with asyncio.timeout(20):
            while retention.full:
                await asyncio.sleep(0.005)
        await world.ten_seconds()
        assert (await world.ticks(), world.counted) == ([[20], [20], [20]], 3)
