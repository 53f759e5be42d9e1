"""The contract of the log port is tried on every adapter. To add one: a way to open it in `ADAPTERS`, nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from services.common.log.embedded.log import EmbeddedLog
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import Log, NewRecord, Record
from services.common.log.topics import DAY_MS, DEAD_LETTERS, TopicSpec
from tests.support.kafka import create_topics, delete_topics

PARTITIONS = 3
MANY = 1_000
BIG = 1 << 20
NOW_MS = int(time.time() * 1000)  # retention goes by the records' own time
TOPICS = (
    TopicSpec("in.v1", 7 * DAY_MS, "delete", "input"),
    TopicSpec("out.v1", 7 * DAY_MS, "delete", "output"),
    TopicSpec("state.v1", 7 * DAY_MS, "delete", "state"),
    TopicSpec(DEAD_LETTERS, 30 * DAY_MS, "delete", "dead letters"),
)

OpenLog = Callable[[], Awaitable[Log]]


Adapter = tuple[Callable[[pytest.FixtureRequest], None], Callable[[pytest.FixtureRequest], Awaitable[Log]]]


async def open_embedded(request: pytest.FixtureRequest) -> Log:
    """An embedded log in a file of the test's folder."""
    folder: Path = request.getfixturevalue("tmp_path")
    return EmbeddedLog(folder / "log.db", PARTITIONS, TOPICS)


def empty_kafka(request: pytest.FixtureRequest) -> None:
    """The topics, empty, on the broker that the tests share."""
    bootstrap: str = request.getfixturevalue("kafka")
    delete_topics(bootstrap, [spec.name for spec in TOPICS])
    create_topics(bootstrap, TOPICS, partitions=PARTITIONS)


async def open_kafka(request: pytest.FixtureRequest) -> Log:
    """A log on that broker."""
    url = f"kafka://{request.getfixturevalue('kafka')}"
    return await open_kafka_log(url, KafkaSettings(), [spec.name for spec in TOPICS])


# How to make an empty log for a test, and how to open it.
ADAPTERS: dict[str, Adapter] = {"embedded": (lambda _: None, open_embedded), "kafka": (empty_kafka, open_kafka)}


@pytest.fixture(params=ADAPTERS)
async def open_log(request: pytest.FixtureRequest) -> AsyncIterator[OpenLog]:
    """Opens the log under test, with `TOPICS`; the second call closes the first one and opens the same log again."""
    opened: list[Log] = []
    empty, open_adapter = ADAPTERS[request.param]
    empty(request)

    async def open_() -> Log:
        for log in opened:
            await log.close()
        opened[:] = [await open_adapter(request)]
        return opened[0]

    yield open_
    for log in opened:
        await log.close()


@pytest.fixture
async def log(open_log: OpenLog) -> Log:
    """An open, empty log."""
    return await open_log()


def new(value: str, *, topic: str = "in.v1", partition: int = 0, key: str | None = "k") -> NewRecord:
    """A record to append."""
    return NewRecord(
        topic,
        partition,
        key.encode() if key is not None else None,
        value.encode(),
        NOW_MS,
        (("h", b"\xff"),),
    )


def values(records: Sequence[Record]) -> list[str]:
    """The values of records, as text."""
    return [(record.value or b"").decode() for record in records]


async def read_all(log: Log, topic: str = "in.v1", partition: int = 0) -> list[Record]:
    offset = (await log.bounds(topic))[partition].start
    found: list[Record] = []
    while records := await log.read(topic, partition, offset, MANY, BIG):
        found += records
        offset = records[-1].offset + 1
    return found


async def read_soon(log: Log, topic: str, count: int) -> list[str]:
    """The values in partition 0 once there are `count`: a commit is durable at once, and seen a moment later."""
    async with asyncio.timeout(10):
        while len(found := await read_all(log, topic)) < count:
            await asyncio.sleep(0.01)
    return values(found)
