"""Partial counts, readings and findings for the tests of episodes: what is not said is ordinary."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mention_triage.v1.alert_pb2 import SpikeItem, SpikeMix
from mention_triage.v1.counts_pb2 import Mix, PartialCount
from services.router.counting.sketches import Summary
from services.router.counting.texts import features
from services.router.spikes.calendar import PlannedEvent
from services.router.spikes.episodes.findings import Findings
from services.router.spikes.episodes.reading import BrandReading, SeriesReading

START = 1_768_478_400  # 2026-01-15 12:00:00 UTC: a multiple of every window


@dataclass(frozen=True)
class Post:
    """A public mention, as far as it is summarised."""

    author: str
    text: str = ""
    root: str = ""
    author_tags: Sequence[str] = ()
    followers: int = 100
    native_id: str = "1"


def volume(bucket: int, posts: Iterable[Post], platform: str = "x") -> PartialCount:
    """The partial count of posts of one platform, received in one bucket."""
    summary, mentions = Summary(), 0
    for post in posts:
        mentions += 1
        summary.add_author(post.author, post.author_tags)
        summary.add_reach(post.author, post.followers)
        summary.add_text(features(post.text), f"{platform}/{post.native_id}")
        if post.root:
            summary.add_root(f"{platform}/{post.root}")
    return PartialCount(
        brand="Telandia", platform=platform, bucket=bucket, mentions=mentions, sketches=summary.to_proto()
    )


def ordinary(bucket: int, number: int, platform: str = "x") -> PartialCount:
    """So many mentions, each by somebody else, of nothing in common."""
    posts = (
        Post(f"{platform}{bucket}.{i}", f"nobody else writes this: {platform} {bucket} {i}") for i in range(number)
    )
    return volume(bucket, posts, platform)


def classified(
    bucket: int, negative: int, neutral: int, *, technical: int = 0, language: str = "es", platform: str = "x"
) -> PartialCount:
    """What the model says of mentions received in one bucket: negative complaints, neutral feedback or technical."""
    number = negative + neutral
    return PartialCount(
        brand="Telandia",
        platform=platform,
        bucket=bucket,
        mix=Mix(
            inquiry_types=[negative, number - negative - technical, 0, technical, 0],
            sentiments=[negative, neutral, 0],
            languages={language: number},
        ),
    )


def series(
    platform: str = "",
    observed: float = 200,
    normal: float = 10,
    *,
    started: bool = False,
    spiking: bool = True,
    rising: bool = True,
    since: float | None = None,
    recent: float | None = None,
) -> SeriesReading:
    """A series that rises, in a window of a minute. `recent`: of the last five minutes, which normally hold 50."""
    return SeriesReading(platform, observed, normal, 60, started, spiking, rising, since, recent, 50)


def calm(platform: str = "") -> SeriesReading:
    """A series back at what is normal."""
    return series(platform, 10, 10, spiking=False, rising=False)


def reading(
    at: int,
    *all_series: SeriesReading,
    findings: Findings | None = None,
    planned: PlannedEvent | None = None,
    planned_tags: Iterable[str] = (),
    brand: str = "Telandia",
    known: bool = True,
) -> BrandReading:
    """One row, `at` seconds after `START`."""
    tags = frozenset(planned_tags)
    return BrandReading("acme", brand, START + at, all_series, findings or Findings(), planned, tags, known)


def mix(negative: float = 0.3, technical: float = 0.2, mentions: float = 200) -> SpikeMix:
    """A mix with these shares; the rest are complaints."""
    return SpikeMix(
        mentions=mentions, inquiry_types=[1 - technical, 0, 0, technical, 0], negative=negative, languages={"es": 1}
    )


def items(**counted: int) -> list[SpikeItem]:
    """Values with their mentions."""
    return [SpikeItem(value=value.replace("_", "-"), mentions=mentions) for value, mentions in counted.items()]


def event(kind: str = "campaign", *, tags: Iterable[str] = ()) -> PlannedEvent:
    """A planned event that goes on."""
    return PlannedEvent("Spring sale", kind, START, START + 3600, 3.0, frozenset(), frozenset(tags))  # type: ignore[arg-type]
