"""What a catching-up looks like from outside: samples of the stage's processes, and the truth beside their metrics."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.error import URLError

import psutil

from bench.kafka.cluster import PARTITIONS, GroupOffsets
from bench.kafka.exposition import value_of
from services.common.log.port import NewRecord
from services.common.telemetry.metric_defs import STAGE_OLDEST_WAITING_SECONDS, STAGE_PARTITIONS, STAGE_RESTORE_SECONDS
from tests.support.deployment import ServiceProcess

MIB: Final = 1 << 20
_RECENT_SECONDS: Final = 4.0


@dataclass(frozen=True, slots=True)
class WorkerSample:
    """One process: what it says, and its resident memory."""

    rss_mib: float
    partitions: float
    restores: float
    oldest_waiting: float


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment. `seconds`: since the start. `oldest_waiting`: the truth, by the records that are not committed."""

    seconds: float
    left: int
    oldest_waiting: float
    workers: tuple[WorkerSample | None, ...]

    def worker(self, number: int) -> WorkerSample | None:
        """A process by its number; None where it could not be asked."""
        return self.workers[number] if number < len(self.workers) else None

    def restores(self, number: int) -> float:
        """States that a process has rebuilt so far."""
        worker = self.worker(number)
        return worker.restores if worker else 0.0

    @property
    def shares(self) -> list[float]:
        """Partitions of each process that works on some."""
        return [worker.partitions for worker in self.workers if worker and worker.partitions]

    @property
    def told(self) -> float | None:
        """What the stage's metric says: the largest of its processes; None while partitions are between them."""
        working = [worker for worker in self.workers if worker is not None]
        if sum(worker.partitions for worker in working) != PARTITIONS:
            return None
        return max(worker.oldest_waiting for worker in working)


def deviations(samples: Sequence[Sample]) -> list[float]:
    """Seconds by which the age metric misses what was true within the last moments, sorted.

    The stage takes its own look every 2 s: what it tells is that old at most. The first looks at partitions that were
    just taken over do not count.
    """
    found = []
    for now in samples:
        recent = [sample for sample in samples if 0 <= now.seconds - sample.seconds <= _RECENT_SECONDS]
        if now.left and now.told is not None and all(sample.told is not None for sample in recent):
            truths = [sample.oldest_waiting for sample in recent]
            found.append(max(0.0, min(truths) - now.told, now.told - max(truths)))
    return sorted(found)


class Sampler:
    """Samples a group that works off known records."""

    def __init__(self, records: Sequence[NewRecord], offsets: GroupOffsets) -> None:
        self._offsets = offsets
        self._times_ms: list[list[int]] = [[] for _ in range(PARTITIONS)]
        for record in records:
            self._times_ms[record.partition].append(record.timestamp_ms)
        self._started = time.monotonic()
        self.samples: list[Sample] = []

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def sample(self, workers: Sequence[ServiceProcess]) -> Sample:
        """Look at everything once."""
        seen = tuple(_seen(worker) for worker in workers)
        committed = self._offsets.committed()
        seconds, now = self.elapsed, time.time()
        waiting = [times[done:] for times, done in zip(self._times_ms, committed, strict=True)]
        oldest_ms = min((times[0] for times in waiting if times), default=None)
        oldest = max(0.0, now - oldest_ms / 1000) if oldest_ms is not None else 0.0
        found = Sample(seconds, sum(map(len, waiting)), oldest, seen)
        self.samples.append(found)
        return found


def _seen(worker: ServiceProcess) -> WorkerSample | None:
    """None while the process starts, stops or has ended."""
    if not worker.running:
        return None
    try:
        rss = psutil.Process(worker.process.pid).memory_info().rss
        text = worker.metrics()
    except (psutil.NoSuchProcess, URLError, OSError):
        return None
    return WorkerSample(
        rss / MIB,
        value_of(text, STAGE_PARTITIONS),
        value_of(text, STAGE_RESTORE_SECONDS),
        value_of(text, STAGE_OLDEST_WAITING_SECONDS),
    )
