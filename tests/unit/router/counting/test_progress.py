"""How far a partition has come, and which clocks it does not follow."""

from services.common.log.port import Record
from services.router.counting.progress import Moment, Progress

START_MS = 1_768_478_400_000
MINUTE_MS = 60_000


def records(*seconds: float, partition: int = 0) -> list[Record]:
    return [Record("t", partition, n, b"k", b"", START_MS + int(s * 1000)) for n, s in enumerate(seconds)]


def until(moment: Moment) -> int:
    """Seconds after the start."""
    return moment.until - START_MS // 1000


def committed(progress: Progress, *batches: list[Record]) -> list[int]:
    """After each of these batches."""
    found: list[int] = []
    for batch in batches:
        moment = progress.after(batch)
        progress.committed(batch[0].partition, moment)
        found.append(until(moment))
    return found


def test_the_newest_record_tells() -> None:
    moment = Progress().after(records(3, 19.999, 12))
    assert (until(moment), moment.newest_ms) == (10, START_MS + 19_999)


def test_it_never_goes_back() -> None:
    assert committed(Progress(), records(35), records(2), records(36)) == [30, 30, 30]


def test_partitions_are_apart() -> None:
    progress = Progress()
    assert committed(progress, records(35), records(12, partition=1)) == [30, 10]


def test_only_what_was_committed_is_remembered() -> None:
    progress = Progress()
    lost = progress.after(records(35))
    assert progress.is_further(0, lost)
    assert until(progress.after(records(12))) == 10


def test_a_lone_wrong_clock_is_not_followed() -> None:
    quiet = [records(s) for s in (0, 10, 20, 30)]
    assert committed(Progress(), *quiet, records(7_200), records(40)) == [0, 10, 20, 30, 30, 40]


def test_a_wrong_clock_among_several_is_not_followed() -> None:
    mixed = [second + 86_400 * (second % 3 == 2) for second in range(60)]
    assert committed(Progress(), records(*mixed)) == [50]


def test_after_a_gap_it_goes_on_as_soon_as_most_records_say_so() -> None:
    before = [records(s) for s in (0, 10, 20, 30)]
    after = [records(s) for s in (3_600, 3_610, 3_620)]
    assert committed(Progress(), *before, *after)[4:] == [30, 30, 3_620]


def test_after_a_gap_a_batch_is_enough() -> None:
    assert committed(Progress(), records(0, 1, 2, 3), records(*range(3_600, 3_610))) == [0, 3_600]
