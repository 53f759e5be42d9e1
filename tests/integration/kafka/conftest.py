"""Topics of a test's own on the broker that the tests share."""

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from services.common.log.kafka.log import KafkaLog
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import Claim, Log, NewRecord, Record
from services.common.log.topics import DAY_MS, TopicSpec
from tests.support.kafka import create_topics

PARTITIONS = 4
MANY = 1_000
BIG = 1 << 20


@dataclass(frozen=True)
class Names:
    """The topics and the group of one test."""

    source: str
    output: str
    state: str
    group: str

    @property
    def topics(self) -> list[str]:
        """All of them."""
        return [self.source, self.output, self.state]


@pytest.fixture
def names() -> Names:
    """Names that no other test has."""
    unique = uuid.uuid4().hex[:8]
    return Names(f"in-{unique}.v1", f"out-{unique}.v1", f"state-{unique}.v1", f"g-{unique}")


OpenKafka = Callable[..., Awaitable[KafkaLog]]


@pytest.fixture
async def open_kafka(kafka: str, names: Names) -> AsyncIterator[OpenKafka]:
    """Opens logs on the test's topics, as many as wanted: each is like a process. Takes settings by their names."""
    create_topics(kafka, [TopicSpec(name, 7 * DAY_MS, "delete", "") for name in names.topics], partitions=PARTITIONS)
    opened: list[KafkaLog] = []

    async def open_(**settings: Any) -> KafkaLog:
        log = await open_kafka_log(f"kafka://{kafka}", KafkaSettings(**settings), names.topics)
        opened.append(log)
        return log

    yield open_
    for log in opened:
        await log.close()


def new(topic: str, value: str, partition: int = 0) -> NewRecord:
    """A record to append."""
    return NewRecord(topic, partition, b"k", value.encode(), int(time.time() * 1000))


def values(records: Sequence[Record]) -> list[str]:
    """The values of records, as text."""
    return [(record.value or b"").decode() for record in records]


async def read_all(log: Log, topic: str) -> list[str]:
    """The committed values of all partitions."""
    found: list[Record] = []
    for partition, bounds in enumerate(await log.bounds(topic)):
        offset = bounds.start
        while records := await log.read(topic, partition, offset, MANY, BIG):
            found += records
            offset = records[-1].offset + 1
    return values(found)


async def copy(claim: Claim, names: Names) -> None:
    """The work of a stage that copies its input."""
    while not claim.revoked:
        if records := await claim.fetch(100, BIG):
            outputs = [new(names.output, value, claim.partition) for value in values(records)]
            await claim.commit(outputs, records[-1].offset + 1)
