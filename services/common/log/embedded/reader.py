"""Reading the embedded log without a group, in the writing process or beside it."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from services.common.log.embedded.schema import Row, connect_read_only, record_id, to_record
from services.common.log.port import Bounds, LogError, LogUnavailable, OffsetOutOfRange, Record, Scanned, UnknownTopic

T = TypeVar("T")

_READ_THREADS: Final = 4


class EmbeddedReader:
    """The port's `Reader` on an SQLite file: reads run in a few threads, each with a read-only connection."""

    def __init__(self, path: Path) -> None:
        """Open the file read-only. Raises `LogError` if it is not there or is no log."""
        if not path.exists():
            raise LogError(
                f"{path} does not exist: start the stack first (`make run`), or set LOG_URL or TRIAGE_DATA_DIR"
            )
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(_READ_THREADS, thread_name_prefix="log-read")
        self._ids: dict[str, list[int]] = {}
        (identity,) = self._connection().execute("SELECT identity FROM log").fetchone()
        self._identity = str(identity)
        for topic, partition_id in self._connection().execute(
            "SELECT topic, id FROM partitions ORDER BY topic, partition"
        ):
            self._ids.setdefault(topic, []).append(partition_id)

    @property
    def identity(self) -> str:
        """See `Reader.identity`."""
        return self._identity

    def topics(self) -> Sequence[str]:
        """See `Reader.topics`."""
        return list(self._ids)

    def partitions(self, topic: str) -> int:
        """See `Reader.partitions`."""
        return len(self.partition_ids(topic))

    def partition_ids(self, topic: str) -> list[int]:
        """Row ids of the topic's partitions, by partition number. Raises `UnknownTopic`."""
        try:
            return self._ids[topic]
        except KeyError:
            raise UnknownTopic(f"no topic {topic!r} in {self._path}; there are {', '.join(self._ids)}") from None

    async def bounds(self, topic: str) -> Sequence[Bounds]:
        """See `Reader.bounds`."""
        ids = self.partition_ids(topic)
        return await self.run(lambda db: _bounds(db, ids))

    async def read(self, topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> Sequence[Record]:
        """See `Reader.read`."""
        partition_id = self.partition_ids(topic)[partition]

        def read(db: sqlite3.Connection) -> list[Record]:
            db.execute("BEGIN")  # one snapshot for bounds and records
            try:
                (bounds,) = _bounds(db, [partition_id])
                if not bounds.start <= offset <= bounds.end:
                    raise OffsetOutOfRange(topic, partition, offset, bounds)
                rows = _read_rows(db, partition_id, offset, bounds.end, max_records, max_bytes)
            finally:
                db.execute("COMMIT")
            return [to_record(topic, partition, row) for row in rows]

        return await self.run(read)

    async def scan(self, topic: str, partition: int, offset: int, max_records: int, max_bytes: int) -> Scanned:
        """See `Reader.scan`."""
        records, end = await self.read(topic, partition, offset, max_records, max_bytes), offset
        if not records:  # compaction leaves gaps: nothing up to an end that was asked for before looking again
            end = max(offset, (await self.bounds(topic))[partition].end)
            records = await self.read(topic, partition, offset, max_records, max_bytes)
        return Scanned(records, records[-1].offset + 1 if records else end)

    async def group_lags(self) -> Sequence[tuple[str, str, int]]:
        """See `Reader.group_lags`."""
        return await self.run(
            lambda db: db.execute(
                "SELECT name, topic, sum(partitions.next_offset - groups.next_offset) FROM groups"
                " JOIN partitions ON partitions.id = partition_id GROUP BY name, topic ORDER BY name, topic"
            ).fetchall()
        )

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a reading thread. Raises `LogUnavailable` if the file cannot be read."""

        def call() -> T:
            try:
                return work(self._connection())
            except sqlite3.Error as error:
                raise LogUnavailable(f"{self._path} cannot be read: {error}") from error

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = connect_read_only(self._path)
            self._connections.append(db)
        return db

    async def close(self) -> None:
        """See `Reader.close`."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for db in self._connections:
            db.close()


def _read_rows(
    db: sqlite3.Connection, partition_id: int, offset: int, end: int, max_records: int, max_bytes: int
) -> list[Row]:
    """Rows from `offset` to before `end`: at most `max_records`, and none further once values pass `max_bytes`."""
    cursor = db.execute(
        "SELECT id, timestamp_ms, key, value, headers FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (record_id(partition_id, offset), record_id(partition_id, end), max_records),
    )
    rows: list[Row] = []
    size = 0
    for row in cursor:
        size += len(row[3] or b"")
        if rows and size > max_bytes:
            break
        rows.append(row)
    cursor.close()  # an open cursor would hold its snapshot, and with it the WAL
    return rows


def _bounds(db: sqlite3.Connection, partition_ids: Sequence[int]) -> list[Bounds]:
    select = "SELECT start_offset, next_offset FROM partitions WHERE id = ?"
    return [Bounds(*db.execute(select, (partition_id,)).fetchone()) for partition_id in partition_ids]
