"""Repeats are recognised by the records' own time, within bounds, after a restart too."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from mention_triage.v1.mention_pb2 import Mention
from services.common.contracts.records import timestamp
from services.common.log.partitioner import murmur2
from services.common.log.port import Record
from services.common.log.topics import MENTIONS, SEEN, SEEN_VOLUME, TOPICS
from services.common.stage.dedupe import SEEN_WINDOW_MS, Seen, Sighting, seen_records, split
from services.common.stage.ticks import TICK_KEY

HOUR = 3_600_000
A, B = "a" * 32, "b" * 32


def name(number: int) -> str:
    return f"{number:032x}"[::-1]


def sight(seen: Seen, mention_id: str, at_ms: int) -> None:
    seen.restore(seen_records(SEEN, 0, [Sighting(b"key", mention_id, at_ms)]))


def test_a_mention_is_known_after_its_output_only() -> None:
    seen = Seen(limit=10)
    assert not seen.has(A, 0)
    sight(seen, A, 0)
    assert seen.has(A, 1)
    assert not seen.has(B, 1)


def test_a_batch_is_split_into_what_is_new_and_what_is_not() -> None:
    seen = Seen(limit=10)
    sight(seen, A, HOUR)

    def record(offset: int, value: bytes | None) -> Record:
        return Record(MENTIONS, 0, offset, b"acme/x/1", value, HOUR)

    def mention(mention_id: str) -> bytes:
        return Mention(
            mention_id=mention_id, customer_key="acme/x/1", received_at=timestamp(HOUR + 7)
        ).SerializeToString()

    batch = [
        record(0, mention(A)), record(1, mention(B)), record(2, mention(B)), record(3, b"\xff"), record(4, None),
        record(5, mention("b" * 31)), replace(record(6, None), key=TICK_KEY), record(7, mention("c" * 32)),
    ]  # fmt: skip
    found = split(seen, batch)
    assert [(r.offset, m.mention_id) for r, m in found.fresh] == [(1, B), (7, "c" * 32)]
    assert found.repeats == 2
    assert [(r.record.offset, r.reason) for r in found.rejected] == [
        (3, "undecodable"), (4, "undecodable"), (5, "invalid")
    ]  # fmt: skip
    assert found.sightings == [Sighting(b"acme/x/1", B, HOUR + 7), Sighting(b"acme/x/1", "c" * 32, HOUR + 7)]
    seen.restore(seen_records(SEEN, 0, found.sightings))
    assert split(seen, batch).fresh == []


def test_what_each_stage_has_taken_is_kept_for_the_window() -> None:
    kept = {spec.name: spec.retention_ms for spec in TOPICS}
    assert kept[SEEN] == kept[SEEN_VOLUME] == SEEN_WINDOW_MS


def test_an_entry_is_the_hash_of_the_key_and_the_start_of_the_id() -> None:
    (record,) = seen_records(SEEN, 3, [Sighting(b"acme/x/1", A, 5 * HOUR + 7)])
    assert record.partition == 3
    assert record.timestamp_ms == 5 * HOUR
    assert record.value == murmur2(b"acme/x/1").to_bytes(4, "big") + bytes.fromhex(A)[:12]


def test_a_batch_over_an_hours_end_gives_a_record_per_hour() -> None:
    records = seen_records(SEEN, 0, [Sighting(b"k", A, HOUR - 1), Sighting(b"k", B, HOUR)])
    assert [r.timestamp_ms for r in records] == [0, HOUR]


def test_the_window_goes_by_the_mentions_own_time_whatever_else_is_known() -> None:
    seen = Seen(limit=10, window_ms=2 * HOUR)
    sight(seen, A, 0)
    assert seen.has(A, 3 * HOUR - 1)
    assert not seen.has(A, 3 * HOUR)
    sight(seen, B, 2 * HOUR)  # something newer changes nothing
    assert seen.has(A, 3 * HOUR - 1)


def test_what_left_the_window_is_forgotten() -> None:
    seen = Seen(limit=1_000, window_ms=2 * HOUR)
    for n in range(100):
        sight(seen, name(n), n * HOUR)
    assert len(seen) == 1 + 2 + 24  # its own hour, the window, and those that wrong clocks may add
    assert seen.cut == 0


def test_a_mention_dated_far_ahead_makes_nothing_else_forgotten() -> None:
    seen = Seen(limit=1_000)
    sight(seen, A, 0)
    sight(seen, B, 240 * HOUR)  # alone in its batch
    assert seen.has(A, 1)
    for n in range(1, 200):
        sight(seen, name(n), n * HOUR)
    assert seen.has(A, 200 * HOUR)


@given(
    steps=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), max_size=120),
    strays=st.sets(st.integers(0, 119), max_size=24),
)
# 24 hours of strays, then each mention comes in three hours in a row, among others that are new.
@example(
    steps=[(100 + n, 1) for n in range(24)] + [(n // 6, 1) if n % 2 else (200 + n, 0) for n in range(96)],
    strays=set(range(24)),
)
def test_forgetting_changes_no_answer(steps: list[tuple[int, int]], strays: set[int]) -> None:
    """Against one that never forgets: mentions hour by hour, up to 24 of them dated far ahead."""
    seen, hour_of, hour = Seen(limit=1_000, window_ms=2 * HOUR), dict[int, int](), 0
    for step, (number, later) in enumerate(steps):
        hour += later
        stated = hour + 500 if step in strays else hour
        repeat = number in hour_of and stated - hour_of[number] <= 2
        assert seen.has(name(number), stated * HOUR) == repeat
        if not repeat:
            sight(seen, name(number), stated * HOUR)
            hour_of[number] = stated


def test_the_limit_forgets_the_oldest_hours_and_says_so() -> None:
    seen = Seen(limit=3)
    for n in range(6):
        sight(seen, name(n), n * HOUR)
    assert len(seen) == 3
    assert seen.cut == 3
    assert seen.has(name(5), 5 * HOUR)
    assert not seen.has(name(0), 5 * HOUR)


def test_the_limit_holds_within_an_hour_too() -> None:
    seen = Seen(limit=3)
    seen.restore(seen_records(SEEN, 0, [Sighting(b"k", name(n), n) for n in range(10)]))
    assert len(seen) == 3
    assert seen.cut == 7
    assert [n for n in range(10) if seen.has(name(n), HOUR)] == [7, 8, 9]
    sight(seen, name(10), HOUR)
    assert [n for n in range(11) if seen.has(name(n), HOUR)] == [8, 9, 10]


def test_what_the_limit_forgets_after_the_window_is_not_cut() -> None:
    seen = Seen(limit=1, window_ms=2 * HOUR)
    sight(seen, A, 0)
    sight(seen, B, 3 * HOUR)
    assert (len(seen), seen.cut) == (1, 0)


def test_a_mention_output_again_after_the_window_is_kept_by_its_new_hour() -> None:
    seen = Seen(limit=10, window_ms=HOUR)
    sight(seen, A, 0)
    sight(seen, A, 2 * HOUR)
    assert seen.has(A, 3 * HOUR)
    assert len(seen) == 1
