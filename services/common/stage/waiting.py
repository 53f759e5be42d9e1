"""How many records wait for a stage, and how long the oldest has waited."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from services.common.log.port import LogError, Reader
from services.common.stage.runner import StageRunner
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics

_SECONDS: Final = 2.0


async def watch_waiting(
    reader: Reader, runner: StageRunner[Any], metrics: Metrics, clock: Callable[[], float] = time.time
) -> None:
    """Keep the two gauges of a stage up to date until cancelled."""
    while True:
        try:
            queued, oldest = await measure_waiting(reader, runner, clock)
        except LogError:
            pass  # the gauges keep their last value; whoever reads or writes says what is wrong
        else:
            metrics.gauge(defs.STAGE_QUEUED_RECORDS, runner.name).set(queued)
            metrics.gauge(defs.STAGE_OLDEST_WAITING_SECONDS, runner.name).set(oldest)
        await asyncio.sleep(_SECONDS)


async def measure_waiting(reader: Reader, runner: StageRunner[Any], clock: Callable[[], float]) -> tuple[int, float]:
    """Records that wait in this process's partitions, and the age in seconds of the oldest (0 if none waits)."""
    queued, oldest_ms = 0, None
    bounds = await reader.bounds(runner.source)
    for partition, committed in list(runner.committed.items()):
        waiting = bounds[partition].end - committed
        if waiting <= 0:
            continue
        queued += waiting
        for record in await reader.read(runner.source, partition, committed, 1, 1):
            oldest_ms = min(oldest_ms or record.timestamp_ms, record.timestamp_ms)
    return queued, max(0.0, clock() - oldest_ms / 1000) if oldest_ms is not None else 0.0
