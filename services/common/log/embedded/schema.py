"""The embedded log's file: tables, record identifiers and connections.

One table holds the records of every partition. Its key is the partition's number in the upper bits and the offset in
the lower 40, so that each partition is one contiguous range of the B-tree: appends go to the range's end, reads are
range scans, and retention frees whole pages.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson

from services.common.log.embedded.many import MOST_ROWS, insert_many
from services.common.log.port import Headers, LogError, NewRecord, Record
from services.common.log.topics import TopicSpec

OFFSET_BITS: Final = 40
SCHEMA_VERSION: Final = 1
_OLDEST_SQLITE: Final = (3, 35)  # UPDATE … FROM, and upserts as they are written here

_DDL: Final = """
CREATE TABLE log (
    identity TEXT NOT NULL
);
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    start_offset INTEGER NOT NULL DEFAULT 0,
    next_offset INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, partition)
);
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    timestamp_ms INTEGER NOT NULL,
    key BLOB,
    value BLOB,
    headers BLOB
);
CREATE TABLE groups (
    name TEXT NOT NULL,
    partition_id INTEGER NOT NULL REFERENCES partitions (id),
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (name, partition_id)
) WITHOUT ROWID;
"""

Row = tuple[int, int, bytes | None, bytes | None, bytes | None]


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may write. WAL lets readers go on; FULL makes a commit survive a power loss.

    Raises `LogError` where Python's SQLite is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise LogError(f"the embedded log needs SQLite 3.35 or newer, this Python has {sqlite3.sqlite_version}")
    # Texts and names of people: for the owner's eyes. SQLite gives its other files the same mode.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    db = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=4 * MOST_ROWS
    )
    try:
        _configure(db)
    except sqlite3.DatabaseError as error:
        raise LogError(f"{path} cannot be used as a log ({error}): use another LOG_URL, or restore it") from None
    return db


def _configure(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table: retention gives pages back to the disk
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA journal_size_limit = {64 << 20}")


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, for readers in this or another process."""
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=30,
    )
    check_version(db, path)
    return db


def check_version(db: sqlite3.Connection, path: Path) -> None:
    """Raise `LogError` unless the file is a log of this schema version."""
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise LogError(f"{path} cannot be read as a log ({error}): use another LOG_URL, or restore it") from None
    if version != SCHEMA_VERSION:
        raise LogError(f"{path} has log format {version}, this program reads {SCHEMA_VERSION}: use another LOG_URL")


def prepare(db: sqlite3.Connection, path: Path, topics: Sequence[TopicSpec], partitions: int) -> None:
    """Create the tables of a new file, and the topics that are not there yet.

    Raises `LogError` if an existing topic has another number of partitions: keys would change their partition.
    """
    db.execute("BEGIN IMMEDIATE")  # all of it or nothing: a process may die in its first second
    try:
        _create(db, path, topics, partitions)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _create(db: sqlite3.Connection, path: Path, topics: Sequence[TopicSpec], partitions: int) -> None:
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        for statement in _DDL.split(";"):
            db.execute(statement)
        db.execute("INSERT INTO log VALUES (lower(hex(randomblob(8))))")
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    check_version(db, path)
    existing = dict(db.execute("SELECT topic, count(*) FROM partitions GROUP BY topic"))
    for topic in topics:
        have = existing.get(topic.name, 0)
        if have not in (0, partitions):
            raise LogError(
                f"{path}: topic {topic.name} has {have} partitions, {partitions} were asked for. A partition count"
                f" never changes in place: set LOG_PARTITIONS={have}, or start a new file with another LOG_URL"
            )
        if not have:
            insert_many(
                db, "INSERT INTO partitions (topic, partition) VALUES", [(topic.name, n) for n in range(partitions)]
            )


def record_id(partition_id: int, offset: int) -> int:
    """Key of a record: unique, ordered by partition, then offset."""
    return (partition_id << OFFSET_BITS) | offset


def offset_of(identifier: int) -> int:
    """Offset part of a record's key."""
    return identifier & ((1 << OFFSET_BITS) - 1)


def to_row(record: NewRecord, identifier: int) -> Row:
    """The row of a record."""
    headers = None
    if record.headers:
        headers = orjson.dumps([(name, value.decode("latin-1")) for name, value in record.headers])
    return identifier, record.timestamp_ms, record.key, record.value, headers


def to_record(topic: str, partition: int, row: Row) -> Record:
    """The record of a row."""
    identifier, timestamp_ms, key, value, encoded = row
    headers: Headers = ()
    if encoded is not None:
        headers = tuple((name, value.encode("latin-1")) for name, value in orjson.loads(encoded))
    return Record(topic, partition, offset_of(identifier), key, value, timestamp_ms, headers)
