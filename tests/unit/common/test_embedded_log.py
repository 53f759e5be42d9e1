"""What only the embedded log does: one writer, retention, compaction, the size limit, the disk."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.common.log.embedded.log import EmbeddedLog
from services.common.log.embedded.reader import EmbeddedReader
from services.common.log.embedded.retention import Retention, used_bytes
from services.common.log.port import (
    LogError,
    LogFull,
    LogLocked,
    LogUnavailable,
    NewRecord,
    OffsetOutOfRange,
    UnknownTopic,
)
from services.common.log.topics import TopicSpec

TOPICS = (
    TopicSpec("read.v1", 60_000, "delete", "a group reads it", sheds="read"),
    TopicSpec("unread.v1", 60_000, "delete", "no group reads it"),
    TopicSpec("history.v1", 60_000, "delete", "no group reads it, and it may go early", sheds="oldest"),
    TopicSpec("state.v1", 60_000, "compact", "newest of each key"),
    TopicSpec("letters.v1", 60_000, "delete", "a group handles some of it", waits=False),
)


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def record(topic: str, value: bytes, key: bytes | None = b"k", at: float = 1_000.0) -> NewRecord:
    return NewRecord(topic, 0, key, value, int(at * 1000))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def open_log(path: Path, clock: Clock, max_bytes: int = 1 << 30) -> EmbeddedLog:
    return EmbeddedLog(path, 1, TOPICS, Retention(TOPICS, max_bytes, clock, round_seconds=0.02))


async def test_a_second_writer_is_refused_with_a_clear_message(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db", 1, TOPICS)
    code = (
        "import asyncio, sys; from pathlib import Path; from services.common.log.embedded.log import EmbeddedLog\n"
        "async def main(): EmbeddedLog(Path(sys.argv[1]), 1)\n"
        "asyncio.run(main())"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", code, str(tmp_path / "log.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"held by process {os.getpid()}" in done.stderr
    assert "TRIAGE_DATA_DIR" in done.stderr
    await log.close()
    await EmbeddedLog(tmp_path / "log.db", 1, TOPICS).close()  # the lock went with the first


async def test_a_second_log_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db", 1, TOPICS)
    with pytest.raises(LogLocked):
        EmbeddedLog(tmp_path / "log.db", 1, TOPICS)
    await log.close()


async def test_a_reader_works_beside_the_writer_and_after_it(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db", 1, TOPICS)
    reader = EmbeddedReader(tmp_path / "log.db")
    await log.append([NewRecord("unread.v1", 0, b"k", b"v", 1 << 50)])
    assert [r.value for r in await reader.read("unread.v1", 0, 0, 10, 100)] == [b"v"]
    await log.close()
    await reader.close()
    reader = EmbeddedReader(tmp_path / "log.db")
    assert [r.value for r in await reader.read("unread.v1", 0, 0, 10, 100)] == [b"v"]
    await reader.close()


def test_a_reader_says_what_to_do_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="does not exist: start the stack first"):
        EmbeddedReader(tmp_path / "log.db")


async def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "other.db")
    db.execute("CREATE TABLE t (x)")
    db.close()
    with pytest.raises(LogError, match="log format 0"):
        EmbeddedLog(tmp_path / "other.db", 1, TOPICS)


async def test_the_partition_count_never_changes_in_place(tmp_path: Path) -> None:
    await EmbeddedLog(tmp_path / "log.db", 2, TOPICS).close()
    with pytest.raises(LogError, match="LOG_PARTITIONS=2"):
        EmbeddedLog(tmp_path / "log.db", 3, TOPICS)


async def test_a_log_of_fewer_topics_gets_the_others_and_new_groups_read_all_it_has(tmp_path: Path) -> None:
    older = [spec for spec in TOPICS if spec.name != "state.v1"]
    clock = Clock()  # by the real one these records are too old to be kept once a group has read them
    log = EmbeddedLog(tmp_path / "log.db", 1, older, Retention(older, 1 << 30, clock))
    await log.append([record("read.v1", str(n).encode()) for n in range(3)])
    claim = await log.claim("old", "read.v1", 0)
    await claim.commit([], 3)
    await log.close()
    log = open_log(tmp_path / "log.db", clock)
    assert set(log.topics()) == {spec.name for spec in TOPICS}
    await log.append([record("state.v1", b"s")])
    claim = await log.claim("new", "read.v1", 0)
    assert [r.value for r in await claim.fetch(10, 1 << 20)] == [b"0", b"1", b"2"]
    assert (await log.claim("old", "read.v1", 0)).position == 3
    assert [[r.value for r in records] async for records in claim.state("state.v1")] == [[b"s"]]
    await log.close()


async def test_retention_frees_the_disk_but_not_what_a_group_has_yet_to_read(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "log.db"
    log = open_log(path, clock)
    claim = await log.claim("g", "read.v1", 0)
    for _ in range(40):
        await log.append([record(topic, os.urandom(10_000)) for topic in ("read.v1", "unread.v1") for _ in range(10)])
    assert path.stat().st_size + path.with_name("log.db-wal").stat().st_size > 8_000_000
    fetched = await claim.fetch(100, 1 << 20)
    await claim.commit([], fetched[-1].offset + 1)
    clock.now += 61
    await log.append([record("unread.v1", b"young", at=clock.now)])

    async def bounds() -> tuple[int, int]:
        return (await log.bounds("read.v1"))[0].start, (await log.bounds("unread.v1"))[0].start

    async with asyncio.timeout(20):
        while await bounds() != (len(fetched), 400):
            await asyncio.sleep(0.01)
    assert len(await claim.fetch(1_000, 1 << 30)) == 400 - len(fetched)  # all that was unread is still there
    assert [r.value for r in await log.read("unread.v1", 0, 400, 10, 100)] == [b"young"]
    with pytest.raises(OffsetOutOfRange):
        await log.read("unread.v1", 0, 0, 10, 100)
    await claim.commit([], 400)
    await until(lambda: path.stat().st_size < 3_000_000)  # given back to the file system, not only marked as free
    await log.close()


async def test_compaction_keeps_the_newest_of_each_key(tmp_path: Path) -> None:
    clock = Clock()
    log = open_log(tmp_path / "log.db", clock)
    for n in range(1_200):
        await log.append([record("state.v1", str(n).encode(), key=str(n % 3).encode()), record("state.v1", b"", None)])

    async def keyed() -> list[bytes | None]:
        found = await log.read("state.v1", 0, 0, 10_000, 1 << 20)
        return [r.value for r in found if r.key is not None]

    async with asyncio.timeout(20):
        while len(await keyed()) > 600:
            await asyncio.sleep(0.02)
    assert (await keyed())[-3:] == [b"1197", b"1198", b"1199"]
    assert (await log.bounds("state.v1"))[0].end == 2_400
    claim = await log.claim("g", "read.v1", 0)
    restored = {r.key: r.value async for records in claim.state("state.v1") for r in records if r.key is not None}
    assert restored == {b"0": b"1197", b"1": b"1198", b"2": b"1199"}  # whole, over the gaps
    await log.close()


async def test_over_the_size_limit_read_records_go_first_and_then_appends_are_refused(tmp_path: Path) -> None:
    clock = Clock()
    log = open_log(tmp_path / "log.db", clock, max_bytes=2_000_000)
    claim = await log.claim("g", "read.v1", 0)

    async def fill() -> None:
        async with asyncio.timeout(20):
            while True:
                await log.append([record("read.v1", os.urandom(50_000))])

    with pytest.raises(LogFull, match="LOG_MAX_BYTES"):
        await fill()
    records = await claim.fetch(10_000, 1 << 30)
    await claim.commit([record("read.v1", b"a stage may still commit")], records[-1].offset + 1)

    async def accepted() -> bool:
        try:
            await log.append([record("read.v1", b"again")])
        except LogFull:
            return False
        return True

    async with asyncio.timeout(20):
        while not await accepted():
            await asyncio.sleep(0.01)
    assert len(records) > 30
    await log.close()


async def test_what_no_group_reads_goes_early_only_where_the_topic_sheds(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log.db", Clock(), max_bytes=2_000_000)
    await log.append([record("unread.v1", os.urandom(50_000)) for _ in range(10)])
    async with asyncio.timeout(20):
        for _ in range(100):  # five times what fits
            while True:
                try:
                    await log.append([record("history.v1", os.urandom(100_000))])
                    break
                except LogFull:
                    await asyncio.sleep(0.01)
    async with asyncio.timeout(20):
        while (await log.bounds("history.v1"))[0].start <= 50:
            await asyncio.sleep(0.01)
    assert (await log.bounds("history.v1"))[0].end == 100
    assert (await log.bounds("unread.v1"))[0].start == 0
    await log.close()


async def test_a_disk_that_cannot_be_written_fails_the_append_and_nothing_of_it_is_there(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log.db", Clock())
    await log.append([record("unread.v1", b"before")])
    log._db.execute("PRAGMA max_page_count = 1")  # SQLite then answers as on a full disk
    with pytest.raises(LogUnavailable, match="full"):
        await log.append([record("unread.v1", os.urandom(100_000)) for _ in range(20)])
    log._db.execute("PRAGMA max_page_count = 1000000")
    await log.append([record("unread.v1", b"after")])
    assert [r.value for r in await log.read("unread.v1", 0, 0, 100, 1 << 20)] == [b"before", b"after"]
    await log.close()


async def test_used_bytes_counts_what_is_not_free(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log.db", Clock())
    await log.append([record("unread.v1", os.urandom(100_000)) for _ in range(10)])
    assert await log.run(used_bytes) > 1_000_000
    await log.close()


async def test_a_unit_for_a_topic_that_is_not_there_fails_alone(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log.db", Clock())
    good, bad = await asyncio.gather(
        log.append([record("unread.v1", b"good")]), log.append([record("nowhere.v1", b"bad")]), return_exceptions=True
    )
    assert good is None
    assert isinstance(bad, UnknownTopic)
    await log.close()


async def test_an_unexpected_error_in_the_writer_fails_its_units_and_the_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path / "log.db", Clock())

    def broken(*_: object) -> None:
        raise TypeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr("services.common.log.embedded.writer.insert_many", broken)
        with pytest.raises(LogUnavailable, match="TypeError"):
            await log.append([record("unread.v1", b"lost")])
    await log.append([record("unread.v1", b"kept")])
    assert [r.value for r in await log.read("unread.v1", 0, 0, 10, 1 << 20)] == [b"kept"]
    await log.close()


async def test_what_waits_for_a_group_that_has_not_come_yet_stays(tmp_path: Path) -> None:
    clock = Clock()
    log = open_log(tmp_path / "log.db", clock, max_bytes=2_000_000)

    async def fill() -> int:
        accepted = 0
        async with asyncio.timeout(20):
            while True:
                try:
                    await log.append([record("read.v1", os.urandom(50_000))])
                except LogFull:
                    return accepted
                accepted += 1

    accepted = await fill()
    clock.now += 1_000
    await asyncio.sleep(0.3)  # rounds go by, every 20 ms
    claim = await log.claim("late", "read.v1", 0)
    assert len(await claim.fetch(10_000, 1 << 30)) == accepted
    await log.close()


async def test_the_limit_holds_while_stages_keep_up(tmp_path: Path) -> None:
    limit = 32 << 20
    value = os.urandom(500_000)
    log = open_log(tmp_path / "log.db", Clock(), max_bytes=limit)
    claim = await log.claim("g", "read.v1", 0)
    largest = done = 0
    async with asyncio.timeout(60):
        while done < 150:  # four times what fits
            try:
                await log.append([record("read.v1", value)])
            except LogFull:
                await asyncio.sleep(0.01)
                continue
            records = await claim.fetch(10, 1 << 30)
            await claim.commit([record("history.v1", value)], records[-1].offset + 1)
            done += len(records)
            largest = max(largest, await log.run(used_bytes))
    assert largest < 1.5 * limit
    await log.close()


async def test_a_group_that_registers_while_retention_runs_starts_at_what_is_left(tmp_path: Path) -> None:
    clock = Clock()
    log = open_log(tmp_path / "log.db", clock)
    await log.append([record("unread.v1", b"old") for _ in range(500)])
    clock.now += 61
    for n in range(20):
        claim = await log.claim(f"g{n}", "unread.v1", 0)
        await log.append([record("unread.v1", b"young", at=clock.now)])
        assert (await claim.fetch(10_000, 1 << 20))[-1].value == b"young"
    await log.close()


async def test_a_reader_that_stays_in_a_transaction_does_not_hold_up_appends(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "log.db"
    log = open_log(path, clock)
    await log.append([record("unread.v1", os.urandom(100_000)) for _ in range(40)])
    backup = sqlite3.connect(path)
    backup.execute("BEGIN")
    backup.execute("SELECT count(*) FROM records").fetchone()
    clock.now += 61
    async with asyncio.timeout(10):
        while (await log.bounds("unread.v1"))[0].start < 40:
            await asyncio.sleep(0.01)
        for _ in range(50):
            await log.append([record("unread.v1", b"x", at=clock.now)])
    backup.close()
    await log.close()


async def test_a_start_that_died_half_way_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    code = (
        "import os, sys; from pathlib import Path; from services.common.log.embedded import schema\n"
        "real = schema.insert_many\n"
        "def dying(db, *rest):\n"
        "    if db.execute('SELECT count(*) FROM partitions').fetchone() != (0,): os._exit(9)\n"
        "    real(db, *rest)\n"
        "schema.insert_many = dying\n"
        "from services.common.log.topics import TOPICS\n"
        "schema.prepare(schema.connect(Path(sys.argv[1])), Path(sys.argv[1]), TOPICS, 12)\n"
    )
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == 9
    log = EmbeddedLog(path, 3, TOPICS)  # with other settings, even
    assert log.partitions("read.v1") == 3
    await log.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"not a database, " * 1000)
    with pytest.raises(LogError, match="cannot be used as a log"):
        EmbeddedLog(tmp_path / "log.db", 1, TOPICS)
    with pytest.raises(LogError, match="cannot be read as a log"):
        EmbeddedReader(tmp_path / "log.db")


async def test_a_record_that_cannot_be_written_fails_alone(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log.db", Clock())
    good, bad = await asyncio.gather(
        log.append([record("unread.v1", b"good")]),
        log.append([NewRecord("unread.v1", 0, b"k", b"bad", 1 << 70)]),
        return_exceptions=True,
    )
    assert good is None
    assert isinstance(bad, LogError)
    assert not isinstance(bad, LogUnavailable)
    await log.close()


async def test_the_writer_survives_a_failing_retention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retention = Retention(TOPICS, round_seconds=0.0)
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def broken(*_: object) -> bool:
        loop.call_soon_threadsafe(failed.set)
        raise MemoryError

    monkeypatch.setattr(retention, "step", broken)
    log = EmbeddedLog(tmp_path / "log.db", 1, TOPICS, retention)
    await asyncio.wait_for(failed.wait(), 10)
    await log.append([NewRecord("unread.v1", 0, b"k", b"v", 1 << 50)])
    await log.close()


async def test_dead_letters_go_in_time_although_somebody_replays_some(tmp_path: Path) -> None:
    clock = Clock()
    log = open_log(tmp_path / "log.db", clock)
    await log.append([record("letters.v1", b"old")])
    await log.claim("replayer", "letters.v1", 0)
    clock.now += 1_000
    async with asyncio.timeout(20):
        while not (await log.bounds("letters.v1"))[0].start:
            await asyncio.sleep(0.01)
    await log.close()
