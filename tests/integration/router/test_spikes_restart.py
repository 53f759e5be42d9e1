"""Spikes over restarts on a real log: the same episodes, each event once, as without a restart."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mention_triage.v1.alert_pb2 import SpikeAlert
from mention_triage.v1.counts_pb2 import MentionCounts
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.port import NewRecord, Record
from services.common.log.reading import read_to_end
from services.common.log.topics import ALERTS, COUNTS, SPIKE_STATE
from services.common.stage.runner import StageRunner
from services.common.telemetry.health import Health
from services.router.spikes.snapshots import complete_rounds
from tests.unit.router.spikes.world import START, World, alerts, minutes, steady

VIRAL = [*steady(1.0, 300), *steady(20.0, 60), *steady(1.0, 400)]


def as_new(messages: Sequence[MentionCounts]) -> list[NewRecord]:
    return [NewRecord(COUNTS, 0, each.tenant.encode(), each.SerializeToString(), START * 1000) for each in messages]


async def run_until(log: EmbeddedLog, committed: int) -> None:
    """A router's stage, from its start to its drain. In small batches: a round is written with those after it."""
    world = World()
    runner = StageRunner(log, replace(world.stage, max_batch_records=20), world.metrics, Health())
    running = asyncio.create_task(runner.run())
    async with asyncio.timeout(60):
        while not running.done() and runner.committed.get(0, 0) < committed:
            await asyncio.sleep(0.01)
        log.stop_consuming()
        await running


async def read(log: EmbeddedLog, topic: str) -> list[Record]:
    return [record async for batch in read_to_end(log, topic, 0, 0) for record in batch]


async def covered(log: EmbeddedLog) -> int:
    """Up to which offset the last snapshot covers the counts."""
    kept = {record.key or b"": record.value or b"" for record in await read(log, SPIKE_STATE)}
    return max((shards[-1].end.covers for _, shards in complete_rounds(kept.items())), default=0)


@pytest.mark.parametrize("pieces", [2, 9])
async def test_episodes_are_the_same_over_restarts(pieces: int, tmp_path: Path) -> None:
    messages = minutes(VIRAL)
    whole = alerts(await World().take(messages))
    assert len(whole) >= 2
    size = -(-len(messages) // pieces)
    for start in range(0, len(messages), size):
        log = EmbeddedLog(tmp_path / "log.db", 1)
        await log.append(as_new(messages[start : start + size]))
        end = min(start + size, len(messages))
        await run_until(log, end)
        found = [SpikeAlert.FromString(record.value or b"") for record in await read(log, ALERTS)]
        assert end - await covered(log) < 200  # ten minutes of them are 120
        await log.close()
    assert found == whole
