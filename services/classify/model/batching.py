"""Which inputs may share a run of the model, and how large a run may be.

A runtime prepares itself for each shape (inputs, length) that it meets, and keeps what it prepared: about 0.75 MB each
with OpenVINO, and some milliseconds whenever the shape changes. So there are few shapes: 24 lengths, and powers of two.
"""

from collections.abc import Iterator, Sequence

from services.classify.model.base import TokenIds

# Beyond, what lies between two products leaves the processor's cache: a token costs 10 % more in runs twice as large.
MAX_RUN_TOKENS = 512
MAX_RUN_ROWS = 64


def padded_length(tokens: int) -> int:
    """Tokens of an input once padded: depends on its own length alone, or its result would on its batch."""
    step = 4 if tokens <= 64 else 8
    return -(-tokens // step) * step


def rows_of_run(length: int, waiting: int, max_rows: int = MAX_RUN_ROWS, max_tokens: int = MAX_RUN_TOKENS) -> int:
    """How many of the `waiting` inputs of a padded length go into one run: a power of two."""
    most = max(1, min(waiting, max_rows, max_tokens // length))
    return 1 << (most.bit_length() - 1)


def runs_of(batch: Sequence[TokenIds]) -> Iterator[tuple[int, list[int]]]:
    """The batch in runs: a padded length, and the positions in `batch` of inputs that have it."""
    groups: dict[int, list[int]] = {}
    for position, ids in enumerate(batch):
        groups.setdefault(padded_length(len(ids)), []).append(position)
    for length, positions in groups.items():
        start = 0
        while start < len(positions):
            rows = rows_of_run(length, len(positions) - start)
            yield length, positions[start : start + rows]
            start += rows
