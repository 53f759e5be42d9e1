"""The embedded log's only writer: a thread that commits whatever waits in one transaction (group commit)."""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from services.common.errors import place_of
from services.common.log.embedded.many import insert_many, update_ends
from services.common.log.embedded.schema import Row, record_id, to_row
from services.common.log.port import Fenced, LogError, LogUnavailable, NewRecord, UnknownTopic

log = structlog.get_logger()

# One transaction takes at most this much, so that a flood of appends cannot make one commit arbitrarily long.
_TRANSACTION_BYTES: Final = 8 << 20
_IDLE_SECONDS: Final = 1.0
_LATEST_MS: Final = (1 << 63) - 1
# While units keep coming, one step of it this often, and after this much: the size limit must hold on a fast disk too.
_HOUSEKEEPING_SECONDS: Final = 0.05
_HOUSEKEEPING_BYTES: Final = _TRANSACTION_BYTES

# A group starts at the oldest record there is; the WHERE also keeps ON CONFLICT from being read as a join.
_REGISTER: Final = (
    "INSERT INTO groups SELECT ?, id, start_offset FROM partitions WHERE id = ?"
    " ON CONFLICT (name, partition_id) DO NOTHING"
)
_COMMIT: Final = "ON CONFLICT (name, partition_id) DO UPDATE SET next_offset = excluded.next_offset"


@dataclass(frozen=True, slots=True)
class Ownership:
    """A group's claim on one partition; a later claim has a higher `epoch`."""

    group: str
    partition_id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Unit:
    """What becomes durable together: records, and the offset of the claim that wrote them."""

    records: Sequence[NewRecord]
    owner: Ownership | None = None
    next_offset: int = 0
    register: bool = False  # remember the group, from the oldest record on, unless it has an offset
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Writer:
    """Takes units from the event loop and answers them once they are on the disk.

    Memory is bounded by the callers: each waits for its unit before it submits the next.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        partition_ids: dict[tuple[str, int], int],
        on_commit: Callable[[dict[int, int]], None],
        housekeeping: Callable[[sqlite3.Connection], bool],
    ) -> None:
        """`on_commit` gets the new end offsets by partition id, on the event loop. `housekeeping` is called in the
        thread between transactions, does a little work and says whether more waits."""
        self._db = db
        self._partition_ids = partition_ids
        self._on_commit = on_commit
        self._housekeeping = housekeeping
        self._ends: dict[int, int] = dict(db.execute("SELECT id, next_offset FROM partitions"))
        self._epochs: dict[tuple[str, int], int] = {}
        self._queue: queue.SimpleQueue[Unit | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log-write", daemon=True)
        self._thread.start()

    def take_over(self, group: str, partition_id: int) -> Ownership:
        """Fence earlier owners: their units that are not yet on the disk will fail."""
        epoch = self._epochs.get((group, partition_id), 0) + 1
        self._epochs[group, partition_id] = epoch
        return Ownership(group, partition_id, epoch)

    async def submit(self, unit: Unit) -> None:
        """Wait until the unit is durable. Raises `Fenced`, or `LogUnavailable` if nothing of it was written."""
        if self._closed:
            raise LogUnavailable("the log is closed")
        self._queue.put(unit)
        # Shielded: a caller that leaves does not undo what the thread may be writing.
        await asyncio.shield(unit.done)

    async def close(self) -> None:
        """Write what was submitted and end the thread."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        more, last, written = True, time.monotonic(), 0
        while True:
            closing = False
            try:
                first = self._queue.get(timeout=0.001 if more else _IDLE_SECONDS)
            except queue.Empty:
                pass
            else:
                units, size, closing = self._take(first)
                if units:
                    self._write(units)
                written += size
                recent = time.monotonic() - last < _HOUSEKEEPING_SECONDS and written < _HOUSEKEEPING_BYTES
                if recent and not closing:
                    continue
            if closing:
                return
            more, last, written = self._keep_house(), time.monotonic(), 0

    def _take(self, first: Unit | None) -> tuple[list[Unit], int, bool]:
        """`first` and what waits behind it within a transaction's size; their bytes; whether the writer is to end."""
        units: list[Unit] = []
        size = 0
        unit = first
        while unit is not None:
            units.append(unit)
            size += sum(len(record.value or b"") for record in unit.records)
            if size >= _TRANSACTION_BYTES:
                return units, size, False
            try:
                unit = self._queue.get_nowait()
            except queue.Empty:
                return units, size, False
        return units, size, True

    def _keep_house(self) -> bool:
        try:
            return self._housekeeping(self._db)
        except Exception as error:  # tried again later; the thread must live, or everybody waits for ever
            log.error("retention failed", error=str(error) if isinstance(error, sqlite3.Error) else place_of(error))
            self._roll_back()
            return False

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # a connection that cannot even do that says so at the next BEGIN
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _write(self, units: list[Unit]) -> None:
        answers: list[tuple[Unit, LogError | None]] = []
        ends: dict[int, int] = {}
        try:
            self._db.execute("BEGIN IMMEDIATE")
            rows: list[Row] = []
            offsets: list[tuple[str, int, int]] = []
            answers += [(unit, self._apply(unit, rows, offsets, ends)) for unit in units]
            insert_many(self._db, "INSERT INTO records VALUES", rows)
            insert_many(self._db, "INSERT INTO groups VALUES", offsets, _COMMIT)
            update_ends(self._db, ends)
            self._db.execute("COMMIT")
        except Exception as error:  # whatever it is: the thread must live, or everybody waits for ever
            self._roll_back()
            reason = str(error) if isinstance(error, sqlite3.Error) else place_of(error)
            failure = LogUnavailable(f"the log cannot be written: {reason}")
            answers, ends = [(unit, failure) for unit in units], {}
        self._ends.update(ends)
        self._loop.call_soon_threadsafe(self._answer, answers, ends)

    def _apply(
        self, unit: Unit, rows: list[Row], offsets: list[tuple[str, int, int]], ends: dict[int, int]
    ) -> LogError | None:
        for record in unit.records:  # checked here, so that what cannot be written fails alone
            if (record.topic, record.partition) not in self._partition_ids:
                return UnknownTopic(f"the log has no {record.topic}[{record.partition}]")
            if not 0 <= record.timestamp_ms <= _LATEST_MS:
                return LogError(f"{record.topic}: a record's time must be 0 to {_LATEST_MS} ms since the epoch")
        owner = unit.owner
        if owner is not None:
            if self._epochs[owner.group, owner.partition_id] != owner.epoch:
                return Fenced(f"group {owner.group}: another owner has claimed the partition")
            if unit.register:
                self._db.execute(_REGISTER, (owner.group, owner.partition_id))
            else:
                offsets.append((owner.group, owner.partition_id, unit.next_offset))
        for record in unit.records:
            partition_id = self._partition_ids[record.topic, record.partition]
            end = ends[partition_id] if partition_id in ends else self._ends[partition_id]
            rows.append(to_row(record, record_id(partition_id, end)))
            ends[partition_id] = end + 1
        return None

    def _answer(self, answers: list[tuple[Unit, LogError | None]], ends: dict[int, int]) -> None:
        for unit, error in answers:
            if unit.done.done():
                continue
            if error is None:
                unit.done.set_result(None)
            else:
                unit.done.set_exception(error)
        self._on_commit(ends)
