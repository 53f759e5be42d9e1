"""Processor time per record of one, two and four router processes on the same partitions and the same records.

The processes have joined before the first record comes, so that neither start nor rebalance is in the figure. What is
measured is cost, not speed: on a machine with few cores more processes are not faster, but must not cost more either.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.kafka.cluster import (
    PARTITIONS,
    GroupOffsets,
    broker_cpu_seconds,
    cpu_seconds,
    empty_topics,
    running_kafka,
)
from bench.kafka.exposition import value_of
from bench.kafka.hops import run_hop
from bench.kafka.load import classified_records, produce
from bench.report import Row, report
from services.common.log.port import NewRecord
from services.common.log.topics import CLASSIFIED
from services.common.telemetry.metric_defs import STAGE_PARTITIONS
from tests.support.deployment import Deployment, ServiceProcess
from tests.support.kafka import KafkaCluster

_PROCESSES: Final = (1, 2, 4)
_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run: microseconds of processor time per record, and records per second by the clock."""

    services_us: float
    brokers_us: float
    per_second: float


def measure_processes(kafka: KafkaCluster, processes: int, records: Sequence[NewRecord]) -> Cost:
    """Let so many router processes work off the records."""
    empty_topics(kafka)
    offsets = GroupOffsets(kafka, "route", CLASSIFIED)
    with (
        tempfile.TemporaryDirectory() as folder,
        Deployment(Path(folder), kafka.bootstrap, TRIAGE_LOG_LEVEL="warning") as deployment,
    ):
        routers = deployment.add("router", processes)
        deployment.wait_ready()
        _wait_shared(routers)
        pids = [router.process.pid for router in routers]
        services, brokers, started = cpu_seconds(pids), broker_cpu_seconds(kafka), time.perf_counter()
        produce(kafka.bootstrap, records)
        offsets.wait_for(len(records), _SECONDS)
        seconds = time.perf_counter() - started
        services, brokers = cpu_seconds(pids) - services, broker_cpu_seconds(kafka) - brokers
    offsets.close()
    return Cost(1e6 * services / len(records), 1e6 * brokers / len(records), len(records) / seconds)


def _wait_shared(routers: Sequence[ServiceProcess]) -> None:
    """Wait until every process works on its even share of the partitions."""
    deadline = time.monotonic() + _SECONDS
    while [value_of(router.metrics(), STAGE_PARTITIONS) for router in routers] != [PARTITIONS / len(routers)] * len(
        routers
    ):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the partitions were not shared evenly within {_SECONDS:g} s")
        time.sleep(_POLL_SECONDS)


def measure(quick: bool) -> list[Row]:
    """All figures, on one broker: the numbers of processes in turns, so that a drift of the machine meets all."""
    count, rounds = (20_000, 1) if quick else (60_000, 2)
    now_ms = int(time.time() * 1000)
    records = classified_records(count, lambda n: now_ms + n)
    costs: dict[int, list[Cost]] = {processes: [] for processes in _PROCESSES}
    floors: list[float] = []
    with running_kafka(1) as kafka:
        for _ in range(rounds):
            for processes in _PROCESSES:
                costs[processes].append(measure_processes(kafka, processes, records))
            floors.append(1e6 / run_hop(kafka, "bare transactional", "route", count).per_core)
    return [
        Row("brokers", 1, "brokers"),
        Row("partitions", PARTITIONS, "partitions"),
        *(row for processes, turns in costs.items() for row in _rows_of(processes, turns, costs[1])),
        Row("floor: bare aiokafka, transactional, the same work", statistics.median(floors), "CPU µs/record"),
        Row("floor / one process", _ratio(floors, [cost.services_us for cost in costs[1]]), "ratio", 0.5),
    ]


def _rows_of(processes: int, turns: Sequence[Cost], one: Sequence[Cost]) -> list[Row]:
    name = f"route, {processes} process{'es' if processes > 1 else ''}"
    rows = [
        Row(name, statistics.median(cost.services_us for cost in turns), "CPU µs/record"),
        Row(f"{name}, the broker", statistics.median(cost.brokers_us for cost in turns), "CPU µs/record"),
        Row(f"{name}, by the clock", statistics.median(cost.per_second for cost in turns), "records/s"),
    ]
    if processes > 1:
        against = _ratio([cost.services_us for cost in turns], [cost.services_us for cost in one])
        rows.append(Row(f"{name} against one (promised: 0.9 to 1.1)", against, "ratio"))
    return rows


def _ratio(values: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(value / other for value, other in zip(values, others, strict=True))


def main() -> None:
    """Measure, print and write `bench/results/kafka-scaling.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    report("kafka-scaling", measure(parser.parse_args().quick))


if __name__ == "__main__":
    main()
