"""A Kafka for one benchmark: fresh, with the pipeline's topics, in a temporary folder."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
from confluent_kafka import Consumer, KafkaException, TopicPartition

from services.common.log.topics import TOPICS
from tests.support.kafka import KafkaCluster, create_topics, delete_topics

PARTITIONS: Final = 12
_POLL_SECONDS: Final = 0.02
_ANSWER_SECONDS: Final = 10.0


@contextmanager
def running_kafka(brokers: int) -> Iterator[KafkaCluster]:
    """One broker, or three with every topic on all of them."""
    with tempfile.TemporaryDirectory() as folder, KafkaCluster(Path(folder) / "kafka", brokers) as kafka:
        _create(kafka)
        yield kafka


def empty_topics(kafka: KafkaCluster) -> None:
    """Make the topics anew: without records, and without any group's offsets."""
    delete_topics(kafka.bootstrap, [spec.name for spec in TOPICS])
    _create(kafka)


def _create(kafka: KafkaCluster) -> None:
    create_topics(kafka.bootstrap, partitions=PARTITIONS, replication=3 if len(kafka.nodes) >= 3 else 1)


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time that these processes have used so far, user and system."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


def broker_cpu_seconds(kafka: KafkaCluster) -> float:
    """Processor time that the brokers have used so far."""
    return cpu_seconds([kafka.pid(node) for node in kafka.nodes])


class GroupOffsets:
    """How far a group has come in a topic, asked with a client that is not aiokafka."""

    def __init__(self, kafka: KafkaCluster, group: str, topic: str) -> None:
        self._places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        self._consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group, "log_level": 0})

    def committed(self) -> list[int]:
        """The group's offset by partition, 0 where it has none. Raises `KafkaException`."""
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            try:
                return [max(0, place.offset) for place in self._consumer.committed(self._places, _ANSWER_SECONDS)]
            except KafkaException:  # the group's coordinator is only being found
                if time.monotonic() > deadline:
                    raise
            time.sleep(_POLL_SECONDS)

    def wait_for(self, total: int, seconds: float) -> None:
        """Wait until the offsets of all partitions add up to `total`. Raises `TimeoutError`."""
        deadline = time.monotonic() + seconds
        while (done := sum(self.committed())) < total:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{done} of {total} records within {seconds:g} s: see what the stage says")
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()
