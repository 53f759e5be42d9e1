"""Lets time pass in the partitions that a stage works on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog

from services.common.log.port import Bounds, Log, LogError, Reader
from services.common.stage.runner import StageRunner
from services.common.stage.ticks import ON_THE_WAY_SECONDS, tick_record
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics

log = structlog.get_logger()

_PERIOD_SECONDS: Final = 10


async def keep_ticking(
    log_: Log,
    runner: StageRunner[Any],
    metrics: Metrics,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Let every full ten seconds be known in each partition of the runner's source that it works on, until cancelled.

    A tick goes wherever the stage has worked off what stood there when they were full: elsewhere it would only wait
    behind the rest. Mentions that come later say so, too, but only once one is surely later: `ON_THE_WAY_SECONDS`.
    `clock` gives seconds since the epoch.
    """
    while True:
        full = (clock() // _PERIOD_SECONDS + 1) * _PERIOD_SECONDS
        await sleep(full - clock())
        try:
            before = await log_.bounds(runner.source)
            await sleep(full + ON_THE_WAY_SECONDS - clock())
            if ticked := await _worked_off(log_, runner, before):
                await log_.append([tick_record(runner.source, partition, int(full * 1000)) for partition in ticked])
                metrics.counter(defs.TICKS).inc(len(ticked))
        except LogError as error:
            log.warning("ticks failed", stage=runner.name, error=str(error))


async def _worked_off(reader: Reader, runner: StageRunner[Any], before: Sequence[Bounds]) -> list[int]:
    """The partitions worked on here in which nothing of what stood there `before` waits: at most markers."""
    found: list[int] = []
    for partition, committed in list(runner.committed.items()):
        start, end = max(committed, before[partition].start), before[partition].end
        waiting = await reader.read(runner.source, partition, start, 1, 1) if start < end else ()
        if not waiting or waiting[0].offset >= end:
            found.append(partition)
    return found
