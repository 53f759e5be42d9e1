"""`GET /v1/routed` from Kafka: transactions between the mentions, expiry, and topics of more than one generation."""

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from orjson import loads

from services.common.http.problems import Problem
from services.common.log.kafka.acls import acls_of
from services.common.log.kafka.log import KafkaLog
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import Scanned
from services.common.log.topics import DAY_MS, TopicSpec, topic_name
from services.router import pages as router_pages
from services.router.cursor import decode_cursor, encode_cursor
from services.router.pages import Filters, read_page
from tests.integration.kafka.commands import own_generation
from tests.integration.router.world import routed_records
from tests.support.kafka import create_topics, delete_topics
from tests.support.kafka.topics import admin_client

START_MS = int(time.time() * 1000) - 12 * 3_600_000
MOST_PAGES = 200


@dataclass
class Routed:
    """The `routed` topic of one generation, on the broker that the tests share."""

    bootstrap: str
    generation: int
    partitions: int
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = topic_name("routed", self.generation)
        create_topics(self.bootstrap, [TopicSpec(self.name, 7 * DAY_MS, "delete", "")], partitions=self.partitions)

    def write(self, tenant: str, numbers: Iterable[int], *, aborted: bool = False) -> list[str]:
        """Write mentions in one transaction, and give their ids."""
        ids = [str(n) for n in numbers]
        options = {"bootstrap.servers": self.bootstrap, "transactional.id": uuid.uuid4().hex, "linger.ms": 5}
        producer = Producer(options)
        producer.init_transactions()
        producer.begin_transaction()
        for record in routed_records(self.name, self.partitions, tenant, map(int, ids), START_MS):
            producer.produce(
                self.name, record.value, record.key, record.partition, timestamp=record.timestamp_ms, headers=[]
            )
        producer.flush()
        if aborted:
            producer.abort_transaction()
        else:
            producer.commit_transaction()
        Producer(options).init_transactions()  # waits for the transaction's end in every partition, as a fence does
        return ids

    def delete_before(self, offsets: Sequence[int]) -> None:
        """Let go of the oldest records of each partition, as retention does."""
        admin = admin_client(self.bootstrap)
        places = [TopicPartition(self.name, n, offset) for n, offset in enumerate(offsets)]
        for deleted in admin.delete_records(places, request_timeout=10).values():
            deleted.result(10)


@pytest.fixture
def old(kafka: str) -> Routed:
    return Routed(kafka, own_generation(), 3)


@pytest.fixture
def new(kafka: str, old: Routed) -> Routed:
    return Routed(kafka, old.generation + 1, 5)


OpenPages = Callable[..., Awaitable["Pages"]]


@dataclass
class Pages:
    """Asks one router's log, as a tenant does over HTTP."""

    log: KafkaLog
    newest: int

    async def page(
        self, cursor: str | None, tenant: str = "acme", limit: int = 7, max_scan: int = 5_000
    ) -> tuple[list[str], str]:
        """Ids of one page, and the next cursor."""
        page = await read_page(self.log, tenant, limit, cursor, Filters(), max_scan, self.newest)
        assert len(page.items) <= limit
        return [loads(item)["mention"]["id"] for item in page.items], page.next_cursor

    async def rest(
        self, cursor: str | None = None, tenant: str = "acme", max_scan: int = 5_000
    ) -> tuple[list[list[str]], str]:
        """All pages until the cursor stays, and it."""
        pages: list[list[str]] = []
        for _ in range(MOST_PAGES):
            ids, after = await self.page(cursor, tenant, max_scan=max_scan)
            if after == cursor:
                assert not ids
                return pages, after
            pages.append(ids)
            cursor = after
        raise AssertionError("the cursor never stays")

    async def refused(self, cursor: str) -> Problem:
        """Why there is no page."""
        with pytest.raises(Problem) as caught:
            await self.page(cursor)
        return caught.value


