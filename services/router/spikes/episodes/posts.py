"""What many mentions have in common, as an alert lists it."""

from collections.abc import Callable
from typing import Final

from mention_triage.v1.alert_pb2 import SpikeItem, SpikePost
from services.router.counting.sketches import Summary

MOST: Final = 5
"""Listed of each kind: as many as a person looks at before answering."""
_LEAST: Final = 2  # what only one mention has is not common


def posts_of(summary: Summary) -> list[SpikePost]:
    """The posts that most mentions answer or copy, heaviest first."""
    answered = [_post(post, count, copies=False) for post, count in summary.roots(MOST)]
    copied = [
        _post(example, count, copies=True)
        for text, count in summary.texts(MOST)
        if (example := summary.example(text)) is not None
    ]
    posts = [post for post in answered + copied if post.mentions >= _LEAST]
    return sorted(posts, key=lambda post: (-post.mentions, post.platform, post.post_id))[:MOST]


def items_of(heaviest: Callable[[int], list[tuple[str, int]]]) -> list[SpikeItem]:
    """The heaviest values of one of a summary's lists."""
    return [SpikeItem(value=value, mentions=count) for value, count in heaviest(MOST)]


def _post(key: str, mentions: int, *, copies: bool) -> SpikePost:
    platform, _, post_id = key.partition("/")
    return SpikePost(post_id=post_id, platform=platform, mentions=mentions, copies=copies)
