import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from services.common.log.port import Bounds, LogUnavailable
from services.common.log.topics import DAY_MS, ROUTED
from services.router.cursor import encode_cursor
from services.router.schemas import RoutedPage
from tests.integration.router.world import PARTITIONS, World


def ids(pages: list[Any]) -> list[str]:
    return [item["mention"]["id"] for page in pages for item in page]


async def test_paging_gives_each_mention_of_the_tenant_once_in_order_of_time(router: World) -> None:
    mine = []
    for _ in range(6):
        mine += await router.route("acme", 17)
        await router.route("globex", 40)
    pages, _ = await router.pages(limit=7)
    assert ids(pages) == mine  # written in order of time, so the merge restores it
    assert all(len(page) <= 7 for page in pages)
    assert {item["customer_key"].split("/")[0] for page in pages for item in page} == {"acme"}


async def test_the_order_within_a_customer_stays_where_record_times_go_back(router: World) -> None:
    late = await router.route("acme", 10)
    router.written = -20  # older times than what is in the log already
    early = await router.route("acme", 10)
    pages, _ = await router.pages(limit=3)
    found = ids(pages)
    assert sorted(found) == sorted(late + early)
    for customer in range(5):
        of_customer = [n for n in late + early if int(n) % 5 == customer]
        assert [n for n in found if int(n) % 5 == customer] == of_customer


async def test_an_item_is_what_the_contract_says(router: World) -> None:
    await router.route("acme", 1, followers=10, tags=["press"], kind="direct_message", tier="vip")
    response = await router.get()
    page = RoutedPage.model_validate_json(response.content)
    (item,) = page.items
    assert (item.mention.platform, item.mention.kind, item.customer_key) == ("x", "direct_message", "acme/x/c0")
    assert item.routing.first_response_due.timestamp() - item.mention.received_at.timestamp() == 15 * 60
    assert item.routing.length_limit == 10_000
    assert list(response.json()["items"][0]) == ["mention", "classification", "routing", "customer_key"]


async def test_filters(router: World) -> None:
    await router.route("acme", 40)
    everything = [item for page in (await router.pages())[0] for item in page]

    async def check(expected: Any, **filters: Any) -> None:
        pages, _ = await router.pages(limit=3, **filters)
        wanted = [item["mention"]["id"] for item in everything if expected(item)]
        assert wanted
        assert ids(pages) == wanted

    await check(lambda item: item["mention"]["brand"] == "Plinchi", brand="Plinchi")
    await check(lambda item: item["routing"]["queue"] in {"ideas", "support-es"}, queue=["ideas", "support-es"])
    await check(lambda item: item["routing"]["priority"] == "P4", priority="P4")
    await check(
        lambda item: item["routing"]["priority"] in {"P3", "P4"} and item["mention"]["brand"] == "RedNorteMX",
        priority=["P3", "P4"],
        brand="RedNorteMX",
    )
    assert ids((await router.pages(queue="nowhere"))[0]) == []


async def test_the_work_of_a_request_is_bounded_and_the_cursor_moves_on(router: World) -> None:
    first = await router.route("acme", 1)
    await router.route("globex", 300)
    last = await router.route("acme", 1)
    await router.stop()
    await router.start(max_scan=50)
    pages, _ = await router.pages()
    assert ids(pages) == first + last
    assert len(pages) == 7  # 302 records, 50 at a time
    assert pages[1] == []


async def test_the_cursor_stays_only_when_caught_up(router: World) -> None:
    items, start = await router.page()
    assert (items, (await router.page(cursor=start))[1]) == ([], start)
    await router.route("globex", 1)
    items, moved = await router.page(cursor=start)
    assert items == []
    assert moved != start  # another tenant's record was passed
    mine = await router.route("acme", 2)
    pages, caught_up = await router.pages(cursor=moved)
    assert ids(pages) == mine
    assert (await router.page(cursor=caught_up))[1] == caught_up
    newer = await router.route("acme", 1)
    assert ids((await router.pages(cursor=caught_up))[0]) == newer
    assert ids((await router.pages(cursor=start))[0]) == mine + newer  # an old cursor gives the same again


async def test_a_cursor_survives_a_restart(router: World) -> None:
    mine = await router.route("acme", 20)
    items, cursor = await router.page(limit=8)
    await router.stop()
    await router.start()
    pages, _ = await router.pages(cursor=cursor, limit=5)
    assert ids([items, *pages]) == mine


async def test_a_cursor_below_what_is_kept_is_gone_and_says_how_to_go_on(router: World) -> None:
    await router.route("acme", 30)
    _, cursor = await router.page(limit=2)
    router.now += 7 * DAY_MS / 1000 + 25
    async with asyncio.timeout(20):
        while sum(partition.start for partition in await router.log.bounds(ROUTED)) < 25:
            await asyncio.sleep(0.01)
    response = await router.get(cursor=cursor)
    assert response.status_code == 410
    problem = response.json()
    assert problem["code"] == "cursor_expired"
    assert "168 hours" in problem["detail"]
    assert "without a cursor" in problem["detail"]
    left = [str(n) for n in range(25, 30)]
    assert ids((await router.pages(cursor=problem["oldest_cursor"]))[0]) == left
    assert ids((await router.pages())[0]) == left
    assert b'triage_router_pages_total{status="410",tenant="acme"} 1.0' in router.metrics.exposition()


async def test_empty_parameters_are_as_if_not_given(router: World) -> None:
    await router.route("acme", 3)
    assert await router.page(limit="", cursor="") == await router.page()


