"""Many rows per statement.

Python's sqlite3 gives up the interpreter lock for every row that a statement steps over, and a busy event loop gives it
back only after the switch interval (5 ms). A statement per row makes a commit wait that long for each; many rows in one
statement make it wait a few times per commit.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

# A connection keeps a prepared statement for each number of rows: see `schema.connect`.
MOST_ROWS: Final = 128


def insert_many(db: sqlite3.Connection, insert: str, rows: Sequence[Sequence[Any]], conflict: str = "") -> None:
    """Insert rows of equal width. `insert` ends in VALUES; `conflict` is what follows them."""
    for part in _parts(rows):
        row = f"({', '.join('?' * len(part[0]))})"
        db.execute(f"{insert} {', '.join([row] * len(part))} {conflict}", list(chain.from_iterable(part)))


def update_ends(db: sqlite3.Connection, ends: Mapping[int, int]) -> None:
    """Set the end offset of partitions, by row id."""
    for part in _parts(list(ends.items())):
        values = ", ".join(["(?, ?)"] * len(part))
        db.execute(
            f"UPDATE partitions SET next_offset = ends.column2 FROM (VALUES {values}) AS ends WHERE id = ends.column1",  # noqa: S608
            list(chain.from_iterable(part)),
        )


def _parts(rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    """Parts of `MOST_ROWS`, and the rest."""
    for start in range(0, len(rows), MOST_ROWS):
        yield rows[start : start + MOST_ROWS]
