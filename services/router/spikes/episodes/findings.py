"""What is known of a rise beside its counts: what severity, cause and an alert are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mention_triage.v1.alert_pb2 import SpikeItem, SpikeMix, SpikePost

USUAL_NEGATIVE: Final = 0.3
"""Share of negatives that is taken for normal while a brand's own is not known: customers write when something is
wrong, and a help desk's ordinary day must not look like anger."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The mentions since a rise began. Counts by value are lower bounds, heaviest first."""

    mentions: int = 0
    authors: float = 0.0
    """Distinct ones, estimated."""
    reach: float = 0.0
    """Followers of the authors together, estimated."""
    top_texts: int = 0
    """Mentions that have one of the three heaviest texts, each at least twice."""
    top_posts: int = 0
    """Mentions that answer one of the three heaviest posts, each answered at least twice."""
    copies: int = 0
    """Mentions whose text another one had before."""
    normal_authors: float | None = None
    """Authors per mention, normally. None = not known, as below."""
    normal_copies: float | None = None
    """Share of copies, normally."""
    normal_press: float | None = None
    """Share of mentions by press and regulators, normally."""
    posts: Sequence[SpikePost] = ()
    links: Sequence[SpikeItem] = ()
    tags: Sequence[SpikeItem] = ()
    author_tags: Sequence[SpikeItem] = ()
    mix: SpikeMix | None = None
    """What the mentions of the last ten minutes, since the rise began, are. None = too few are classified."""
    normal_mix: SpikeMix | None = None

    @property
    def negative_above_normal(self) -> float | None:
        """The share of negatives above its normal, -1 to 1. None = too few mentions are classified."""
        if self.mix is None:
            return None
        return self.mix.negative - (self.normal_mix.negative if self.normal_mix else USUAL_NEGATIVE)
