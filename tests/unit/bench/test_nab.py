"""The scoring against the benchmark's own formulas, worked out by hand."""

import math

import numpy as np
import pytest

from bench.spikes.nab import LOW_FP, STANDARD, Tally, tally

WINDOWS = ((1000, 1200), (2000, 2200))


def alarms(*rows: int) -> np.typing.NDArray[np.bool_]:
    flags = np.zeros(6000, np.bool_)
    flags[list(rows)] = True
    return flags


def weight(position: float) -> float:
    return 2 / (1 + math.exp(5 * position)) - 1


def test_no_alarm_is_worth_nothing_and_the_first_row_of_each_window_everything() -> None:
    assert tally(alarms(), WINDOWS).score(STANDARD) == 0
    assert tally(alarms(1000, 2000), WINDOWS).score(LOW_FP) == pytest.approx(100, abs=1e-3)


def test_in_a_window_the_earliest_alarm_counts_alone() -> None:
    found = tally(alarms(1100, 1150, 1199), WINDOWS)
    assert (found.found, found.false) == (1, 0)
    assert found.score(STANDARD) == pytest.approx(100 * (weight(-0.5) / 0.98661 - 1 + 2) / 4)


def test_a_false_alarm_costs_less_just_after_a_window() -> None:
    far, near, early = (tally(alarms(row), WINDOWS) for row in (3000, 1209, 900))
    assert far.lost == early.lost == 1
    assert near.lost == pytest.approx(-weight(10 / 200))
    assert far.score(STANDARD) == pytest.approx(-100 * 0.11 / 4)
    assert far.score(LOW_FP) == pytest.approx(-100 * 0.22 / 4)


def test_the_probation_is_not_scored() -> None:
    assert tally(alarms(0, 749), WINDOWS).false == 0
    assert tally(alarms(750), WINDOWS).false == 1
    short = alarms(149, 150)[:1000]
    assert tally(short, ((800, 900),)).false == 1  # 15 % of 1,000 rows


def test_tallies_of_series_add_up() -> None:
    one, other = tally(alarms(1000), WINDOWS), tally(alarms(2000, 4000), WINDOWS)
    both: Tally = one + other
    assert (both.windows, both.found, both.false, both.rows) == (4, 2, 1, 2 * (6_000 - 750))
    assert both.mean == pytest.approx((both.score(STANDARD) + both.score(LOW_FP)) / 2)
