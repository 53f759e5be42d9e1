"""Repeats are recognised by the records' own time, within bounds, after a restart too."""

from services.classify.dedupe import Seen, Sighting, seen_records
from services.common.log.partitioner import murmur2

HOUR = 3_600_000
A, B = "a" * 32, "b" * 32


def sight(seen: Seen, mention_id: str, at_ms: int) -> None:
    seen.restore(seen_records(0, [Sighting(b"key", mention_id, at_ms)]))


def test_a_mention_is_known_after_its_output_only() -> None:
    seen = Seen(limit=10)
    assert not seen.has(A, 0)
    sight(seen, A, 0)
    assert seen.has(A, 1)
    assert not seen.has(B, 1)


def test_an_entry_is_the_hash_of_the_key_and_the_start_of_the_id() -> None:
    (record,) = seen_records(3, [Sighting(b"acme/x/1", A, 5 * HOUR + 7)])
    assert record.partition == 3
    assert record.timestamp_ms == 5 * HOUR
    assert record.value == murmur2(b"acme/x/1").to_bytes(4, "big") + bytes.fromhex(A)[:12]


def test_a_batch_over_an_hours_end_gives_a_record_per_hour() -> None:
    records = seen_records(0, [Sighting(b"k", A, HOUR - 1), Sighting(b"k", B, HOUR)])
    assert [r.timestamp_ms for r in records] == [0, HOUR]


def test_the_window_goes_by_the_mentions_own_time_whatever_else_is_known() -> None:
    seen = Seen(limit=10, window_ms=2 * HOUR)
    sight(seen, A, 0)
    assert seen.has(A, 3 * HOUR - 1)
    assert not seen.has(A, 3 * HOUR)
    sight(seen, B, 2 * HOUR)  # something newer changes nothing
    assert seen.has(A, 3 * HOUR - 1)


def test_what_left_the_window_is_forgotten() -> None:
    seen = Seen(limit=10, window_ms=2 * HOUR)
    sight(seen, A, 0)
    sight(seen, B, 3 * HOUR)
    assert len(seen) == 1
    assert seen.cut == 0


def test_the_limit_forgets_the_oldest_hours_and_says_so() -> None:
    seen = Seen(limit=3)
    for n in range(6):
        sight(seen, f"{n:032x}"[::-1], n * HOUR)
    assert len(seen) == 3
    assert seen.cut == 3
    assert seen.has(f"{5:032x}"[::-1], 5 * HOUR)
    assert not seen.has(f"{0:032x}"[::-1], 5 * HOUR)


def test_a_mention_output_again_after_the_window_is_kept_by_its_new_hour() -> None:
    seen = Seen(limit=10, window_ms=HOUR)
    sight(seen, A, 0)
    sight(seen, A, 2 * HOUR)
    assert seen.has(A, 3 * HOUR)
    assert len(seen) == 1
