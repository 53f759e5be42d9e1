"""What the fault tests have in common: a sender that repeats until it is answered, a reader that follows the cursor."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

SILENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A mention as a reader saw it. `number`: counts the mentions of its customer, as the sender sent them."""

    mention_id: str
    customer: str
    number: int


@dataclass
class Sent:
    """What senders were answered. `repeats`: requests sent again because no answer came, or one that says to."""

    accepted: set[str] = field(default_factory=set)
    repeats: int = 0


def mention(lane: str, n: int, authors: int, text: str, **more: Any) -> dict[str, Any]:
    """The n-th mention of one sender, whose authors take turns; `attributes.n` numbers those of each author."""
    return {
        "brand": "Nubia Telecom",
        "platform": "x",
        "id": f"{lane}-{n}",
        "text": text,
        "author": {"id": f"author-{lane}-{n % authors}"},
        "attributes": {"n": n // authors},
        **more,
    }


async def send_until_accepted(
    client: httpx.AsyncClient, url: str, headers: Mapping[str, str], mentions: Sequence[dict[str, Any]], sent: Sent
) -> None:
    """Send one request to ingest until it is answered 202. Raises `AssertionError` for an answer without sense."""
    body = b"\n".join(map(orjson.dumps, mentions))
    while True:
        try:
            answer = await client.post(
                f"{url}/v1/mentions", content=body, headers={**headers, "Content-Type": "application/x-ndjson"}
            )
        except httpx.HTTPError:
            sent.repeats += 1
            await asyncio.sleep(0.05)
            continue
        if answer.status_code in (429, 503):
            sent.repeats += 1
            await asyncio.sleep(0.2)
            continue
        assert answer.status_code == 202, answer.text
        results = answer.json()["results"]
        assert [result["status"] for result in results] == ["accepted"] * len(mentions)
        sent.accepted.update(result["mention_id"] for result in results)
        return


class CursorReader:
    """Follows `GET /v1/routed` by its cursor, over the end of the process that answers."""

    def __init__(self, urls: Callable[[], Sequence[str]], headers: Mapping[str, str]) -> None:
        """`urls`: of the routers as of now; where one does not answer the next is asked."""
        self.read: list[Sighting] = []
        self._urls = urls
        self._headers = headers
        self._cursor: str | None = None

    async def follow(self, done: Callable[[], bool]) -> None:
        """Read until `done`, or until nothing new comes for long."""
        asked, last_news = 0, time.monotonic()
        async with httpx.AsyncClient(timeout=10, headers=self._headers) as client:
            while not done() and time.monotonic() - last_news < SILENCE_SECONDS:
                urls = self._urls()
                params = {"limit": "500"} | ({"cursor": self._cursor} if self._cursor else {})
                try:
                    answer = await client.get(f"{urls[asked % len(urls)]}/v1/routed", params=params)
                except httpx.HTTPError:
                    asked += 1
                    await asyncio.sleep(0.1)
                    continue
                if answer.status_code in (429, 503):
                    asked += 1
                    await asyncio.sleep(0.2)
                    continue
                page = answer.raise_for_status().json()
                self.read += [_sighting(item) for item in page["items"]]
                if page["items"]:
                    last_news = time.monotonic()
                elif page["next_cursor"] == self._cursor:
                    await asyncio.sleep(0.1)
                self._cursor = page["next_cursor"]


def _sighting(item: Mapping[str, Any]) -> Sighting:
    mention = item["mention"]
    return Sighting(mention["mention_id"], item["customer_key"], int(mention["attributes"]["n"]))


def count_lost(accepted: set[str], sightings: Iterable[Sighting]) -> int:
    """Mentions that were accepted and not seen."""
    return len(accepted - {sighting.mention_id for sighting in sightings})


def count_repeated(accepted: set[str], sightings: Sequence[Sighting]) -> int:
    """Sightings beyond the first of each accepted mention."""
    return len(sightings) - len(accepted & {sighting.mention_id for sighting in sightings})


def count_out_of_order(sightings: Iterable[Sighting]) -> int:
    """Mentions that were first seen after a later one of the same customer."""
    last: dict[str, int] = {}
    seen: set[str] = set()
    out_of_order = 0
    for sighting in sightings:
        if sighting.mention_id in seen:
            continue
        seen.add(sighting.mention_id)
        out_of_order += sighting.number < last.get(sighting.customer, 0)
        last[sighting.customer] = max(sighting.number, last.get(sighting.customer, 0))
    return out_of_order
