"""Lets time pass in the partitions that a stage works on: a tick wherever nothing else comes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog

from services.common.log.port import Bounds, Log, LogError, Reader
from services.common.stage.runner import StageRunner
from services.common.stage.ticks import tick_record
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics

log = structlog.get_logger()

_PERIOD_SECONDS: Final = 10
# What ingest stamps may take so long until it is in the log: the disk or the brokers, clocks that differ a little. The
# counts of every quiet brand wait for it, so no longer; what takes longer all the same is counted late.
_ON_THE_WAY_SECONDS: Final = 2


async def keep_ticking(
    log_: Log,
    runner: StageRunner[Any],
    metrics: Metrics,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Let every full ten seconds be known in each partition of the runner's source that it works on, until cancelled.

    Where nothing has come since then, and the stage has worked off all there is, a tick says that they have passed. All
    others learn it from what came, or will. `clock` gives seconds since the epoch.
    """
    while True:
        full = (clock() // _PERIOD_SECONDS + 1) * _PERIOD_SECONDS
        await sleep(full - clock())
        try:
            before = await log_.bounds(runner.source)
            await sleep(full + _ON_THE_WAY_SECONDS - clock())
            if quiet := await _quiet_partitions(log_, runner, before):
                await log_.append([tick_record(runner.source, partition, int(full * 1000)) for partition in quiet])
                metrics.counter(defs.TICKS).inc(len(quiet))
        except LogError as error:
            log.warning("ticks failed", stage=runner.name, error=str(error))


async def _quiet_partitions(reader: Reader, runner: StageRunner[Any], before: Sequence[Bounds]) -> list[int]:
    """The partitions worked on here that have not grown and hold nothing that waits: at most markers."""
    quiet: list[int] = []
    bounds = await reader.bounds(runner.source)
    for partition, committed in list(runner.committed.items()):
        start, end = max(committed, bounds[partition].start), bounds[partition].end
        if end == before[partition].end and (
            start >= end or not await reader.read(runner.source, partition, start, 1, 1)
        ):
            quiet.append(partition)
    return quiet
