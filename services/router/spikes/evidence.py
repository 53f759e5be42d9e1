"""What is known of a brand beside its counts: who writes, what they have in common, what it normally is.

Bounded per brand: at most `WINDOWS` + 1 windows of mentions, `MOST_AHEAD` rows that are not closed yet, and, while an
episode is open, one summary of everything since its rise began. docs/episodes.md says what that takes in bytes.
"""

from dataclasses import dataclass, field
from math import nan
from typing import Final, Self

from mention_triage.v1.counts_pb2 import PartialCount, Sketches
from mention_triage.v1.spike_state_pb2 import EvidenceState, NormalState, WindowState
from services.router.counting.progress import BUCKET_SECONDS
from services.router.counting.sketches import Summary
from services.router.spikes.episodes.cause import tagged
from services.router.spikes.episodes.findings import Findings
from services.router.spikes.episodes.policy import EPISODES, CausePolicy
from services.router.spikes.episodes.posts import items_of, posts_of
from services.router.spikes.mix import MixCounts

WINDOW_SECONDS: Final = 120
"""As short as it must be for a rise that has just begun to outweigh the ordinary minutes in front of it."""
WINDOWS: Final = 5
"""So that the last ten minutes are known: what a rise brought before it was seen to be one."""
MOST_AHEAD: Final = 6
"""Rows that wait to be closed: a minute, after which a silent partition is no longer waited for. What is further ahead
of the watermark, since a backlog is worked off, is counted into the last of them."""
HALF_LIFE: Final = 7 * 86_400.0
"""Seconds in which what was normal loses half its weight: a week has every weekday in it."""
LEAST_NORMAL: Final = 100
"""Mentions, decayed, before anything counts as normal: a share of 100 is known to a tenth."""
LEAST_MIX: Final = 10
"""Classified mentions before their mix is told."""

_TOP: Final = 3
_LOOKED_AT: Final = 64  # texts that copies are counted of
_TEXTS: Final = 128  # hashes of the last texts: a copy comes soon or is one of many


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """What the detector takes beside a row's count, of the same mentions as that. NaN = not known."""

    negative: float = nan
    """Negative mentions among those `classified`."""
    classified: float = nan
    """Mentions that became known with their sentiment in this row, whenever they were received."""
    authors: float = nan
    """Distinct authors of the row's mentions that came in time. Not known where later rows were counted into it."""
    copies: float = nan
    """Mentions among these whose text another one had before. Likewise."""


_NOTHING: Final = RowEvidence()


@dataclass(slots=True)
class _Window:
    start: int
    mentions: int = 0
    summary: Summary = field(default_factory=Summary)
    mix: MixCounts = field(default_factory=MixCounts)
    unusual: bool = False
    has_later: bool = False
    """Of a row: whether mentions of later rows were counted into it."""

    def take(self, mentions: int, sketches: Sketches) -> None:
        self.mentions += mentions
        self.summary.merge(sketches)

    def copies(self) -> int:
        return sum(count - 1 for _, count in self.summary.texts(_LOOKED_AT))

    def dump(self) -> WindowState:
        return WindowState(
            start=self.start,
            mentions=self.mentions,
            sketches=self.summary.dump(),
            mix=self.mix.dump(),
            unusual=self.unusual,
            has_later=self.has_later,
        )

    @classmethod
    def load(cls, state: WindowState) -> Self:
        loaded = cls(state.start, state.mentions, unusual=state.unusual, has_later=state.has_later)
        loaded.summary.merge(state.sketches)
        loaded.mix.add(state.mix)
        return loaded


