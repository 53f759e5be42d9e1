"""The contract of the log port is tried on every adapter. To add one: a way to open it in `ADAPTERS`, nothing else."""

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


def open_embedded(folder: Path) -> Log:
    """An embedded log in a file of this folder."""
    return EmbeddedLog(folder / "log.db", PARTITIONS, TOPICS)


ADAPTERS: dict[str, Callable[[Path], Log]] = {"embedded": open_embedded}


@pytest.fixture(params=ADAPTERS)
async def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenLog]:
    """Opens the log under test, with `TOPICS`; the second call closes the first one and opens the same log again."""
    opened: list[Log] = []

    async def open_() -> Log:
        for log in opened:
            await log.close()
        opened[:] = [ADAPTERS[request.param](tmp_path)]
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
