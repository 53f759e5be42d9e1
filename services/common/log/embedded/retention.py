"""Retention, compaction and the size limit of the embedded log, in small steps between transactions."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from services.common.log.embedded.schema import offset_of, record_id
from services.common.log.topics import TopicSpec

DEFAULT_MAX_BYTES: Final = 16 << 30
_ROUND_SECONDS: Final = 30.0
_ROWS_PER_STEP: Final = 2_000
_PAGES_PER_STEP: Final = 256
_FREE_PAGES_KEPT: Final = 256  # appends take them again; giving every page back would move pages for nothing
# Compact once as many records were added as a partition held after the last time: half of it may then be garbage.
_COMPACT_AT_LEAST: Final = 100
# Shares of the size limit: shedding starts below it, so that appends are refused only where there is nothing to shed.
_SHED_FROM: Final = 0.9
_SHED_TO: Final = 0.8
_EARLY_SECONDS: Final = 1.0  # between rounds that the size asks for


class Retention:
    """Deletes what may go. Never passes the slowest group's offset: a record that a group has yet to read stays.

    Close to `max_bytes` records go before their time: first those that every group has read, then the oldest of topics
    that are history. `full` says that the file is larger than that all the same.
    """

    def __init__(
        self,
        topics: Sequence[TopicSpec],
        max_bytes: int = DEFAULT_MAX_BYTES,
        clock: Callable[[], float] = time.time,
        round_seconds: float = _ROUND_SECONDS,
    ) -> None:
        self._topics = topics
        self._max_bytes = max_bytes
        self._clock = clock
        self._round_seconds = round_seconds
        self._round: Iterator[None] | None = None
        self._last_round = float("-inf")
        self._compacted: dict[int, tuple[int, int]] = {}  # partition id: end and count after it
        self.full = False

    def step(self, db: sqlite3.Connection) -> bool:
        """Do a little work, at most some ten milliseconds. Returns whether more waits."""
        used = used_bytes(db)
        self.full = used > self._max_bytes
        if self._round is None:
            wait = _EARLY_SECONDS if used > _SHED_FROM * self._max_bytes else self._round_seconds
            if time.monotonic() < self._last_round + min(wait, self._round_seconds):
                return False
            self._round = self._work(db)
        try:
            next(self._round)
        except BaseException as end:
            self._round = None
            self._last_round = time.monotonic()
            if not isinstance(end, StopIteration):
                raise
            return False
        return True

    def _work(self, db: sqlite3.Connection) -> Iterator[None]:
        now_ms = int(self._clock() * 1000)
        for topic in self._topics:
            cutoff = now_ms - topic.retention_ms
            for partition_id, start, floor in _partitions(db, topic):
                if topic.cleanup == "compact":
                    yield from self._compact(db, partition_id, start, floor, cutoff)
                else:
                    yield from _expire(db, partition_id, start, floor, cutoff, topic.waits)
        for sheds in ("read", "oldest"):
            yield from self._shed(db, [topic for topic in self._topics if topic.sheds == sheds])
        yield from _give_back(db)

    def _shed(self, db: sqlite3.Connection, topics: Sequence[TopicSpec]) -> Iterator[None]:
        """Delete a step of each partition in turn, up to what could go at the start, until the file is small enough."""
        left = [partition for topic in topics for partition in _partitions(db, topic)]
        while left:
            for partition_id, start, floor in left:
                if used_bytes(db) <= _SHED_TO * self._max_bytes:
                    return
                yield from _delete_before(db, partition_id, start, min(start + _ROWS_PER_STEP, floor), True)
            left = [
                (pid, start + _ROWS_PER_STEP, floor) for pid, start, floor in left if start + _ROWS_PER_STEP < floor
            ]

    def _compact(
        self, db: sqlite3.Connection, partition_id: int, start: int, end: int, cutoff_ms: int
    ) -> Iterator[None]:
        """Keep the newest record of each key; a tombstone goes too once it is older than the topic's retention."""
        compacted_end, kept = self._compacted.get(partition_id, (start, 0))
        if end - compacted_end < max(_COMPACT_AT_LEAST, kept):
            return
        first, last = record_id(partition_id, start), record_id(partition_id, end)
        stale = db.execute(
            "SELECT id FROM (SELECT id, timestamp_ms, value IS NULL AS tombstone,"
            " row_number() OVER (PARTITION BY key ORDER BY id DESC) AS age"
            " FROM records WHERE id >= ? AND id < ? AND key IS NOT NULL)"
            " WHERE age > 1 OR (tombstone AND timestamp_ms < ?)",
            (first, last, cutoff_ms),
        ).fetchall()
        for i in range(0, len(stale), _ROWS_PER_STEP):
            with _transaction(db):
                db.executemany("DELETE FROM records WHERE id = ?", stale[i : i + _ROWS_PER_STEP])
            yield
        (count,) = db.execute("SELECT count(*) FROM records WHERE id >= ? AND id < ?", (first, last)).fetchone()
        self._compacted[partition_id] = (end, count)


