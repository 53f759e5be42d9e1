"""Runs hops in processes of their own and reads what they measured, the broker's processor time beside it."""

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final

import orjson

from bench.kafka.cluster import broker_cpu_seconds
from bench.kafka.hop import Arguments, Kind
from bench.kafka.meter import BEGIN
from bench.kafka.work import Work
from tests.support.kafka import KafkaCluster

_SECONDS: Final = 60.0
_NUMBERS: Final = itertools.count()


@dataclass(frozen=True, slots=True)
class Measured:
    """A stretch of a run."""

    records: int
    seconds: float
    cpu_seconds: float  # of the process
    broker_cpu_seconds: float

    @property
    def per_core(self) -> float:
        """Records per second of processor time."""
        return self.records / self.cpu_seconds

    @property
    def per_second(self) -> float:
        """Records per second by the clock."""
        return self.records / self.seconds

    @property
    def us(self) -> float:
        """Microseconds of processor time per record, the broker's included."""
        return 1e6 / self.per_core + self.broker_us

    @property
    def broker_us(self) -> float:
        """Microseconds of the broker's processor time per record."""
        return 1e6 * self.broker_cpu_seconds / self.records


def run_hop(kafka: KafkaCluster, kind: Kind, work: Work, count: int) -> Measured:
    """One run over the first `count` records of `classified.v1`, or more: a group of its own, from the beginning."""
    arguments = Arguments(kind, work, kafka.bootstrap, f"hop-{next(_NUMBERS)}", count)
    with _process(arguments) as output:
        begun = _line(output, arguments)
        if begun != BEGIN:
            raise RuntimeError(f"{kind}, {work}: unexpected output {begun!r}")
        brokers = broker_cpu_seconds(kafka)
        measured = orjson.loads(_line(output, arguments))
        return Measured(**measured, broker_cpu_seconds=broker_cpu_seconds(kafka) - brokers)


@contextmanager
def _process(arguments: Arguments) -> Iterator[IO[bytes]]:
    process = subprocess.Popen(arguments.command(), stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout
        process.wait(_SECONDS)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _line(output: IO[bytes], arguments: Arguments) -> bytes:
    line = output.readline().strip()
    if not line:
        raise RuntimeError(f"{arguments.kind}, {arguments.work}: ended without having measured anything")
    return line