@pytest.fixture
async def open_pages() -> AsyncIterator[OpenPages]:
    """Opens the log as a router of the newest of these generations does."""
    opened: list[KafkaLog] = []

    async def open_(*generations: Routed) -> Pages:
        *earlier, newest = generations
        url = f"kafka://{newest.bootstrap}"
        log = await open_kafka_log(url, KafkaSettings(), [newest.name], [topic.name for topic in earlier])
        opened.append(log)
        return Pages(log, newest.generation)

    yield open_
    for log in opened:
        await log.close()


def flat(pages: Sequence[Sequence[str]]) -> list[str]:
    return [each for page in pages for each in page]


async def test_each_committed_mention_once_in_order_of_time(old: Routed, open_pages: OpenPages) -> None:
    mine: list[str] = []
    for first in range(0, 160, 40):
        mine += old.write("acme", range(first, first + 17))
        old.write("acme", range(first + 17, first + 30), aborted=True)
        old.write("globex", range(first + 30, first + 40))
    old.write("acme", range(160, 170), aborted=True)
    pages = await open_pages(old)
    found, caught_up = await pages.rest()
    assert flat(found) == mine
    assert (await pages.page(caught_up)) == ([], caught_up)
    newer = old.write("acme", range(170, 175))
    assert flat((await pages.rest(caught_up))[0]) == newer
    assert len(flat((await pages.rest(tenant="globex"))[0])) == 40


async def test_a_cursor_survives_a_restart_of_the_reader(old: Routed, open_pages: OpenPages) -> None:
    mine = old.write("acme", range(30))
    pages = await open_pages(old)
    ids, cursor = await pages.page(None)
    await pages.log.close()
    assert ids + flat((await (await open_pages(old)).rest(cursor))[0]) == mine


async def test_a_tenant_with_few_mentions_gets_them_by_bounded_requests(old: Routed, open_pages: OpenPages) -> None:
    mine = old.write("acme", [0])
    old.write("globex", range(1, 301))
    mine += old.write("acme", [301])
    pages = await open_pages(old)
    found, _ = await pages.rest(max_scan=50)
    assert flat(found) == mine
    assert len(found) == 7  # 302 records, 50 at a time


