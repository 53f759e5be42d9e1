"""How many records wait for a stage, how long the oldest has waited, and how long working them off will take."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from services.common.log.port import LogError, Reader
from services.common.stage.runner import StageRunner
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics

_SECONDS: Final = 2.0
_PACE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """`records` that wait in this process's partitions, at most: a log may count markers among them.

    `oldest_ms`: when ingest accepted the oldest, milliseconds since the epoch; None if none waits.
    """

    records: int
    oldest_ms: int | None

    def oldest_seconds(self, now: float) -> float:
        """How long the oldest has waited at `now`, seconds since the epoch; 0 if none waits."""
        return 0.0 if self.oldest_ms is None else max(0.0, now - self.oldest_ms / 1000)


def older(one: Waiting, other: Waiting) -> Waiting:
    """The worse of two looks."""
    times = [each.oldest_ms for each in (one, other) if each.oldest_ms is not None]
    return Waiting(max(one.records, other.records), min(times, default=None))


class Pace:
    """Records per second over the last minute."""

    def __init__(self) -> None:
        self._done: deque[tuple[float, int]] = deque()

    def per_second(self, now: float, done: int) -> float:
        """The pace, given that `done` records in all are done at `now` (monotonic seconds)."""
        self._done.append((now, done))
        while now - self._done[0][0] > _PACE_SECONDS:
            self._done.popleft()
        then, before = self._done[0]
        return (done - before) / (now - then) if now > then else 0.0


async def watch_waiting(
    reader: Reader, runner: StageRunner[Any], metrics: Metrics, clock: Callable[[], float] = time.time
) -> None:
    """Keep the gauges of a stage up to date until cancelled."""
    pace, waiting = Pace(), Waiting(0, None)
    while True:
        per_second = pace.per_second(time.monotonic(), runner.processed)
        with suppress(LogError):  # else what waited still waits, and gets older
            found = await measure_waiting(reader, runner)
            # While partitions are shared anew, what waited in those that are not claimed yet waits on.
            waiting = found if len(runner.committed) >= runner.share else older(waiting, found)
        metrics.gauge(defs.STAGE_QUEUED_RECORDS, runner.name).set(waiting.records)
        metrics.gauge(defs.STAGE_OLDEST_WAITING_SECONDS, runner.name).set(waiting.oldest_seconds(clock()))
        metrics.gauge(defs.STAGE_LAG_SECONDS, runner.name).set(lag_seconds(waiting.records, per_second))
        await asyncio.sleep(_SECONDS)


def lag_seconds(records: int, per_second: float) -> float:
    """Seconds to work off what waits at this pace: infinite where nothing moves."""
    if not records:
        return 0.0
    return records / per_second if per_second else math.inf


async def measure_waiting(reader: Reader, runner: StageRunner[Any]) -> Waiting:
    """What waits in the partitions that this process works on."""
    queued, oldest_ms = 0, None
    bounds = await reader.bounds(runner.source)
    for partition, committed in list(runner.committed.items()):
        waiting = bounds[partition].end - committed
        if waiting <= 0:
            continue
        if oldest := await reader.read(runner.source, partition, max(committed, bounds[partition].start), 1, 1):
            queued += waiting
            oldest_ms = min(oldest_ms or oldest[0].timestamp_ms, oldest[0].timestamp_ms)
    return Waiting(queued, oldest_ms)
