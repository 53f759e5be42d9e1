"""Batches that wait for more, over a real embedded log."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from services.common.log.embedded.log import EmbeddedLog
from services.common.log.port import NewRecord, Record
from services.common.log.topics import MENTIONS
from services.common.stage.runner import StageRunner
from services.common.stage.stage import Result, Stage
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics

HOUR = 3_600.0


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EmbeddedLog]:
    opened = EmbeddedLog(tmp_path / "log.db", 1)
    yield opened
    await opened.close()


def mentions(count: int) -> list[NewRecord]:
    return [NewRecord(MENTIONS, 0, b"key", b"%d" % n, 1_768_478_400_000) for n in range(count)]


class Reading:
    """A stage that only reads, running."""

    def __init__(self, log: EmbeddedLog, name: str, seconds: float) -> None:
        self.batches: list[int] = []
        stage = Stage(name, MENTIONS, self._process, lambda: None, max_batch_records=2, batch_seconds=seconds)
        self.task = asyncio.create_task(StageRunner(log, stage, Metrics("router"), Health()).run())

    async def _process(self, _: None, records: Sequence[Record]) -> Result:
        return Result((), committed=lambda: self.batches.append(len(records)))

    async def has_read(self, count: int) -> None:
        async with asyncio.timeout(20):
            while sum(self.batches) < count:
                await asyncio.sleep(0.005)


async def test_full_batches_do_not_wait_and_the_end_does_not_either(log: EmbeddedLog) -> None:
    await log.append(mentions(5))
    patient, other = Reading(log, "patient", HOUR), Reading(log, "other", 0.0)
    await patient.has_read(5)
    await log.append(mentions(1))
    await other.has_read(6)
    await log.append(mentions(1))
    await other.has_read(7)  # long after the patient one could have had the sixth
    assert patient.batches == [2, 2, 1]
    log.stop_consuming()
    async with asyncio.timeout(20):
        await asyncio.gather(patient.task, other.task)
    assert patient.batches == [2, 2, 1]
