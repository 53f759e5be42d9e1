"""The watermark: the least of the partitions' marks, without those that are silent while the others move on."""

import pytest

from services.router.spikes.watermark import Watermark


def marked(*marks: tuple[int, int], partitions: int = 2) -> Watermark:
    watermark = Watermark(partitions)
    for partition, until in marks:
        watermark.mark(partition, until)
    return watermark


def test_it_is_the_least_of_all_marks() -> None:
    assert marked((0, 100), (1, 130)).value == 100


def test_it_waits_for_a_partition_of_which_nothing_was_heard_yet() -> None:
    assert marked((0, 100)).value is None


def test_it_never_goes_back() -> None:
    watermark = marked((0, 100), (1, 130), (0, 50))
    assert watermark.value == 100
    assert watermark.left_out() == []


@pytest.mark.parametrize("heard_first", [True, False])
def test_a_silent_partition_is_left_out_after_a_minute_and_taken_in_again(heard_first: bool) -> None:
    watermark = marked((1, 1000)) if heard_first else marked()
    for until in range(1000, 1060, 10):
        watermark.mark(0, until)
        assert watermark.left_out() == []
    watermark.mark(0, 1060)
    assert watermark.left_out() == [1]
    assert watermark.value == 1060
    watermark.mark(1, 1040)
    assert watermark.left_out() == []
    assert watermark.value == 1060  # what it brings is late
    watermark.mark(0, 1070)
    watermark.mark(1, 1070)
    assert watermark.value == 1070


def test_a_partition_that_works_off_a_backlog_is_waited_for_however_far_it_is_behind() -> None:
    watermark = marked((0, 10_000), (1, 0))
    for step in range(100):
        watermark.mark(0, 10_000 + 500 * step)
        watermark.mark(1, 10 * step)
        assert watermark.value == 10 * step
        assert watermark.left_out() == []


def test_leaps_of_the_furthest_tell_nothing_of_the_silent_ones() -> None:
    """While others work off a backlog, one that is still being restored has had no time to speak."""
    watermark = marked((0, 0), (1, 0), *((0, 128 * step) for step in range(1, 50)))
    assert watermark.left_out() == []
    assert watermark.value == 0


def test_it_goes_on_the_same_after_a_dump() -> None:
    watermark = marked((0, 1000))
    for until in range(1000, 1200, 10):
        copy = Watermark.load(watermark.dump())
        assert (copy.value, copy.left_out(), copy.dump()) == (
            watermark.value,
            watermark.left_out(),
            watermark.dump(),
        )
        watermark.mark(0, until)
