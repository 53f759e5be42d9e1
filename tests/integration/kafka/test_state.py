"""A stage's state across rebalances: kept where the partition comes back, rebuilt where another worker went on."""

import asyncio
from collections.abc import Sequence

from services.common.log.port import NewRecord, Record
from services.common.stage.runner import StageRunner
from services.common.stage.stage import Result, Stage, StateRecord
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from tests.integration.kafka.conftest import PARTITIONS, Names, OpenKafka, new, read_all

DEADLINE = 40.0


def first_seen_stage(names: Names) -> Stage[set[bytes]]:
    """Passes on each value once; what it has passed on is its state."""

    async def process(seen: set[bytes], records: Sequence[Record]) -> Result:
        fresh = list(dict.fromkeys(r.value or b"" for r in records if r.value not in seen))
        partition = records[0].partition
        outputs = [new(names.output, value.decode(), partition) for value in fresh]
        states = [NewRecord(names.state, partition, None, value, records[-1].timestamp_ms) for value in fresh]
        return Result([*outputs, *states])

    def restore(seen: set[bytes], records: Sequence[StateRecord]) -> None:
        seen.update(record.value or b"" for record in records)

    return Stage(names.group, names.source, process, set, names.state, restore)


class Worker:
    """A runner of the stage, like a process of its own."""

    def __init__(self, log: object, names: Names) -> None:
        self.log = log
        self.metrics = Metrics("classify")
        self.runner = StageRunner(log, first_seen_stage(names), self.metrics, Health())  # type: ignore[arg-type]
        self.task = asyncio.create_task(self.runner.run())

    def restored(self, names: Names) -> int:
        """How many partitions' states were rebuilt."""
        samples = self.metrics.histogram(defs.STAGE_RESTORE_SECONDS, names.group).collect()
        return int(next(s.value for metric in samples for s in metric.samples if s.name.endswith("_count")))

    async def working_on(self, partitions: int) -> None:
        async with asyncio.timeout(DEADLINE):
            while len(self.runner.committed) != partitions:
                await asyncio.sleep(0.02)


async def test_state_is_kept_for_what_comes_back_and_rebuilt_for_what_others_worked_on(
    open_kafka: OpenKafka, names: Names
) -> None:
    sender = await open_kafka()

    async def send_and_wait(values: Sequence[str], expected: int) -> None:
        await sender.append([new(names.source, value, n % PARTITIONS) for n, value in enumerate(values)])
        async with asyncio.timeout(DEADLINE):
            while len(await read_all(sender, names.output)) < expected:
                await asyncio.sleep(0.02)

    first = Worker(await open_kafka(), names)
    await first.working_on(PARTITIONS)
    assert first.restored(names) == PARTITIONS
    values = [str(n) for n in range(40)]
    await send_and_wait(values, 40)

    second = Worker(await open_kafka(), names)
    await second.working_on(PARTITIONS // 2)
    await first.working_on(PARTITIONS // 2)
    assert first.restored(names) == PARTITIONS  # the two that it got back were as it had left them
    assert second.restored(names) == PARTITIONS // 2
    await send_and_wait([*values, *(f"second {n}" for n in range(PARTITIONS))], 40 + PARTITIONS)

    second.log.stop_consuming()  # type: ignore[attr-defined]
    await second.task
    await first.working_on(PARTITIONS)
    assert first.restored(names) == PARTITIONS + PARTITIONS // 2  # the other one's were rebuilt
    repeats = [*values, *(f"second {n}" for n in range(PARTITIONS))]
    await send_and_wait([*repeats, *(f"third {n}" for n in range(PARTITIONS))], 40 + 2 * PARTITIONS)
    first.log.stop_consuming()  # type: ignore[attr-defined]
    await first.task
    found = await read_all(sender, names.output)
    assert len(found) == len(set(found)) == 40 + 2 * PARTITIONS
