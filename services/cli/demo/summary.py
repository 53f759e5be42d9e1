"""What the morning came to: tables and a few figures."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import httpx
from rich.console import Console
from rich.table import Table

from services.cli.demo.alerts import alert_line
from services.cli.demo.feed import Json
from services.cli.demo.normal import is_viral
from services.cli.demo.playing import Played
from services.cli.terminal import one_line, table
from services.common.contracts.views import INQUIRY_TYPES, PRIORITIES
from services.common.telemetry.metric_defs import CLASSIFY_CACHE_REQUESTS, CLASSIFY_COALESCED

_SAMPLE: Final = re.compile(
    rf'^(?:{CLASSIFY_CACHE_REQUESTS.name}\{{result="(?P<result>hit|miss)"\}}|{CLASSIFY_COALESCED.name}) (?P<value>\S+)',
    re.MULTILINE,
)
CacheCounts = Counter[str]


def read_cache_counts(classify: str) -> CacheCounts:
    """From classify's metrics so far: `hit` and `miss` of its text cache, and misses that were `coalesced`."""
    exposition = httpx.get(f"{classify}/metrics", timeout=10).text
    return Counter({m["result"] or "coalesced": int(float(m["value"])) for m in _SAMPLE.finditer(exposition)})


def print_summary(console: Console, played: Played, cache: CacheCounts | None) -> None:
    """Print it. `cache`: the look-ups that the demo made; None if they are not known."""
    items = [routed.item for routed in played.routed]
    console.print(_by_queue(items))
    console.print(_by_type(items))
    for line in _figures(played, items, cache):
        console.print(line, soft_wrap=True)


def _by_queue(items: Sequence[Json]) -> Table:
    counts = Counter((item["routing"]["queue"], item["routing"]["priority"]) for item in items)
    totals = Counter(item["routing"]["queue"] for item in items)
    shown = table("queue", *PRIORITIES.values(), "all", right=(*PRIORITIES.values(), "all"), title="Where it went")
    for queue, total in totals.most_common():
        cells = (str(counts[queue, priority] or "·") for priority in PRIORITIES.values())
        shown.add_row(one_line(queue), *cells, str(total))
    shown.add_section()
    by_priority = Counter(item["routing"]["priority"] for item in items)
    shown.add_row("all", *(str(by_priority[priority]) for priority in PRIORITIES.values()), str(len(items)))
    return shown


def _by_type(items: Sequence[Json]) -> Table:
    said = [item["classification"] for item in items]
    languages = [language for language, _ in Counter(each["language"] for each in said).most_common()]
    counts = Counter((each["inquiry_type"]["label"], each["language"]) for each in said)
    negative = Counter(each["inquiry_type"]["label"] for each in said if each["sentiment"]["label"] == "negative")
    columns = (*map(one_line, languages), "all", "negative")
    shown = table("inquiry type", *columns, right=columns, title="What it was")
    for label in INQUIRY_TYPES.values():
        each = [counts[label, language] for language in languages]
        shown.add_row(label, *(str(count or "·") for count in each), str(sum(each)), str(negative[label] or "·"))
    return shown


def _figures(played: Played, items: Sequence[Json], cache: CacheCounts | None) -> Iterator[str]:
    viral = [item for item in items if is_viral(item["mention"])]
    share = len(viral) / max(1, len(items))
    queues = Counter(item["routing"]["queue"] for item in viral).most_common(3)
    where = ", ".join(f"{count} to {one_line(queue)}" for queue, count in queues)
    yield f"The viral post, its copies and replies: {len(viral)} of {len(items)} mentions ({share:.0%}); {where}"
    yield from _spike(played, viral)
    yield f"Delivered twice, routed once: {played.repeats}"
    seconds = sorted(routed.seconds for routed in played.routed)
    yield (
        f"From received to routed, as seen by reading GET /v1/routed: p50 {_quantile(seconds, 0.5):.2f} s,"
        f" p99 {_quantile(seconds, 0.99):.2f} s"
    )
    if cache is not None and (asked := cache["hit"] + cache["miss"]):
        yield f"Texts answered without running the model again: {(cache['hit'] + cache['coalesced']) / asked:.0%}"


def _spike(played: Played, viral: Sequence[Json]) -> Iterator[str]:
    if played.announced is None:
        return
    if not played.announced or not viral:
        yield "No spike was announced"
        return
    first = played.announced[0]
    received = min(datetime.fromisoformat(item["mention"]["received_at"]).timestamp() for item in viral)
    yield f"{alert_line(first.alert)}; announced {first.at - received:.0f} s after the first of them was received"
    for post in first.alert["posts"][:1]:
        how = "copies of" if post["copies"] else "answers to"
        yield one_line(f"Behind it: {post['mentions']:,} {how} {post['platform']}/{post['id']}")


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank; 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
