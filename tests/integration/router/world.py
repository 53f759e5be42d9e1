"""The router's app over a real embedded log, with two tenants."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx

from mention_triage.v1.routing_pb2 import RoutedMention
from services.common.contracts.records import event_record
from services.common.http.keys import Authenticator, KeyFile
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.embedded.retention import Retention
from services.common.log.partitioner import partition_for
from services.common.log.port import NewRecord
from services.common.log.topics import ROUTED, TOPICS
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from services.router.app import create_router_app
from services.router.policy import DEFAULT_POLICY
from services.router.policy.decide import decide
from services.router.policy.load import load_policy
from services.router.settings import RouterSettings
from tests.unit.router.builders import RECEIVED_MS, make_classification, make_mention

PARTITIONS = 3
POLICY = load_policy(DEFAULT_POLICY)
TYPES = ("complaint", "technical", "feedback", "recommendation")


def routed_records(
    topic: str, partitions: int, tenant: str, numbers: Iterable[int], start_ms: int = RECEIVED_MS, **mention: Any
) -> list[NewRecord]:
    """Routed mentions of 5 customers, each with its number as native id, so many seconds after the start."""
    records = []
    for n in numbers:
        written = make_mention(
            tenant=tenant,
            native_id=str(n),
            author_id=f"c{n % 5}",
            received_ms=start_ms + n * 1000,
            **{"brand": ("RedNorteMX", "Plinchi")[n % 2], **mention},
        )
        classification = make_classification(TYPES[n % 4], "neutral")
        routing = decide(POLICY, written, classification)
        routed = RoutedMention(mention=written, classification=classification, routing=routing)
        records.append(
            event_record(
                topic,
                partition_for(written.customer_key.encode(), partitions),
                written.customer_key,
                routed,
                event_id=written.mention_id,
                source="router",
                timestamp_ms=start_ms + n * 1000,
            )
        )
    return records


class World:
    """Starts and stops the app; `clock` (seconds) is the retention's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys = KeyFile(folder / "keys.json")
        self.keys = {tenant: self._keys.add(tenant) for tenant in ("acme", "globex")}
        self.now = RECEIVED_MS / 1000
        self.written = 0

    async def start(self, **settings: Any) -> None:
        """Open the log and the app."""
        retention = Retention(TOPICS, clock=lambda: self.now, round_seconds=0.02)
        self.log = EmbeddedLog(self._folder / "log.db", PARTITIONS, retention=retention)
        self.metrics = Metrics("router")
        app = create_router_app(RouterSettings(**settings), self.log, Authenticator(self._keys), self.metrics, Health())
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://router")

    async def wipe(self) -> None:
        """Stop, remove the log and start with an empty one."""
        await self.stop()
        for path in self._folder.glob("log.db*"):
            path.unlink()
        await self.start()

    async def stop(self) -> None:
        """Close both."""
        await self.client.aclose()
        await self.log.close()

    async def route(self, tenant: str, count: int, **mention: Any) -> list[str]:
        """Write routed mentions of 5 customers, a second apart, and give their native ids."""
        numbers = range(self.written, self.written + count)
        self.written += count
        await self.log.append(routed_records(ROUTED, PARTITIONS, tenant, numbers, **mention))
        return [str(n) for n in numbers]

    async def get(self, tenant: str = "acme", /, **parameters: Any) -> httpx.Response:
        """One request."""
        headers = {"Authorization": f"Bearer {self.keys[tenant]}"}
        return await self.client.get("/v1/routed", params=parameters, headers=headers)

    async def page(self, tenant: str = "acme", /, **parameters: Any) -> tuple[list[dict[str, Any]], str]:
        """Items and next cursor of one page."""
        response = await self.get(tenant, **parameters)
        assert response.status_code == 200, response.text
        return response.json()["items"], response.json()["next_cursor"]

    async def pages(self, tenant: str = "acme", /, **parameters: Any) -> tuple[list[Sequence[dict[str, Any]]], str]:
        """All pages from `cursor` until caught up, and the last cursor."""
        found: list[Sequence[dict[str, Any]]] = []
        while True:
            items, cursor = await self.page(tenant, **parameters)
            if cursor == parameters.get("cursor"):
                assert not items
                return found, cursor
            found.append(items)
            parameters["cursor"] = cursor
