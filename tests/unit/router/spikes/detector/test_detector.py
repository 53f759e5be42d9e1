"""What the detector promises whatever the counts are."""

from dataclasses import fields

import numpy as np
import pytest

from services.router.spikes.detector import (
    DetectorState,
    Evidence,
    Scores,
    advance,
    dump,
    join,
    load,
    new_state,
    pick,
)
from services.router.spikes.detector.state import ARRAYS, F64

START = 1_735_689_600 - 3 * 3600
STEP = 60
SERIES = 4


@pytest.fixture(scope="module")
def counts() -> F64:
    """[T, S] Two days, with a burst and a gap."""
    random = np.random.default_rng(4)
    counts = random.poisson([1, 5, 20, 200], (2 * 1440, SERIES)).astype(np.float64)
    counts[2000:2030] *= 15
    counts[2300:2400] = np.nan
    return counts


def feed(state: DetectorState, counts: F64, first: int = 0) -> list[Scores]:
    """Rows from `first` on."""
    return [advance(state, START + row * STEP, counts[row]) for row in range(first, len(counts))]


def equal(one: DetectorState, other: DetectorState) -> bool:
    """Whether nothing tells them apart."""
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in ARRAYS)


def test_a_loaded_state_goes_on_identically(counts: F64) -> None:
    state = new_state(SERIES, STEP)
    feed(state, counts[:1990])
    restored = load(dump(state))
    assert equal(state, restored)
    for kept, loaded in zip(feed(state, counts, 1990), feed(restored, counts, 1990), strict=True):
        for field in fields(Scores):
            assert np.array_equal(getattr(kept, field.name), getattr(loaded, field.name), equal_nan=True)
    assert equal(state, restored)


def test_series_do_not_touch_each_other(counts: F64) -> None:
    together = new_state(SERIES, STEP)
    feed(together, counts)
    alone = [new_state(1, STEP) for _ in range(SERIES)]
    for one, state in enumerate(alone):
        feed(state, counts[:, one : one + 1])
    assert equal(together, join(alone))
    assert equal(pick(together, np.array([2, 0])), join([alone[2], alone[0]]))


def test_series_that_begin_later_are_as_if_alone(counts: F64) -> None:
    state = new_state(2, STEP)
    feed(state, counts[:1000, :2])
    state = join([state, new_state(2, STEP)])
    scores = feed(state, counts, 1000)
    late = new_state(2, STEP)
    expected = feed(late, counts[:, 2:], 1000)
    assert equal(pick(state, np.array([2, 3])), late)
    assert all(np.array_equal(one.score[2:], other.score) for one, other in zip(scores, expected, strict=True))


def test_rows_left_out_are_rows_without_data(counts: F64) -> None:
    told, left_out = new_state(SERIES, STEP), new_state(SERIES, STEP)
    feed(told, counts)
    for row in range(len(counts)):
        if not np.isnan(counts[row]).any():
            advance(left_out, START + row * STEP, counts[row])
    # Of rows left out, the mentions that may come in late are reckoned from the row after them.
    for name in ARRAYS:
        assert getattr(left_out, name) == pytest.approx(getattr(told, name), rel=0.1, nan_ok=True, abs=0.02), name


def test_a_burst_is_scored_and_explained(counts: F64) -> None:
    scores = feed(new_state(SERIES, STEP), counts)
    burst = scores[2005]
    assert burst.rising.all()
    assert burst.spiking.all()
    assert (burst.since <= START + 2005 * STEP).all()
    assert (burst.since >= START + 1990 * STEP).all()
    assert (burst.observed / burst.normal > 3).all()
    assert np.isclose(burst.window_seconds[:, None], new_state(1, STEP).scales).any(axis=1).all()
    assert np.sum([row.started for row in scores], axis=0).tolist() == [1, 1, 1, 1]
    calm = scores[-1]
    assert not (calm.rising | calm.spiking).any()
    assert np.isnan(calm.since).all()
    assert calm.expected == pytest.approx([1, 5, 20, 200], rel=0.3)


def test_a_spike_does_not_become_normal(counts: F64) -> None:
    steady, moved = new_state(SERIES, STEP), new_state(SERIES, STEP)
    usual = np.where(np.isnan(counts), np.nan, np.minimum(counts, [5, 12, 35, 250]))
    feed(steady, usual)
    feed(moved, counts)
    after = [advance(state, START + len(counts) * STEP, counts[0]).expected for state in (steady, moved)]
    assert after[1] == pytest.approx(after[0], rel=0.25)


def test_evidence_strengthens_what_the_counts_show(counts: F64) -> None:
    def last_rise(negative: float, more: float) -> F64:
        state = new_state(SERIES, STEP)
        for row in range(1800):
            advance(state, START + row * STEP, counts[row], evidence=evidence(counts[row], 0.2))
        for row in range(1800, 1820):
            scores = advance(
                state, START + row * STEP, counts[row] * more, evidence=evidence(counts[row] * more, negative)
            )
        return scores.rise_score

    def evidence(mentions: F64, negative: float) -> Evidence:
        return Evidence(negative * mentions, mentions, mentions, 0.1 * mentions)

    large = np.array([False, False, True, True])
    assert (last_rise(0.6, 2)[large] > 1.3 * last_rise(0.2, 2)[large]).all()
    assert (last_rise(0.6, 0.9)[large] == 0).all()


def test_a_row_of_the_past_is_refused(counts: F64) -> None:
    state = new_state(SERIES, STEP)
    advance(state, START, counts[0])
    with pytest.raises(ValueError, match="feed rows in the order of time"):
        advance(state, START, counts[1])


@pytest.mark.parametrize("step", [0, -10, 86_401])
def test_a_step_that_is_no_part_of_a_day_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match="resample"):
        new_state(1, step)


@pytest.mark.parametrize("step", [1, 10, 3600, 43_200, 86_400])
def test_any_step_that_divides_a_day_is_taken(step: int) -> None:
    state = new_state(1, step)
    for row in range(60):
        scores = advance(state, START + row * step, np.array([20.0]))
    assert scores.expected == pytest.approx([20], rel=1e-3)
    assert not scores.started.any()


def test_states_of_different_steps_are_not_joined() -> None:
    with pytest.raises(ValueError, match="same step"):
        join([new_state(1, 60), new_state(1, 300)])


@pytest.mark.parametrize("data", [b"", b"MTSD", dump(new_state(1, 60))[:-2], b"XXXX" + dump(new_state(1, 60))[4:]])
def test_other_bytes_are_no_state(data: bytes) -> None:
    with pytest.raises(ValueError, match="learned anew"):
        load(data)


def test_the_state_is_bounded() -> None:
    state = new_state(1, 10)
    assert sum(getattr(state, name).nbytes for name in ARRAYS) < 3_500
    assert state.scales[-1] == 2 * 86_400


def test_a_young_series_shows_its_true_rate_per_minute() -> None:
    """Windows that are not full yet are as long as they are filled."""
    state = new_state(1, 10)
    for row in range(830):
        scores = advance(state, START + 10 * row, np.array([16.0]))
    assert scores.observed[0] * 60 / scores.window_seconds[0] == pytest.approx(96, rel=0.02)
    assert scores.recent[0] == pytest.approx(480, rel=0.02)


def test_a_series_that_hardly_moves_is_not_announced_for_a_hundredth() -> None:
    """Daily rows of a large brand: a day's maximum is the day, and its spread as small as the noise."""
    random, state = np.random.default_rng(4), new_state(8, 86_400)
    started = [advance(state, START + 86_400 * day, random.normal(5_760, 76, 8)).started for day in range(200)]
    assert not np.any(started)
