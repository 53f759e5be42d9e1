"""The contract of the log port is tried on every adapter. To add one: an `Adapter` here, and nothing else."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from services.common.log.embedded.log import EmbeddedLog
from services.common.log.port import Log, NewRecord, Record
from services.common.log.topics import DAY_MS, TopicSpec

PARTITIONS = 3
NOW_MS = int(time.time() * 1000)  # retention goes by the records' own time
TOPICS = (
    TopicSpec("in.v1", 7 * DAY_MS, "delete", "input"),
    TopicSpec("out.v1", 7 * DAY_MS, "delete", "output"),
    TopicSpec("state.v1", 7 * DAY_MS, "delete", "state"),
)

OpenLog = Callable[[], Awaitable[Log]]


@pytest.fixture(params=["embedded"])
async def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenLog]:
    """Opens the log under test, with `TOPICS`; the second call closes the first one and opens the same log again."""
    opened: list[Log] = []

    async def open_() -> Log:
        for log in opened:
            await log.close()
        opened[:] = [EmbeddedLog(tmp_path / "log.db", PARTITIONS, TOPICS)]
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
