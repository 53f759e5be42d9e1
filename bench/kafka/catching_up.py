"""Catching up: classify works off what has waited for minutes, with a rebalance in the middle.

Copies of ten texts from as many authors as mentions, so that the model's cache answers and the stage's state grows with
every record up to its bound. A second worker joins when a third is done and leaves when two thirds are.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.kafka.cluster import PARTITIONS, GroupOffsets, running_kafka
from bench.kafka.load import mention_records, produce
from bench.kafka.outputs import OutputTimes, output_times
from bench.kafka.plot import plot_samples
from bench.kafka.sampling import Sample, Sampler, deviations
from bench.report import Row, report
from services.common.log.topics import MENTIONS
from tests.support.deployment import Deployment, ServiceProcess

_WAITED_SECONDS: Final = 300.0  # the oldest record, at the start; the newest has just come
_SAMPLE_SECONDS: Final = 1.0
_LIMIT_SECONDS: Final = 300.0
# What a worker remembers is bounded. With the default bound it would grow during all of this; with this one it is full
# within the first fifth, so that what grows later would be a leak.
_SEEN_LIMIT: Final = "3000"  # mentions per partition
_SETTLED_SECONDS: Final = 5.0  # after the partitions were shared anew: what follows still belongs to the rebalance


@dataclass(frozen=True, slots=True)
class Rebalance:
    """`at`, `until`: monotonic seconds, between which its standstill is looked for. `restores`: of the first worker."""

    name: str
    at: float
    until: float
    restores: float


class CatchingUp:
    """One run: the workers, the samples, and what happened."""

    def __init__(self, deployment: Deployment, sampler: Sampler, count: int) -> None:
        self._deployment = deployment
        self._sampler = sampler
        self._count = count
        self._workers: list[ServiceProcess] = []
        self.rebalances: list[Rebalance] = []
        self.events: dict[str, float] = {}

    def run(self) -> None:
        """Start a worker, let a second one join and leave, and wait until nothing is left."""
        self._add_worker()
        self._until(lambda sample: sample.left <= 2 * self._count // 3)
        self._mark("second worker starts")
        self._add_worker()
        self._rebalance("a worker joins", [PARTITIONS / 2, PARTITIONS / 2])
        self._until(lambda sample: sample.left <= self._count // 3)
        self._mark("second worker stops")
        self._workers[1].process.terminate()
        self._rebalance("a worker leaves", [PARTITIONS])
        self._until(lambda sample: not sample.left)

    def _add_worker(self) -> None:
        self._workers += self._deployment.add("classify")

    def _mark(self, name: str) -> None:
        self.events[name] = self._sampler.elapsed

    def _rebalance(self, name: str, shares: Sequence[float]) -> None:
        """Wait until the workers share the partitions like this, and then a little."""
        before, at = self._sampler.samples[-1].restores(0), time.monotonic()
        self._until(lambda sample: sample.shares == shares)
        self._mark(f"{name}: shared")
        settled = time.monotonic()
        self._until(lambda _: time.monotonic() > settled + _SETTLED_SECONDS)
        restores = self._sampler.samples[-1].restores(0) - before
        self.rebalances.append(Rebalance(name, at, time.monotonic(), restores))

    def _until(self, reached: Callable[[Sample], bool]) -> None:
        """Sample until then, once a second. Raises `TimeoutError`."""
        while not reached(self._sampler.sample(self._workers)):
            if self._sampler.elapsed > _LIMIT_SECONDS:
                left, logs = self._sampler.samples[-1].left, [worker.log()[-1000:] for worker in self._workers]
                raise TimeoutError(f"{left} records are left after {_LIMIT_SECONDS:g} s: {logs}")
            time.sleep(_SAMPLE_SECONDS - self._sampler.elapsed % _SAMPLE_SECONDS)


def rows_of(run: CatchingUp, samples: Sequence[Sample], outputs: OutputTimes, count: int) -> list[Row]:
    """The figures."""
    busy = [sample for sample in samples if 0 < sample.left < count]
    missed = deviations(samples)
    memory = [worker.rss_mib for sample in busy if (worker := sample.worker(0))]
    early, late = memory[len(memory) // 5 : len(memory) // 3], memory[-len(memory) // 10 :]
    rows = [
        Row("records that waited", count, "records"),
        Row("records/s while catching up", busy[0].left / (samples[-1].seconds - busy[0].seconds), "1/s"),
        Row("records too many or too few at the end", abs(outputs.records - count), "records"),
        Row("first worker: resident memory when a fifth to a third is done", statistics.median(early), "MiB"),
        Row("first worker: resident memory at the end", statistics.median(late), "MiB"),
        Row(
            "first worker: memory, the end against a third", statistics.median(late) / statistics.median(early), "ratio"
        ),
        Row("age metric against the truth of the last 4 s: misses it by, median", statistics.median(missed), "s"),
        Row("age metric against the truth of the last 4 s: misses it by, at most", missed[-1], "s"),
        Row("age of the oldest, largest", max(sample.oldest_waiting for sample in busy), "s"),
    ]
    for each in run.rebalances:
        standstill = outputs.longest_partition_gap(each.at, each.until)
        rows += [
            Row(f"{each.name}: longest time without any output", outputs.longest_gap(each.at, each.until), "s"),
            Row(f"{each.name}: longest standstill of a partition", standstill, "s"),
            Row(f"{each.name}: states that the first worker rebuilt (of {PARTITIONS})", each.restores, "partitions"),
        ]
    return rows


def measure(quick: bool) -> list[Row]:
    """All figures, on one broker; draws the picture."""
    count = 30_000 if quick else 200_000
    with running_kafka(1) as kafka, tempfile.TemporaryDirectory() as folder:
        newest_ms = int(time.time() * 1000)
        step_ms = 1000 * _WAITED_SECONDS / count
        records = mention_records(count, lambda n: newest_ms - int((count - n) * step_ms))
        produce(kafka.bootstrap, records)
        offsets = GroupOffsets(kafka, "classify", MENTIONS)
        environment = {"CLASSIFY_SEEN_LIMIT": _SEEN_LIMIT, "TRIAGE_LOG_LEVEL": "warning"}
        with Deployment(Path(folder), kafka.bootstrap, **environment) as deployment, output_times(kafka) as outputs:
            sampler = Sampler(records, offsets)
            run = CatchingUp(deployment, sampler, count)
            run.run()
            outputs.wait_for(count)
        offsets.close()
    plot_samples(sampler.samples, run.events, f"{count:,} mentions waited; 1 broker, {PARTITIONS} partitions")
    rows = [Row("brokers", 1, "brokers"), Row("partitions", PARTITIONS, "partitions")]
    return rows + rows_of(run, sampler.samples, outputs, count)


def main() -> None:
    """Measure, print, and write `bench/results/kafka-catching-up.json` and `catching-up.svg`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    report("kafka-catching-up", measure(parser.parse_args().quick))


if __name__ == "__main__":
    main()
