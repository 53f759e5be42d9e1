import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.router.spikes import baselines
from services.router.spikes.baselines import (
    Baseline,
    BaselineError,
    learn,
    load_baselines,
    spread,
    store_baseline,
)
from services.router.spikes.detector import DetectorState, advance, dump, new_state, pick
from services.router.spikes.series import STEP_SECONDS, SeriesKey

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
def learned() -> Baseline:
    """Five days of five minutes."""
    return learn(START, 300, history(300, 5), MINUTE)


@given(
    st.lists(st.integers(0, 5_000), min_size=1, max_size=30),
    st.sampled_from([1, 7, 10, 60, 90, 300, 3_600, DAY]),
)
def test_what_is_spread_stays_the_same_in_all(values: list[int], step: int) -> None:
    counts = np.array(values, float)
    common = int(np.lcm(step, MINUTE))
    whole = len(counts) * step // common
    minutes = spread(counts, step, MINUTE)
    assert len(minutes) == whole * common // MINUTE
    assert (minutes >= 0).all()
    sums = minutes.reshape(-1, common // MINUTE).sum(axis=1)
    np.testing.assert_array_equal(sums, counts[: whole * common // step].reshape(-1, common // step).sum(axis=1))


def test_the_same_history_is_spread_in_the_same_way() -> None:
    counts = history(3_600, 1)
    np.testing.assert_array_equal(spread(counts, 3_600, STEP_SECONDS), spread(counts, 3_600, STEP_SECONDS))


def test_no_data_stays_no_data() -> None:
    minutes = spread(np.array([60.0, np.nan, 0.0]), 300, MINUTE)
    assert minutes[:5].sum() == 60
    assert np.isnan(minutes[5:10]).all()
    assert (minutes[10:] == 0).all()
    np.testing.assert_array_equal(spread(np.array([1.0, np.nan, 2.0, 3.0]), 5, STEP_SECONDS), [np.nan, 5])


def test_minutes_within_an_hour_are_not_all_alike() -> None:
    """Negative binomial with k = 8: the variance is m + m^2 / 8, and not m as with an even rate."""
    minutes = spread(np.full(400, 6_000.0), 3_600, MINUTE)
    assert minutes.var() == pytest.approx(100 + 100**2 / 8, rel=0.1)


@pytest.mark.parametrize("step", [MINUTE, 3_600])
def test_what_is_expected_is_what_came_before(step: int) -> None:
    """Long after the history: that nothing was counted since is no gap."""
    state = learn(START, step, history(step, 5), MINUTE).state
    today = START + 100 * DAY
    wanted = course(600, 1)
    rows = [advance(state, today + place * 600, np.array([count / 60])) for place, count in enumerate(wanted)]
    expected = np.array([60 * said.expected[0] for said in rows])
    for hour in range(24):
        mine = slice(hour * 6, hour * 6 + 6)
        assert expected[mine].mean() == pytest.approx(wanted[mine].mean(), rel=0.5), hour


def test_a_series_with_a_baseline_is_not_blind_in_its_first_hour(learned: Baseline, tmp_path: Path) -> None:
    store_baseline(tmp_path / "b.json", KEY, learned)
    state = load_baselines(tmp_path / "b.json")[KEY].state
    start = learned.until + 20 * DAY + 5 * 3_600  # at night
    hour = np.random.default_rng(2).poisson(course(STEP_SECONDS, 1, start)[:360]).astype(float)
    viral = 180
    hour[viral : viral + 60] += 4
    said = follow(state, start, STEP_SECONDS, hour)
    started = [place for place, scores in enumerate(said) if scores.started[0]]
    assert len(started) == 1
    assert viral <= started[0] <= viral + 12


def test_only_the_last_days_of_a_long_history_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "_DAYS", 3)
    days: list[tuple[int, int]] = []
    made = learn(START, 3_600, history(3_600, 5), MINUTE, lambda *told: days.append(told))
    assert (made.since, made.until) == (START + 2 * DAY, START + 5 * DAY)
    assert days == [(day, 3) for day in range(3)]


def test_too_short_to_learn_from() -> None:
    with pytest.raises(BaselineError, match="give a week or more"):
        learn(START, 7, np.ones(8))


def test_stored_and_loaded_it_goes_on_identically(learned: Baseline, tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    assert store_baseline(file, KEY, learned) == 1
    found = load_baselines(file)[KEY]
    assert (found.since, found.until) == (learned.since, learned.until)
    rows = history(STEP_SECONDS, 1, seed=2)[:120]
    unstored = pick(learned.state, np.array([0]))
    for one, other in zip(
        follow(found.state, START, STEP_SECONDS, rows), follow(unstored, START, STEP_SECONDS, rows), strict=True
    ):
        assert (one.score[0], one.expected[0]) == (other.score[0], other.expected[0])


def test_an_earlier_baseline_of_the_series_is_replaced_and_others_are_kept(learned: Baseline, tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    assert store_baseline(file, ON_X, learned) == 1
    assert store_baseline(file, KEY, learned) == 2
    blank = Baseline(new_state(1, STEP_SECONDS), START, START)
    assert store_baseline(file, KEY, blank) == 2
    found = load_baselines(file)
    states = {key: dump(each.state) for key, each in found.items()}
    assert states == {KEY: dump(blank.state), ON_X: dump(learned.state)}


@pytest.fixture
def written(learned: Baseline, tmp_path: Path) -> Callable[..., Path]:
    """A file of one baseline, changed."""

    def write(change: Callable[[dict[str, Any]], object]) -> Path:
        file = tmp_path / "b.json"
        store_baseline(file, KEY, learned)
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
        load_baselines(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert told in str(raised.value)


def test_a_baseline_of_another_step(written: Callable[..., Path]) -> None:
    with pytest.raises(BaselineError, match="of another step than 60 s: learn it again"):
        load_baselines(written(lambda content: None), MINUTE)


@pytest.mark.parametrize("content", ["", "[]", "no json"])
def test_another_file_is_not_overwritten(learned: Baseline, tmp_path: Path, content: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    with pytest.raises(BaselineError, match="let `mention-triage spikes learn` write it"):
        store_baseline(file, KEY, learned)
    assert file.read_text() == content


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="set SPIKES_BASELINE_FILE"):
        load_baselines(tmp_path / "nothing.json", 10)
