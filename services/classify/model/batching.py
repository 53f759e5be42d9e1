"""Which inputs may share a run of the model."""

from collections.abc import Sequence

from services.classify.model.base import TokenIds

# A run costs about the same per token from a few texts on, so narrow buckets (little padding) beat large batches.
BUCKET = 4


def padded_length(tokens: int) -> int:
    """Tokens of an input once padded: depends on its own length alone, or its result would on its batch."""
    return -(-tokens // BUCKET) * BUCKET


def by_padded_length(batch: Sequence[TokenIds]) -> dict[int, list[int]]:
    """Positions in `batch` by padded length."""
    groups: dict[int, list[int]] = {}
    for position, ids in enumerate(batch):
        groups.setdefault(padded_length(len(ids)), []).append(position)
    return groups
