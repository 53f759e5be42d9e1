"""Reach: the sum of the followers of distinct authors, from a bounded sample."""

import hashlib
from collections.abc import Iterable
from heapq import nsmallest
from typing import Final

from mention_triage.v1.counts_pb2 import Reach

# The relative standard error is at most 1 / sqrt(k - 1) whatever the followers' distribution is: 8.9 %.
SAMPLED_AUTHORS: Final = 128
_TRIM_AT: Final = 4 * SAMPLED_AUTHORS  # seldom, so that adding costs little
_HASHES: Final = float(1 << 64)


class ReachSample:
    """A bottom-k sample of authors, weighted by followers: priority sampling with ranks from a hash of the author.

    N. Duffield, C. Lund, M. Thorup, "Priority sampling for estimation of arbitrary subset sums" (2007); the bound is
    M. Szegedy's (2006). Ranks from a hash make it coordinated (E. Cohen, H. Kaplan, 2007): an author counts once
    however often added, and samples merge. A uniform sample of distinct authors, which a theta or a tuple sketch is,
    would miss the few that make up most of the reach; a VarOpt sketch counts an author each time, and draws by chance.
    """

    __slots__ = ("_followers",)

    def __init__(self) -> None:
        self._followers: dict[int, int] = {}  # by the author's hash

    def __len__(self) -> int:
        return len(self._followers)

    def add(self, author: str, followers: int) -> None:
        """Count an author; of one that was counted before, the newer number holds."""
        digest = hashlib.blake2b(author.encode(), digest_size=8).digest()
        self._followers[int.from_bytes(digest, "big")] = followers
        self._bound()

    def merge(self, authors: Iterable[int], followers: Iterable[int]) -> None:
        """Add the sample of others: `to_proto` of theirs."""
        self._followers.update(zip(authors, followers, strict=True))
        self._bound()

    def to_proto(self) -> Reach:
        """The sample: one author more than are kept, whose rank says how much the sample stands for."""
        sample = self._least()
        return Reach(authors=[author for author, _ in sample], followers=[followers for _, followers in sample])

    def estimate(self) -> float:
        """Followers of all distinct authors together."""
        if len(self._followers) <= SAMPLED_AUTHORS:
            return float(sum(self._followers.values()))
        *kept, last = self._least()
        priority = 1 / _rank(last)
        return sum(max(float(followers), priority) for _, followers in kept)

    def _bound(self) -> None:
        if len(self._followers) > _TRIM_AT:
            self._followers = dict(self._least())

    def _least(self) -> list[tuple[int, int]]:
        if len(self._followers) <= SAMPLED_AUTHORS:
            return list(self._followers.items())
        return nsmallest(SAMPLED_AUTHORS + 1, self._followers.items(), _rank)


def _rank(item: tuple[int, int]) -> float:
    author, followers = item
    return (author + 1) / _HASHES / followers
