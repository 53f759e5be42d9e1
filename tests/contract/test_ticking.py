"""Time passes in quiet partitions, whatever the log holds there beside records."""

import asyncio

from services.common.log.port import Log
from services.common.stage.runner import StageRunner
from services.common.stage.stage import Result, Stage
from services.common.stage.ticking import keep_ticking
from services.common.stage.ticks import is_tick
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from tests.contract.conftest import NOW_MS, PARTITIONS, new, read_all
from tests.support.clock import SteppedClock

START = NOW_MS // 10_000 * 10


async def pass_over(*_: object) -> Result:
    return Result(())


async def test_a_partition_that_ends_in_the_marker_of_a_transaction_is_quiet(log: Log) -> None:
    async def ticks() -> list[list[int]]:
        found = [await read_all(log, partition=partition) for partition in range(PARTITIONS)]
        return [[record.timestamp_ms // 1000 - START for record in each if is_tick(record)] for each in found]

    await log.append([new("a mention")])
    replaying = await log.claim("dead-letters", "out.v1", 0)
    await replaying.commit([new("one that is replayed", partition=1)], 0)
    runner = StageRunner(log, Stage("volume", "in.v1", pass_over, lambda: None), Metrics("router"), Health())
    running, clock = asyncio.create_task(runner.run()), SteppedClock(START + 3.0)
    async with asyncio.timeout(30):
        while runner.processed < 2 or len(runner.committed) < PARTITIONS:
            await asyncio.sleep(0.01)
    ticking = asyncio.create_task(keep_ticking(log, runner, Metrics("router"), clock, clock.sleep))
    for passed in (10, 12, 20, 22):
        assert await clock.wake() == START + passed
        if passed == 12:
            async with asyncio.timeout(30):
                while runner.processed < 2 + PARTITIONS:
                    await asyncio.sleep(0.01)
    assert await ticks() == [[10, 20]] * PARTITIONS
    ticking.cancel()
    log.stop_consuming()
    await running
