"""Notes when outputs of classify come, partition by partition, as a read_committed reader sees them."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from bench.kafka.cluster import PARTITIONS
from services.common.log.topics import CLASSIFIED
from tests.support.kafka import KafkaCluster

_RESOLUTION_SECONDS: Final = 0.05
_SECONDS: Final = 30.0


class OutputTimes:
    """Reads `classified.v1` in a thread of its own and remembers, in steps of 50 ms, when something came."""

    def __init__(self, bootstrap: str) -> None:
        self._steps: dict[int, list[int]] = defaultdict(list)  # by partition
        self.records = 0
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "bench-outputs",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "log_level": 0,
            }
        )
        places = [TopicPartition(CLASSIFIED, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)]
        self._consumer.assign(places)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="outputs")
        self._thread.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(1_000, _RESOLUTION_SECONDS):
                if message.error():
                    continue
                partition, step = message.partition() or 0, int(time.monotonic() / _RESOLUTION_SECONDS)
                steps = self._steps[partition]
                if not steps or steps[-1] != step:
                    steps.append(step)
                self.records += 1

    def wait_for(self, count: int) -> None:
        """Wait until so many records were read. Raises `TimeoutError`."""
        deadline = time.monotonic() + _SECONDS
        while self.records < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.records} of {count} outputs within {_SECONDS:g} s")
            time.sleep(_RESOLUTION_SECONDS)

    def longest_gap(self, begin: float, end: float, partition: int | None = None) -> float:
        """Longest time without an output between two moments (monotonic seconds): of one partition, or of all."""
        first, last = int(begin / _RESOLUTION_SECONDS), int(end / _RESOLUTION_SECONDS)
        lists = self._steps.values() if partition is None else [self._steps[partition]]
        steps = sorted({step for each in list(lists) for step in list(each) if first <= step <= last} | {first, last})
        return max(b - a for a, b in pairwise(steps)) * _RESOLUTION_SECONDS

    def longest_partition_gap(self, begin: float, end: float) -> float:
        """The same of the partition that stood longest."""
        return max(self.longest_gap(begin, end, partition) for partition in range(PARTITIONS))

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()


@contextmanager
def output_times(kafka: KafkaCluster) -> Iterator[OutputTimes]:
    """A reader, closed at the end."""
    reader = OutputTimes(kafka.bootstrap)
    try:
        yield reader
    finally:
        reader.close()