@dataclass(slots=True)
class _Normal:
    at: int = 0
    mentions: float = 0.0
    authors: float = 0.0
    copies: float = 0.0
    press: float = 0.0
    mix: MixCounts = field(default_factory=MixCounts)

    def learn(self, window: _Window, at: int, press: int) -> None:
        kept = 0.5 ** (max(at - self.at, 0) / HALF_LIFE)
        self.at = max(self.at, at)
        self.mentions = self.mentions * kept + window.mentions
        self.authors = self.authors * kept + min(window.summary.authors(), window.mentions)
        self.copies = self.copies * kept + window.copies()
        self.press = self.press * kept + press
        self.mix.scale(kept)
        self.mix.add(window.mix)

    def share(self, mentions: float) -> float | None:
        return mentions / self.mentions if self.mentions >= LEAST_NORMAL else None


class BrandEvidence:
    """The evidence of one brand: a function of the counts and the rows closed, in their order."""

    def __init__(self, policy: CausePolicy = EPISODES.cause) -> None:
        self._policy = policy
        self._pending: dict[int, _Window] = {}
        self._windows: list[_Window] = []
        self._since: _Window | None = None
        self._normal = _Normal()
        self._unusual = (0, 0)  # the last episode, from and until
        self._texts: dict[int, None] = {}  # oldest first
        self._arrived = MixCounts()
        self._arrived_unusual = False
        self._closed = 0

    def add(self, count: PartialCount) -> None:
        """Take a partial count in, of either source, in any order.

        Mentions wait until their row is closed. What the model says comes later anyway and is taken with the next row.
        """
        if count.HasField("mix"):
            self._arrived.add(count.mix)
            first, last = self._unusual
            self._arrived_unusual |= first <= count.bucket <= last
        if count.HasField("sketches"):  # else it is of the other source, and counts the same mentions
            base = self._closed or min(self._pending, default=count.bucket)
            bucket = min(
                max(count.bucket, self._closed), base + MOST_AHEAD * BUCKET_SECONDS
            )  # late ones all go with the next row
            if (row := self._pending.get(bucket)) is None:
                row = self._pending[bucket] = _Window(bucket)
            row.take(count.mentions, count.sketches)
            row.has_later |= bucket < count.bucket

    def close(self, at: int, since: int | None) -> RowEvidence:
        """Close the row that starts at `at`, and all before it: before the detector and the episode take that row.

        `since`: when the rise of the brand's episode began, None where it has none (one that has ended, but may begin
        again, is one). From the first row with one everything since then is kept, and nothing is learned.
        """
        self._closed = at
        self._follow_episode(at, since)
        self._forget(at)
        rows = [self._pending.pop(bucket) for bucket in sorted(self._pending) if bucket <= at]
        if not rows and not self._arrived.mentions:
            return _NOTHING
        authors = copies = nan
        for row in rows:
            copied = self._copies(row)
            if row.start == at and row.mentions and not row.has_later:
                authors, copies = row.summary.authors(), float(copied)
        arrived = self._arrived
        known = RowEvidence(
            negative=arrived.negative if arrived.mentions else nan,
            classified=arrived.mentions or nan,
            authors=authors,
            copies=copies,
        )
        self._take(at, rows[0] if len(rows) == 1 else _joined(at, rows))
        return known

    def findings(self, since: int) -> Findings:
        """What is known of the mentions since a rise began: up to ten minutes back, and all while it is an episode.

        The mix is that of the last ten minutes at most, so that it shows when people calm down.
        """
        whole = self._since or self._back_to(since)
        summary = whole.summary
        mix = MixCounts()
        for window in self._reaching(since):
            mix.add(window.mix)
        normal = self._normal
        return Findings(
            mentions=whole.mentions,
            authors=min(summary.authors(), whole.mentions),
            reach=summary.reach(),
            top_texts=_heaviest(summary.texts(_TOP)),
            top_posts=_heaviest(summary.roots(_TOP)),
            copies=whole.copies(),
            normal_authors=normal.share(normal.authors),
            normal_copies=normal.share(normal.copies),
            normal_press=normal.share(normal.press),
            posts=posts_of(summary),
            links=items_of(summary.links),
            tags=items_of(summary.tags),
            author_tags=items_of(summary.author_tags),
            mix=mix.shares(LEAST_MIX),
            normal_mix=normal.mix.shares(LEAST_NORMAL),
        )

    def dump(self) -> EvidenceState:
        """Everything, for a snapshot; what `load` makes of it goes on identically."""
        normal = self._normal
        return EvidenceState(
            pending=[self._pending[bucket].dump() for bucket in sorted(self._pending)],
            windows=[window.dump() for window in self._windows],
            since=self._since.dump() if self._since else None,
            normal=NormalState(
                at=normal.at,
                mentions=normal.mentions,
                authors=normal.authors,
                copies=normal.copies,
                press=normal.press,
                mix=normal.mix.dump(),
            ),
            unusual_from=self._unusual[0],
            unusual_until=self._unusual[1],
            texts=list(self._texts),
            arrived=self._arrived.dump(),
            arrived_unusual=self._arrived_unusual,
            closed=self._closed,
        )

    @classmethod
    def load(cls, state: EvidenceState, policy: CausePolicy = EPISODES.cause) -> Self:
        """The evidence that was dumped."""
        loaded = cls(policy)
        loaded._pending = {row.start: _Window.load(row) for row in state.pending}
        loaded._windows = [_Window.load(window) for window in state.windows]
        loaded._since = _Window.load(state.since) if state.HasField("since") else None
        normal = state.normal
        loaded._normal = _Normal(normal.at, normal.mentions, normal.authors, normal.copies, normal.press)
        loaded._normal.mix.add(normal.mix)
        loaded._unusual = (state.unusual_from, state.unusual_until)
        loaded._texts = dict.fromkeys(state.texts)
        loaded._arrived.add(state.arrived)
        loaded._arrived_unusual = state.arrived_unusual
        loaded._closed = state.closed
        return loaded

    def _follow_episode(self, at: int, since: int | None) -> None:
        if since is None:
            self._since = None
            return
        if self._since is None or self._since.start != since:  # another episode, else
            self._since = self._back_to(since)
        self._unusual = (since, at)
        self._arrived_unusual = True

    def _back_to(self, since: int) -> _Window:
        """The windows that reach beyond `since`, in one: some mentions before it are in there, too."""
        return _joined(since, self._reaching(since))

    def _reaching(self, since: int) -> list[_Window]:
        return [window for window in self._windows if window.start + WINDOW_SECONDS > since]

    def _forget(self, at: int) -> None:
        """Windows are learned from only when they go, since by then it is known whether an episode began in them."""
        while self._windows and (gone := self._windows[0].start + WINDOWS * WINDOW_SECONDS) <= at:
            window = self._windows.pop(0)
            if not (window.unusual or self._since):
                press = tagged(items_of(window.summary.author_tags), self._policy.press_tags)
                self._normal.learn(window, gone, press)

    def _take(self, at: int, row: _Window) -> None:
        start = at - at % WINDOW_SECONDS
        if not self._windows or self._windows[-1].start < start:
            self._windows.append(_Window(start))
        window = self._windows[-1]
        sketches = row.summary.to_proto()
        for taker in (window, self._since):
            if taker and row.mentions:
                taker.take(row.mentions, sketches)
        window.mix.add(self._arrived)
        window.unusual |= self._since is not None or self._arrived_unusual
        self._arrived, self._arrived_unusual = MixCounts(), False

    def _copies(self, row: _Window) -> int:
        copies = 0
        for text, count in row.summary.texts(_LOOKED_AT):
            copies += count if text in self._texts else count - 1
            self._texts.pop(text, None)
            self._texts[text] = None
        while len(self._texts) > _TEXTS:
            del self._texts[next(iter(self._texts))]
        return copies


def _joined(start: int, windows: list[_Window]) -> _Window:
    joined = _Window(start)
    for window in windows:
        joined.take(window.mentions, window.summary.to_proto())
    return joined


def _heaviest(counted: list[tuple[int, int]] | list[tuple[str, int]]) -> int:
    return sum(count for _, count in counted if count > 1)