def used_bytes(db: sqlite3.Connection) -> int:
    """Bytes of the file that hold something."""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * size)


def _partitions(db: sqlite3.Connection, topic: TopicSpec) -> list[tuple[int, int, int]]:
    """Per partition: id, start, and the offset below which records may go.

    That is the slowest group's; without a group the end, or the start where records wait for one.
    """
    if not topic.waits:
        return db.execute(
            "SELECT id, start_offset, next_offset FROM partitions WHERE topic = ?", (topic.name,)
        ).fetchall()
    without = "start_offset" if topic.sheds == "read" else "partitions.next_offset"
    return db.execute(
        "SELECT id, start_offset, coalesce((SELECT min(groups.next_offset) FROM groups"  # noqa: S608 - two constants
        f" WHERE partition_id = partitions.id), {without}) FROM partitions WHERE topic = ?",
        (topic.name,),
    ).fetchall()


def _expire(
    db: sqlite3.Connection, partition_id: int, start: int, end: int, cutoff_ms: int, waits: bool
) -> Iterator[None]:
    """Delete from `start` on up to the first record that is young enough to stay, or `end`."""
    while start < end:
        rows = db.execute(
            "SELECT id, timestamp_ms FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (record_id(partition_id, start), record_id(partition_id, end), _ROWS_PER_STEP),
        ).fetchall()
        young = next((offset_of(identifier) for identifier, timestamp_ms in rows if timestamp_ms >= cutoff_ms), None)
        limit = young if young is not None else end if len(rows) < _ROWS_PER_STEP else offset_of(rows[-1][0]) + 1
        yield from _delete_before(db, partition_id, start, limit, waits)
        if young is not None:
            return
        start = limit


def _delete_before(db: sqlite3.Connection, partition_id: int, start: int, limit: int, waits: bool) -> Iterator[None]:
    while start < limit:
        with _transaction(db):
            # A group may have registered since the limit was found.
            (floor,) = db.execute(
                "SELECT min(next_offset) FROM groups WHERE partition_id = ?", (partition_id,)
            ).fetchone()
            step = min(start + _ROWS_PER_STEP, limit, floor if waits and floor is not None else limit)
            if step <= start:
                return
            db.execute(
                "DELETE FROM records WHERE id >= ? AND id < ?",
                (record_id(partition_id, start), record_id(partition_id, step)),
            )
            db.execute("UPDATE partitions SET start_offset = ? WHERE id = ?", (step, partition_id))
        start = step
        yield


def _give_back(db: sqlite3.Connection) -> Iterator[None]:
    """Return free pages to the file system."""
    gave = False
    while db.execute("PRAGMA freelist_count").fetchone()[0] > _FREE_PAGES_KEPT:
        db.execute(f"PRAGMA incremental_vacuum({_PAGES_PER_STEP})").fetchall()
        gave = True
        yield
    if gave:
        # Passive: one that waits for readers, such as a backup, would keep every append waiting.
        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


class _transaction:  # noqa: N801 - reads as a statement
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK on an error."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, error: object, *_: object) -> None:
        self._db.execute("COMMIT" if error is None else "ROLLBACK")
