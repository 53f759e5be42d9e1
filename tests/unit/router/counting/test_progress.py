"""How far a partition has come, and which clocks it does not follow."""

from services.common.log.port import Record
from services.common.stage.ticks import TICK_KEY
from services.router.counting.progress import Moment, Progress

START_MS = 1_768_478_400_000
START = START_MS // 1000
DAY = 86_400


def records(*seconds: float, key: bytes = b"k") -> list[Record]:
    return [Record("t", 0, n, key, b"", START_MS + int(s * 1000)) for n, s in enumerate(seconds)]


def ticks(*seconds: float) -> list[Record]:
    return records(*seconds, key=TICK_KEY)


def until(moment: Moment) -> int | None:
    """Seconds after the start; None while nothing is known."""
    return moment.until - START if moment.until else None


def committed(progress: Progress, *batches: list[Record]) -> list[int | None]:
    """After each of these batches."""
    found: list[int | None] = []
    for batch in batches:
        moment = progress.after(batch)
        progress.committed(moment)
        found.append(until(moment))
    return found


def test_the_newest_record_tells() -> None:
    moment = Progress().after(records(3, 22.5, 12))
    assert (until(moment), moment.bucket - START, moment.newest_ms) == (20, 20, START_MS + 22_500)


def test_what_clocks_two_seconds_apart_stamp_is_waited_for() -> None:
    moment = Progress().after(records(3, 12, 21.999))
    assert (until(moment), moment.bucket - START) == (10, 20)
    assert until(Progress().after(records(3, 12, 22))) == 20


def test_a_tick_has_waited_already() -> None:
    assert until(Progress().after([*records(3), *ticks(20)])) == 20


def test_it_never_goes_back() -> None:
    assert committed(Progress(), records(35, 36), records(2), records(37)) == [30, 30, 30]


def test_only_what_was_committed_is_remembered() -> None:
    progress = Progress()
    lost = progress.after(records(35, 36))
    assert progress.is_further(lost)
    assert until(progress.after(records(12, 13))) == 10


def test_a_first_record_alone_proves_nothing() -> None:
    assert committed(Progress(), records(35), records(36)) == [None, 30]
    assert committed(Progress(), records(DAY), records(35), records(45)) == [None, 30, 40]


def test_of_few_clocks_the_one_that_is_furthest_behind_is_trusted() -> None:
    assert committed(Progress(), records(DAY, DAY + 1, 15), records(25)) == [10, 20]


def test_a_lone_wrong_clock_is_not_followed() -> None:
    quiet = [ticks(s) for s in (0, 10, 20, 30)]
    assert committed(Progress(), *quiet, records(7_200), ticks(40)) == [None, 10, 20, 30, 30, 40]


def test_a_wrong_clock_among_several_is_not_followed() -> None:
    mixed = [second + DAY * (second % 3 == 2) for second in range(60)]
    moment = Progress().after(records(*mixed))
    assert (until(moment), moment.bucket - START) == (50, 50)


def test_after_a_pause_it_goes_on_as_soon_as_most_records_say_so() -> None:
    before = [ticks(s) for s in (0, 10, 20, 30)]
    after = [ticks(s) for s in (3_600, 3_610, 3_620)]
    assert committed(Progress(), *before, *after)[4:] == [30, 30, 3_620]


def test_after_a_pause_a_batch_is_enough() -> None:
    assert committed(Progress(), records(0, 1, 2, 3), records(*range(3_600, 3_613))) == [0, 3_610]


def test_a_backlog_is_followed_to_its_end() -> None:
    """What stood beyond would be counted all in one bucket, as a spike that never was."""
    moment = Progress().after(records(*range(1_000)))
    assert (until(moment), moment.bucket - START) == (990, 990)


def test_a_quiet_backlog_is_followed_too() -> None:
    """A mention in ten minutes, and nobody who ticked meanwhile: all but the last two, who have no witnesses."""
    moment = Progress().after(records(*range(0, 7_200, 600)))
    assert moment.bucket - START == 9 * 600


def test_a_backlog_with_a_pause_in_it_is_followed_as_nothing_falls_back() -> None:
    times = [*range(600), *range(7_200, 7_700)]
    assert Progress().after(records(*times)).bucket - START == 7_690
    short = [*range(600), *range(7_200, 7_260)]  # may be a wrong clock that came last
    assert Progress().after(records(*short)).bucket - START == 590
    wrong = [*range(600), *(second + (7_200 if second % 3 else 0) for second in range(600, 1_000))]
    assert Progress().after(records(*wrong)).bucket - START == 990