async def test_a_cursor_below_what_is_kept_says_where_to_go_on(old: Routed, open_pages: OpenPages) -> None:
    mine = old.write("acme", range(60))
    pages = await open_pages(old)
    _, cursor = await pages.page(None)
    ends = [partition.end for partition in await pages.log.bounds(old.name)]
    old.delete_before([end // 2 for end in ends])
    problem = await pages.refused(cursor)
    assert (problem.status, problem.code) == (410, "cursor_expired")
    left = flat((await pages.rest(problem.extensions["oldest_cursor"]))[0])
    assert left == flat((await pages.rest())[0])
    assert len(left) == len(mine) - sum(end // 2 for end in ends)
    assert left == [each for each in mine if each in left]


async def test_a_cursor_of_another_cluster_or_topic_is_refused(old: Routed, open_pages: OpenPages) -> None:
    old.write("acme", range(10))
    pages = await open_pages(old)
    generation, identity = old.generation, pages.log.identity
    for cursor in (
        encode_cursor(generation, "another-cluster-id0", [0, 0, 0]),
        encode_cursor(generation, identity, [0, 0]),
        encode_cursor(generation, identity, [0, 0, 1_000]),
    ):
        problem = await pages.refused(cursor)
        assert (problem.status, problem.code) == (400, "invalid_cursor")


async def test_pages_go_on_in_the_next_generation_and_skip_nothing(
    old: Routed, new: Routed, open_pages: OpenPages
) -> None:
    before = old.write("acme", range(30))
    pages, old_pages = await open_pages(old, new), await open_pages(old)
    found, at_end = await pages.rest()
    assert flat(found) == before
    assert decode_cursor(at_end, pages.log.identity)[0] == old.generation

    # An old router still writes: nothing in the new topic says that it is through.
    late = old.write("acme", range(30, 35))
    found, at_end = await pages.rest(at_end)
    assert flat(found) == late
    old.write("acme", range(35, 40), aborted=True)

    after = new.write("acme", range(40, 70))
    found, caught_up = await pages.rest(at_end)
    assert flat(found) == after
    generation, offsets = decode_cursor(caught_up, pages.log.identity)
    assert (generation, len(offsets)) == (new.generation, new.partitions)
    assert flat((await pages.rest())[0]) == before + late + after
    newest = new.write("acme", [70])
    assert flat((await pages.rest(caught_up))[0]) == newest

    assert flat((await old_pages.rest())[0]) == before + late
    problem = await old_pages.refused(caught_up)
    assert (problem.status, problem.code) == (400, "cursor_too_new")


async def test_a_generation_that_stayed_empty_is_passed(old: Routed, new: Routed, open_pages: OpenPages) -> None:
    third = Routed(old.bootstrap, new.generation + 1, 2)
    mine = old.write("acme", range(10))
    pages = await open_pages(old, new, third)
    _, at_end = await pages.rest()
    mine += third.write("acme", range(10, 20))
    assert flat((await pages.rest())[0]) == mine
    assert flat((await pages.rest(at_end))[0]) == mine[10:]


async def test_a_cursor_of_a_generation_that_is_gone_says_where_to_go_on(
    old: Routed, new: Routed, open_pages: OpenPages
) -> None:
    old.write("acme", range(10))
    _, cursor = await (await open_pages(old, new)).page(None)
    mine = new.write("acme", range(10, 20))
    delete_topics(old.bootstrap, [old.name])
    pages = await open_pages(old, new)
    problem = await pages.refused(cursor)
    assert (problem.status, problem.code) == (410, "cursor_expired")
    assert flat((await pages.rest(problem.extensions["oldest_cursor"]))[0]) == mine
    assert flat((await pages.rest())[0]) == mine


async def test_a_generation_that_is_deleted_meanwhile_is_passed(
    old: Routed, new: Routed, open_pages: OpenPages
) -> None:
    old.write("acme", range(10))
    pages = await open_pages(old, new)
    _, cursor = await pages.page(None)
    mine = new.write("acme", range(10, 20))
    delete_topics(old.bootstrap, [old.name])
    assert flat((await pages.rest())[0]) == mine
    assert (await pages.refused(cursor)).code == "cursor_expired"


async def test_aborted_records_are_passed_by_bounded_requests(
    old: Routed, open_pages: OpenPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = await open_pages(old)
    for first in range(0, 2_000, 500):
        old.write("acme", range(first, first + 500), aborted=True)
    mine = old.write("acme", range(2_000, 2_010))
    scan, scans = pages.log.scan, 0

    async def counted(*place: Any) -> Scanned:
        nonlocal scans
        scans += 1
        return await scan(*place)

    monkeypatch.setattr(pages.log, "scan", counted)
    monkeypatch.setattr(router_pages, "_STEPS_IN_VAIN", 5)
    monkeypatch.setattr(router_pages, "_READ_AHEAD_BYTES", 3 * 4_096)
    found: list[str] = []
    cursor: str | None = None
    requests = 0
    while len(found) < len(mine):
        scans = 0
        ids, after = await pages.page(cursor, limit=500)
        assert after != cursor
        assert scans <= 5 + old.partitions + len(ids)
        found, cursor, requests = found + ids, after, requests + 1
    assert found == mine
    assert requests > 3
    _, caught_up = await pages.rest(cursor)
    scans = 0
    assert await pages.page(caught_up) == ([], caught_up)
    assert scans == 0  # the cursor is behind the last marker


def test_the_router_may_read_the_topics_of_earlier_generations() -> None:
    reads = {right.name for right in acls_of("router", 12) if right.resource == "topic" and right.operation == "Read"}
    assert {name for name in reads if name.startswith("routed.")} == {f"routed.v{each}" for each in range(4, 13)}
