"""An ingest app over a log in a folder, with one key, a clock that stands still, and a client."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi import FastAPI

from mention_triage.v1.correction_pb2 import Correction
from mention_triage.v1.mention_pb2 import Mention
from mention_triage.v1.outcome_pb2 import Outcome
from services.common.http.keys import Authenticator, KeyFile
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.embedded.retention import Retention
from services.common.log.port import Log, LogError, NewRecord, Record
from services.common.log.topics import CORRECTIONS, MENTIONS, OUTCOMES, TOPICS
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from services.ingest.app import create_ingest_app
from services.ingest.settings import IngestSettings

NOW: Final = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
TENANT: Final = "acme"
PARTITIONS: Final = 4


class RefusingLog:
    """A log that cannot be written."""

    def __init__(self, error: LogError) -> None:
        self._error = error

    def partitions(self, _: str) -> int:
        """See `Log.partitions`."""
        return PARTITIONS

    async def append(self, _: Sequence[NewRecord]) -> None:
        """Raise the error."""
        raise self._error


class GatedLog:
    """A log whose appends wait until `gate` is set; `reached` says that one waits."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.reached: Final = threading.Event()
        self.gate: Final = threading.Event()

    def partitions(self, topic: str) -> int:
        """See `Log.partitions`."""
        return self._log.partitions(topic)

    async def append(self, records: Sequence[NewRecord]) -> None:
        """See `Log.append`."""
        self.reached.set()
        await asyncio.to_thread(self.gate.wait)
        await self._log.append(records)


@dataclass(frozen=True, slots=True)
class World:
    """What a test talks to."""

    app: FastAPI
    log: Log
    key: str
    metrics: Metrics
    client: httpx.AsyncClient

    async def records(self, topic: str) -> list[Record]:
        """Everything that the log holds of a topic, partition by partition."""
        found: list[Record] = []
        for partition, bounds in enumerate(await self.log.bounds(topic)):
            found += await self.log.read(topic, partition, bounds.start, 100_000, 1 << 30)
        return found

    async def mentions(self) -> list[Mention]:
        """The mentions in the log."""
        return [Mention.FromString(record.value or b"") for record in await self.records(MENTIONS)]

    async def outcomes(self) -> list[Outcome]:
        """The outcomes in the log."""
        return [Outcome.FromString(record.value or b"") for record in await self.records(OUTCOMES)]

    async def corrections(self) -> list[Correction]:
        """The corrections in the log."""
        return [Correction.FromString(record.value or b"") for record in await self.records(CORRECTIONS)]

    def metric(self, name: str, **labels: str) -> float:
        """Value of a metric; 0 if it has not been counted yet."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def world(folder: Path, wrap: Callable[[Log], Any] = lambda log: log, **settings: Any) -> AsyncIterator[World]:
    """A world with these settings. `wrap` puts something between the app and the log that is written."""
    keys = KeyFile(folder / "keys.json")
    key = keys.add(TENANT)
    retention = Retention(TOPICS, clock=NOW.timestamp)
    log = EmbeddedLog(folder / "log.db", PARTITIONS, retention=retention)
    metrics = Metrics("ingest")
    app = create_ingest_app(
        IngestSettings(data_dir=folder, **settings), wrap(log), Authenticator(keys), metrics, Health(), NOW.timestamp
    )
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {key}"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://ingest", headers=headers) as client:
            yield World(app, log, key, metrics, client)
    finally:
        await log.close()
