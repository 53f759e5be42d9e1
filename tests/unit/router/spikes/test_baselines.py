import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.router.spikes.baselines import (
    Baseline,
    BaselineError,
    learn,
    load_baselines,
    spread,
    store_baseline,
)
from services.router.spikes.detector import DetectorState, advance, dump, new_state, pick
from services.router.spikes.series import SeriesKey

F64 = NDArray[np.float64]

START = 1_772_323_200  # 2026-03-01 00:00:00 UTC
DAY = 86_400
MINUTE = 60
PER_HOUR = 40.0
KEY = SeriesKey("acme", "Vela", "")
ON_X = SeriesKey("acme", "Vela", "x")


def course(step: int, days: int, start: int = START) -> F64:
    """What comes on average in each row: three times as much at noon as at night."""
    hours = (start + np.arange(days * DAY // step) * step) % DAY / 3_600
    rate: F64 = PER_HOUR * step / 3_600 * (1 - 0.5 * np.cos(hours / 24 * 2 * np.pi))
    return rate


def history(step: int, days: int, seed: int = 1) -> F64:
    return np.random.default_rng(seed).poisson(course(step, days)).astype(float)


def follow(state: DetectorState, start: int, step: int, counts: F64) -> list[Any]:
    return [advance(state, start + place * step, counts[place : place + 1]) for place in range(len(counts))]


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    """Five days of five minutes, for rows of a minute."""
    return learn(START, 300, history(300, 5), MINUTE)


@given(
    st.lists(st.integers(0, 5_000), min_size=1, max_size=30),
    st.sampled_from([1, 5, 7, 10, 15, 60, 90, 300, 3_600, DAY]),
)
def test_what_is_spread_stays_the_same_in_all(values: list[int], step: int) -> None:
    counts = np.array(values, float)
    common = int(np.lcm(step, 10))
    whole = len(counts) * step // common
    rows = spread(counts, step, 10)
    assert len(rows) == whole * common // 10
    assert (rows >= 0).all()
    sums = rows.reshape(-1, common // 10).sum(axis=1)
    np.testing.assert_array_equal(sums, counts[: whole * common // step].reshape(-1, common // step).sum(axis=1))


def test_the_same_history_is_spread_in_the_same_way() -> None:
    counts = history(3_600, 1)
    np.testing.assert_array_equal(spread(counts, 3_600, 10), spread(counts, 3_600, 10))


def test_no_data_stays_no_data() -> None:
    rows = spread(np.array([60.0, np.nan, 0.0]), 60, 10)
    assert rows[:6].sum() == 60
    assert np.isnan(rows[6:12]).all()
    assert (rows[12:] == 0).all()
    np.testing.assert_array_equal(spread(np.array([1.0, np.nan, 2.0, 3.0]), 5, 10), [np.nan, 5])


def test_minutes_within_an_hour_are_not_all_alike() -> None:
    """Negative binomial with k = 8: the variance is m + m^2 / 8, and not m as with an even rate."""
    minutes = spread(np.full(400, 6_000.0), 3_600, 10).reshape(-1, 6).sum(axis=1)
    assert minutes.var() == pytest.approx(100 + 100**2 / 8, rel=0.1)


@pytest.mark.parametrize(("step", "days"), [(MINUTE, 3), (3_600, 4)])
def test_what_is_expected_is_what_came_before(step: int, days: int) -> None:
    state = learn(START, step, history(step, days), MINUTE).state
    until = START + days * DAY
    wanted = course(MINUTE, 1)
    expected = np.array([scores.expected[0] for scores in follow(state, until, MINUTE, wanted)])
    for hour in range(24):
        rows = slice(hour * 60, hour * 60 + 60)
        assert expected[rows].mean() == pytest.approx(wanted[rows].mean(), rel=0.5), hour


def test_a_series_with_a_baseline_is_not_blind_on_its_first_day(baseline: Baseline, tmp_path: Path) -> None:
    store_baseline(tmp_path / "b.json", KEY, baseline)
    state = load_baselines(tmp_path / "b.json", MINUTE)[KEY].state
    today = history(MINUTE, 1, seed=2)
    viral = 5 * 60  # at night
    today[viral : viral + 30] += 12
    said = follow(state, baseline.until, MINUTE, today)
    started = [place for place, scores in enumerate(said) if scores.started[0]]
    assert len(started) == 1
    assert viral <= started[0] <= viral + 2


def test_it_is_the_state_after_those_rows() -> None:
    counts = history(900, 3)
    state = new_state(1, 300)
    follow(state, START, 300, spread(counts, 900, 300))
    learned = learn(START, 900, counts, 300)
    assert (learned.since, learned.until) == (START, START + 3 * DAY)
    rows = history(300, 1, seed=2)
    for one, other in zip(
        follow(state, learned.until, 300, rows), follow(learned.state, learned.until, 300, rows), strict=True
    ):
        assert one.score[0] == other.score[0]


def test_only_the_last_weeks_of_a_long_history_are_used() -> None:
    days: list[tuple[int, int]] = []
    learned = learn(START, 3_600, history(3_600, 100), 3_600, lambda *told: days.append(told))
    assert (learned.since, learned.until) == (START + 65 * DAY, START + 100 * DAY)
    assert days == [(day, 35) for day in range(35)]


def test_rows_off_the_grid_of_the_router_are_moved_onto_it() -> None:
    assert learn(START + 53, 300, np.ones(12), 10).since == START + 50


def test_stored_and_loaded_it_goes_on_identically(baseline: Baseline, tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    assert store_baseline(file, KEY, baseline) == 1
    found = load_baselines(file, MINUTE)[KEY]
    assert (found.since, found.until) == (baseline.since, baseline.until)
    rows = history(MINUTE, 1, seed=2)[:120]
    unstored = pick(baseline.state, np.array([0]))
    for one, other in zip(
        follow(found.state, found.until, MINUTE, rows), follow(unstored, found.until, MINUTE, rows), strict=True
    ):
        assert (one.score[0], one.expected[0]) == (other.score[0], other.expected[0])


def test_an_earlier_baseline_of_the_series_is_replaced_and_others_are_kept(baseline: Baseline, tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    assert store_baseline(file, ON_X, baseline) == 1
    assert store_baseline(file, KEY, baseline) == 2
    blank = Baseline(new_state(1, MINUTE), START, START)
    assert store_baseline(file, KEY, blank) == 2
    found = load_baselines(file, MINUTE)
    states = {key: dump(each.state) for key, each in found.items()}
    assert states == {KEY: dump(blank.state), ON_X: dump(baseline.state)}


@pytest.fixture
def written(baseline: Baseline, tmp_path: Path) -> Callable[..., Path]:
    """A file of one baseline, changed."""

    def write(change: Callable[[dict[str, Any]], object]) -> Path:
        file = tmp_path / "b.json"
        store_baseline(file, KEY, baseline)
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content))
        return file

    return write


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content.update(version=2), "version: Input should be 1"),
        (lambda content: content.pop("format") and content.update(series=3), "no file of baselines"),
        (lambda content: content["series"][0].update(more=1), "series.0.more"),
        (lambda content: content["series"][0].update(since="x"), "series.0.since"),
        (lambda content: content["series"].append(content["series"][0]), "two baselines of one series: delete one"),
        (lambda content: content["series"][0].update(state="AAAA"), "acme, Vela, all platforms is damaged"),
        (lambda content: content["series"][0].update(state="ñ"), "acme, Vela, all platforms is damaged"),
    ],
)
def test_a_file_that_cannot_be_used(
    written: Callable[..., Path], change: Callable[[Mapping[str, Any]], object], told: str
) -> None:
    file = written(change)
    with pytest.raises(BaselineError) as raised:
        load_baselines(file, MINUTE)
    assert str(raised.value).startswith(f"{file}: ")
    assert told in str(raised.value)


def test_a_baseline_of_another_step(written: Callable[..., Path]) -> None:
    with pytest.raises(BaselineError, match="of another step than 10 s: learn it again"):
        load_baselines(written(lambda content: None), 10)


@pytest.mark.parametrize("content", ["", "[]", "no json"])
def test_another_file_is_not_overwritten(baseline: Baseline, tmp_path: Path, content: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    with pytest.raises(BaselineError, match="let `mention-triage spikes learn` write it"):
        store_baseline(file, KEY, baseline)
    assert file.read_text() == content


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="set SPIKES_BASELINE_FILE"):
        load_baselines(tmp_path / "nothing.json", 10)
