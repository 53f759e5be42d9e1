"""The written feed: mentions with the time of day at which they are delivered."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from services.cli.errors import CliError

Json = dict[str, Any]

# The package's parent is the checkout.
DEFAULT_FEED: Final = Path(__file__).parents[3] / "demo" / "morning.jsonl"
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mention, delivered `at` seconds after midnight."""

    at: float
    mention: Json


def load_feed(path: Path) -> Sequence[Delivery]:
    """All deliveries in the order of time; copies are written out. Raises `CliError`, naming the line."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise CliError(
            f"{path} is not there: the feed comes with the source checkout; give another by --feed"
        ) from None
    deliveries: list[Delivery] = []
    for number, line in enumerate(lines, 1):
        try:
            deliveries += _deliveries(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CliError(
                f"{path}, line {number}: {type(error).__name__}: {error} (demo/README.md has the fields)"
            ) from None
    if not deliveries:
        raise CliError(f"{path} is empty")
    return sorted(deliveries, key=lambda delivery: delivery.at)


def on_day(deliveries: Sequence[Delivery], now: datetime, run: str) -> Iterator[tuple[float, Json]]:
    """(seconds after midnight, mention to post): dated today, or yesterday while today's would lie in the future.

    `run` goes before the ids, so that a second showing is not taken for repeats of the first.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if midnight + timedelta(seconds=deliveries[-1].at) > now:
        midnight -= timedelta(days=1)
    for delivery in deliveries:
        mention = dict(delivery.mention)
        mention["id"] = run + mention["id"]
        if "conversation" in mention:
            mention["conversation"] = run + mention["conversation"]
        if "in_reply_to" in mention:
            mention["in_reply_to"] = {**mention["in_reply_to"], "id": run + mention["in_reply_to"]["id"]}
        mention["occurred_at"] = (midnight + timedelta(seconds=delivery.at)).isoformat()
        yield delivery.at, mention


def _deliveries(row: Json) -> Iterator[Delivery]:
    at, copies = _seconds(row.pop("at")), row.pop("copies", None)
    yield Delivery(at, row)
    if copies:
        yield from _copies(at, row, copies)


def _copies(at: float, original: Json, copies: Json) -> Iterator[Delivery]:
    """Other authors share the original: many at first, then fewer and fewer."""
    count, until = copies["count"], _seconds(copies["until"])
    texts, followers = copies["texts"], copies["followers"]
    for n in range(count):
        author = {"id": f"{original['id']}-by-{n:03}", "followers": followers[n % len(followers)]}
        yield Delivery(
            at + (until - at) * ((n + 1) / count) ** 2,
            {
                **{name: original[name] for name in ("brand", "platform", "kind", "attributes")},
                "id": f"{original['id']}-copy-{n:03}",
                "text": texts[n % len(texts)].replace("{text}", original["text"]),
                "author": author,
            },
        )


def _seconds(time: str) -> int:
    parts = _TIME.fullmatch(time)
    if parts is None:
        raise ValueError(f"{time!r} is no time of day such as 09:31:05")
    hours, minutes, seconds = map(int, parts.groups())
    return hours * 3600 + minutes * 60 + seconds