async def test_a_cursor_beyond_the_end_belongs_to_another_log(router: World) -> None:
    await router.route("acme", 3)
    response = await router.get(cursor=encode_cursor(1, router.log.identity, [99] * PARTITIONS))
    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


async def test_a_cursor_for_another_number_of_partitions_is_refused(router: World) -> None:
    response = await router.get(cursor=encode_cursor(1, router.log.identity, [0] * (PARTITIONS + 1)))
    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


async def test_a_cursor_of_a_later_generation_is_kept_for_a_router_of_that_generation(router: World) -> None:
    response = await router.get(cursor=encode_cursor(2, router.log.identity, [0] * PARTITIONS))
    assert (response.status_code, response.json()["code"]) == (400, "cursor_too_new")
    assert "keep the cursor" in response.json()["detail"]
    assert response.json()["field"] == "cursor"


async def test_a_cursor_of_a_log_that_was_wiped_is_refused(router: World) -> None:
    await router.route("acme", 3)
    _, cursor = await router.page()
    await router.wipe()
    await router.route("acme", 9)  # so that the old offsets lie within the new log
    response = await router.get(cursor=cursor)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("parameters", "status", "field"),
    [
        ({"limit": "0"}, 422, "limit"),
        ({"limit": "501"}, 422, "limit"),
        ({"limit": "many"}, 422, "limit"),
        ({"priority": "P5"}, 422, "priority"),
        ({"priority": ["P1", "p2"]}, 422, "priority"),
        ({"prio": "P1"}, 422, "prio"),
        ({"tenant": "globex"}, 422, "tenant"),
        ({"cursor": "garbage"}, 400, "cursor"),
        ({"cursor": encode_cursor(1, "0123456789abcdef", [0])}, 400, "cursor"),
    ],
)
async def test_bad_parameters_are_named(router: World, parameters: dict[str, Any], status: int, field: str) -> None:
    response = await router.get(**parameters)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["field"].split(".")[0] == field
    assert field in response.json()["detail"]
    assert f'triage_router_pages_total{{status="{status}",tenant="acme"}} 1.0' in router.metrics.exposition().decode()


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic abc"])
async def test_without_a_key_there_is_nothing(router: World, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = await router.client.get("/v1/routed?limit=0", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_log_that_cannot_be_read_says_to_try_again(router: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(_: str) -> None:
        raise LogUnavailable("disk")

    monkeypatch.setattr(router.log, "bounds", unavailable)
    response = await router.get()
    assert (response.status_code, response.json()["code"]) == (503, "log_unavailable")
    assert response.headers["retry-after"] == "1"


class Held:
    """Requests that have reached the log wait there until they may go on."""

    def __init__(self, router: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self._router = router
        self._arrived = asyncio.Semaphore(0)
        self.go_on = asyncio.Event()
        bounds = router.log.bounds

        async def held(topic: str) -> Sequence[Bounds]:
            self._arrived.release()
            await self.go_on.wait()
            return await bounds(topic)

        monkeypatch.setattr(router.log, "bounds", held)

    async def get(self, tenant: str) -> asyncio.Task[httpx.Response]:
        """A request that holds its place."""
        request = asyncio.create_task(self._router.get(tenant))
        await self._arrived.acquire()
        return request


async def test_one_tenant_gets_half_of_the_pages_at_once(router: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await router.stop()
    await router.start(max_pages_at_once=5)
    held = Held(router, monkeypatch)
    requests = [await held.get("acme"), await held.get("acme")]
    refused = await asyncio.wait_for(router.get("acme"), 10)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_pages")
    assert refused.headers["retry-after"] == "1"
    assert b'triage_router_pages_total{status="429",tenant="acme"} 1.0' in router.metrics.exposition()
    requests.append(await held.get("globex"))
    held.go_on.set()
    assert [(await request).status_code for request in requests] == [200, 200, 200]
    assert (await router.get("acme")).status_code == 200


async def test_the_process_makes_so_many_pages_at_once(router: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await router.stop()
    await router.start(max_pages_at_once=1)
    assert (await router.get(cursor="garbage")).status_code == 400  # a refused request lets go of its place
    held = Held(router, monkeypatch)
    request = await held.get("acme")
    assert (await asyncio.wait_for(router.get("globex"), 10)).status_code == 429
    held.go_on.set()
    assert (await request).status_code == 200
    assert (await router.get("globex")).status_code == 200


async def test_items_are_counted(router: World) -> None:
    await router.route("acme", 5)
    await router.page(limit=3)
    exposition = router.metrics.exposition().decode()
    assert 'triage_router_page_items_total{tenant="acme"} 3.0' in exposition
    assert 'triage_router_pages_total{status="200",tenant="acme"} 1.0' in exposition


async def test_openapi_describes_every_answer_with_examples(router: World) -> None:
    description = (await router.client.get("/openapi.json")).json()
    operation = description["paths"]["/v1/routed"]["get"]
    assert set(operation["responses"]) == {"200", "400", "401", "410", "422", "429", "503"}
    assert {p["name"] for p in operation["parameters"]} == {"limit", "cursor", "queue", "priority", "brand"}
    assert operation["security"]
    example = operation["responses"]["200"]["content"]["application/json"]["example"]
    RoutedPage.model_validate(example)
    for status in ("400", "401", "410", "422", "429", "503"):
        content = operation["responses"][status]["content"]
        assert list(content) == ["application/problem+json"]
        assert content["application/problem+json"]["example"]["status"] == int(status)
