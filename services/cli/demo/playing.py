"""Posts the feed at its pace and reads back what was routed, and what was announced."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Any, Final

import httpx
import orjson

from services.cli.demo.alerts import Announced, alerts_from_now, new_alerts
from services.cli.demo.feed import Delivery, Json, on_day
from services.cli.demo.normal import viral_brands
from services.cli.errors import CliError
from services.cli.send.delivery import Delivery as Posting
from services.cli.send.delivery import GaveUp
from services.cli.tail.merging import MergedReader
from services.common.ready import Ready
from services.common.settings import CommonSettings

_READ_SECONDS: Final = 0.1
_STEP_SECONDS: Final = 0.1
_QUIET_SECONDS: Final = 30.0
_MOST_PER_POST: Final = 50
_ALERT_SECONDS: Final = 30.0  # a spike is seen in two or three rows of ten seconds


@dataclass(frozen=True, slots=True)
class Routed:
    """A routed mention as `GET /v1/routed` gave it, `seconds` after ingest had received it."""

    item: Json
    seconds: float


@dataclass(slots=True)
class Played:
    """What has happened so far."""

    clock: float  # seconds after midnight, in the feed
    deliveries: int = 0
    mention_ids: set[str] = field(default_factory=set)
    routed: list[Routed] = field(default_factory=list)
    announced: list[Announced] | None = None
    """Spikes of the brands that have a viral story; None where the log cannot be read."""

    @property
    def repeats(self) -> int:
        """Deliveries of a mention that had been delivered before."""
        return self.deliveries - len(self.mention_ids)


async def play(
    feed: Sequence[Delivery],
    ready: Ready,
    log: CommonSettings | None,
    speed: float,
    update: Callable[[Played], None],
) -> Played:
    """Play the feed; `speed` in seconds of the feed per second, 0: without pauses. `update` is called on every change.

    `log`: settings of the stack's log, from which alerts are read, if it is here. Returns once every mention is routed
    and the spike announced, if there is to be one. Raises `CliError` if ingest refuses the feed or the routing comes to
    a halt, and `LogError`.
    """
    run = f"demo-{int(time.time())}-"
    played = Played(clock=feed[0].at)
    timeout = httpx.Timeout(30, connect=10)
    async with AsyncExitStack() as stack:
        posting_client = stack.enter_context(httpx.Client(timeout=timeout))
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=ready.router, headers={"Authorization": f"Bearer {ready.api_key}"}, timeout=timeout
            )
        )
        brands = viral_brands(feed)
        alerts = None
        if log is not None and brands:
            alerts = await stack.enter_async_context(alerts_from_now(log))
            played.announced = []
        cursor = await _caught_up(client)
        reading = asyncio.create_task(_read(client, cursor, run, alerts, brands, played, update))
        try:
            url = f"{ready.ingest}/v1/mentions"
            posting = Posting(posting_client, url, ready.api_key, _QUIET_SECONDS, lambda _: None, Event())
            await _post(on_day(feed, datetime.now().astimezone(), run), speed, posting, played, update, reading)
            await _all_routed(played, reading)
            await _announced(played, reading)
        finally:
            reading.cancel()
    return played


async def _post(
    rows: Iterator[tuple[float, Json]],
    speed: float,
    posting: Posting,
    played: Played,
    update: Callable[[Played], None],
    reading: "asyncio.Task[None]",
) -> None:
    first, started = played.clock, time.monotonic()
    waiting = next(rows, None)
    while waiting and not reading.done():
        if speed:
            played.clock = first + (time.monotonic() - started) * speed
        due: list[Json] = []
        while waiting and len(due) < _MOST_PER_POST and (not speed or waiting[0] <= played.clock):
            due.append(waiting[1])
            if not speed:
                played.clock = waiting[0]
            waiting = next(rows, None)
        if due:
            body = b"".join(orjson.dumps(mention) + b"\n" for mention in due)
            try:
                results = await asyncio.to_thread(posting.post, body, len(due))
            except GaveUp as error:
                raise CliError(f"ingest does not take the feed: {error}") from None
            for result in results:
                if result["status"] != "accepted":
                    raise CliError(f"ingest rejected a mention of the feed: {result['error']}")
                played.mention_ids.add(result["mention_id"])
            played.deliveries += len(due)
        update(played)
        if speed:
            await asyncio.sleep(_STEP_SECONDS)


async def _read(
    client: httpx.AsyncClient,
    cursor: str | None,
    run: str,
    alerts: MergedReader | None,
    brands: frozenset[str],
    played: Played,
    update: Callable[[Played], None],
) -> None:
    """Read on from the cursor, and what is announced of these brands, for ever."""
    while True:
        if alerts is not None and played.announced is not None:
            new = await new_alerts(alerts, brands, time.time())
            played.announced += new
            if new:
                update(played)
        page = await _page(client, cursor)
        now = time.time()
        for item in page["items"]:
            if item["mention"]["id"].startswith(run):
                received = datetime.fromisoformat(item["mention"]["received_at"]).timestamp()
                played.routed.append(Routed(item, now - received))
        if page["items"]:
            update(played)
        if page["next_cursor"] == cursor:
            await asyncio.sleep(_READ_SECONDS)
        cursor = page["next_cursor"]


async def _all_routed(played: Played, reading: "asyncio.Task[None]") -> None:
    """Wait until everything accepted has come back, or nothing more comes."""
    seen, quiet_since = -1, time.monotonic()
    while len(played.routed) < len(played.mention_ids):
        if reading.done():
            reading.result()
        if len(played.routed) != seen:
            seen, quiet_since = len(played.routed), time.monotonic()
        elif time.monotonic() - quiet_since > _QUIET_SECONDS:
            raise CliError(
                f"{seen} of {len(played.mention_ids)} mentions were routed, none in the last {_QUIET_SECONDS:.0f} s:"
                " `mention-triage topics` shows which stage lags"
            )
        await asyncio.sleep(_READ_SECONDS)


async def _announced(played: Played, reading: "asyncio.Task[None]") -> None:
    """Wait until a spike is announced, or long enough."""
    until = time.monotonic() + _ALERT_SECONDS
    while played.announced == [] and time.monotonic() < until:
        if reading.done():
            reading.result()
        await asyncio.sleep(_READ_SECONDS)


async def _caught_up(client: httpx.AsyncClient) -> str | None:
    """The cursor behind everything that is there already."""
    cursor: str | None = None
    while (following := (await _page(client, cursor))["next_cursor"]) != cursor:
        cursor = following
    return cursor


async def _page(client: httpx.AsyncClient, cursor: str | None) -> dict[str, Any]:
    parameters = {"limit": "500"} | ({"cursor": cursor} if cursor else {})
    response = await client.get("/v1/routed", params=parameters)
    if response.status_code != 200:
        raise CliError(f"{response.url.copy_with(query=None)} answered {response.status_code}: {response.text[:300]}")
    page: dict[str, Any] = orjson.loads(response.content)
    return page
