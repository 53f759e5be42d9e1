"""A stage without the model: records per second of one core, beside bare aiokafka and FastStream in the same run.

`pass` hands each record on as it is: what remains is the machinery. `route` is the router's stage. Each runs in a
process of its own, all in turns over the same records, so that a drift of the machine meets all. Processor time is that
of the process alone, without the start; the broker's is a figure of its own.
"""

import argparse
import statistics
import time
from collections import defaultdict
from typing import Final, get_args

from bench.kafka.cluster import PARTITIONS, running_kafka
from bench.kafka.hop import Kind
from bench.kafka.hops import Measured, run_hop
from bench.kafka.load import classified_records, produce
from bench.kafka.work import Work
from bench.report import Row, report
from tests.support.kafka import KafkaCluster

_HALF: Final = 0.5
_COUNTS: Final[dict[Work, int]] = {"pass": 60_000, "route": 30_000}
_SINGLE: Final = 1_500  # it takes a thousand times as long
_GUARANTEES: Final[tuple[tuple[Kind, Kind], ...]] = (
    ("stage, exactly once", "bare transactional"),
    ("stage, at least once", "bare at least once"),
)
_PEERS: Final[tuple[Kind, ...]] = ("FastStream batch", "FastStream single")
_PLAIN: Final[Kind] = "stage, at least once"
_COST: Final[tuple[Kind, Kind]] = ("stage, exactly once", _PLAIN)

Turns = dict[Kind, list[Measured]]


def compare(kafka: KafkaCluster, work: Work, rounds: int, count: int) -> Turns:
    """Every implementation of the hop, in turns."""
    turns: Turns = defaultdict(list)
    for _ in range(rounds):
        for kind in get_args(Kind):
            turns[kind].append(run_hop(kafka, kind, work, _SINGLE if kind == "FastStream single" else count))
    return turns


def per_core(turns: Turns, kind: Kind) -> float:
    """Records per second of processor time, the median of the turns."""
    return statistics.median(each.per_core for each in turns[kind])


def ratio(turns: Turns, kind: Kind, other: Kind) -> float:
    """Records per core of one to those of another, turn by turn."""
    pairs = zip(turns[kind], turns[other], strict=True)
    return statistics.median(each.per_core / floor.per_core for each, floor in pairs)


def rows_of(work: Work, turns: Turns) -> list[Row]:
    """The figures of one kind of work."""
    rows = [Row(f"{work}: {kind}", per_core(turns, kind), "records/s per core") for kind in turns]
    rows += [
        Row(f"{work}: {kind}, by the clock", statistics.median(each.per_second for each in turns[kind]), "records/s")
        for kind in turns
    ]
    rows += [
        Row(f"{work}: {kind}, the broker", statistics.median(each.broker_us for each in turns[kind]), "CPU µs/record")
        for kind in turns
    ]
    rows += [Row(f"{work}: {kind} / {floor}", ratio(turns, kind, floor), "ratio", _HALF) for kind, floor in _GUARANTEES]
    rows += [Row(f"{work}: {_PLAIN} / {peer}", ratio(turns, _PLAIN, peer), "ratio") for peer in _PEERS]
    exactly_once, at_least_once = (turns[kind] for kind in _COST)
    with_broker = statistics.median(a.us / b.us for a, b in zip(exactly_once, at_least_once, strict=True))
    return [
        *rows,
        Row(f"{work}: cost of exactly once against at least once", 1 / ratio(turns, *_COST), "ratio"),
        Row(f"{work}: the same, the broker's processor time included", with_broker, "ratio"),
    ]


def measure(quick: bool) -> list[Row]:
    """All figures, on one broker."""
    rounds = 1 if quick else 3
    now_ms = int(time.time() * 1000)
    rows = [Row("brokers", 1, "brokers"), Row("partitions", PARTITIONS, "partitions")]
    with running_kafka(1) as kafka:
        produce(kafka.bootstrap, classified_records(max(_COUNTS.values()), lambda n: now_ms + n))
        for work, count in _COUNTS.items():
            rows += rows_of(work, compare(kafka, work, rounds, count))
    return rows


def main() -> None:
    """Measure, print and write `bench/results/kafka-stage.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    report("kafka-stage", measure(parser.parse_args().quick))


if __name__ == "__main__":
    main()
