"""The counts by which the fault tests judge."""

from tests.faults.clients import Sighting, count_lost, count_out_of_order, count_repeated

FIRST, SECOND, THIRD = (Sighting(f"id-{n}", "ana", n) for n in range(3))
OTHER = Sighting("id-other", "berta", 0)
ACCEPTED = {sighting.mention_id for sighting in (FIRST, SECOND, THIRD, OTHER)}


def test_everything_once_and_in_order() -> None:
    seen = [FIRST, OTHER, SECOND, THIRD]
    assert (count_lost(ACCEPTED, seen), count_repeated(ACCEPTED, seen), count_out_of_order(seen)) == (0, 0, 0)


def test_a_lost_mention() -> None:
    seen = [FIRST, OTHER, THIRD]
    assert (count_lost(ACCEPTED, seen), count_repeated(ACCEPTED, seen), count_out_of_order(seen)) == (1, 0, 0)


def test_a_repeat_is_no_disorder() -> None:
    seen = [FIRST, SECOND, FIRST, OTHER, THIRD, THIRD]
    assert (count_lost(ACCEPTED, seen), count_repeated(ACCEPTED, seen), count_out_of_order(seen)) == (0, 2, 0)


def test_a_mention_of_an_earlier_round_is_a_repeat() -> None:
    assert count_repeated({FIRST.mention_id}, [FIRST, OTHER]) == 1


def test_disorder_counts_for_one_customer() -> None:
    assert count_out_of_order([SECOND, OTHER, FIRST, THIRD]) == 1
