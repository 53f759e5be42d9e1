"""What one page may take: memory, and turns of the event loop."""

import asyncio
from collections.abc import Sequence

import pytest

from services.common.log.port import Bounds, Scanned
from services.common.log.topics import ROUTED
from services.router import pages
from services.router.pages import Filters, read_page
from tests.integration.router.world import World

KIB = 1 << 10


async def test_a_page_ends_at_a_mebibyte(router: World) -> None:
    mine = await router.route("acme", 30, text="a" * 100 * KIB)
    found, _ = await router.pages()
    assert [len(page) for page in found] == [11, 11, 8]
    assert [item["mention"]["id"] for page in found for item in page] == mine


async def test_a_page_reads_little_more_than_it_holds(router: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await router.route("acme", 90, text="a" * 100 * KIB)
    scan, size = router.log.scan, 0

    async def measured(topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> Scanned:
        nonlocal size
        found = await scan(topic, partition, offset, max_records, max_bytes)
        size += sum(len(record.value or b"") for record in found.records)
        return found

    monkeypatch.setattr(router.log, "scan", measured)
    await router.page(limit=500)
    assert size <= 4 << 20  # what the page holds, and what is read ahead


@pytest.mark.parametrize("tenant", ["acme", "globex"])  # making items; only passing another tenant's records
async def test_others_get_their_turns_while_a_page_is_made(
    router: World, monkeypatch: pytest.MonkeyPatch, tenant: str
) -> None:
    await router.route("acme", 100)
    all_bounds = await router.log.bounds(ROUTED)
    records = [await router.log.read(ROUTED, n, 0, 100, 1 << 20) for n in range(len(all_bounds))]

    async def bounds(topic: str) -> Sequence[Bounds]:
        return all_bounds

    async def scan(topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> Scanned:
        found = records[partition][offset : offset + max_records]
        return Scanned(found, offset + len(found))

    monkeypatch.setattr(router.log, "bounds", bounds)  # from memory: only the page itself gives turns to others
    monkeypatch.setattr(router.log, "scan", scan)
    monkeypatch.setattr(pages, "_TURN_SECONDS", 0.0)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(others())
    page = await read_page(router.log, tenant, 500, None, Filters(), 5_000)
    running.cancel()
    assert len(page.items) == (100 if tenant == "acme" else 0)
    assert turns >= 100
