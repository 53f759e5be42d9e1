import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from services.cli.spikes.detecting import Found
from services.cli.spikes.drawing import expected_band
from services.cli.spikes.series import Series
from services.router.spikes.baselines import load_baselines
from services.router.spikes.detector import advance, new_state
from tests.unit.cli.conftest import Run

START = 1_772_323_200  # 2026-03-01 00:00:00 UTC
STEP = 300
DAYS = 8
PER_DAY = 86_400 // STEP
BURST = slice(6 * PER_DAY + 170, 6 * PER_DAY + 176)  # half an hour, 20 times what is normal
HOLE = slice(3 * PER_DAY, 3 * PER_DAY + 10)  # rows that the file does not have
EMPTY = 4 * PER_DAY

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def counts() -> list[int]:
    """A day's course over eight days, with one burst."""
    random = np.random.default_rng(3)
    hours = np.arange(DAYS * PER_DAY) * STEP % 86_400 / 3_600
    rate = 30 * (1 + 0.7 * np.sin((hours - 9) / 24 * 2 * np.pi))
    rate[BURST] *= 20
    return [int(count) for count in random.poisson(rate)]


@pytest.fixture(scope="module")
def history(counts: Sequence[int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those counts in a file, some rows missing, one without a value."""
    lines = [f"{START + place * STEP},{'' if place == EMPTY else count}" for place, count in enumerate(counts)]
    del lines[HOLE]
    path = tmp_path_factory.mktemp("history") / "history.csv"
    path.write_text("\n".join(["timestamp,value", *lines]) + "\n")
    return path


@pytest.fixture
def find(run: Run, history: Path) -> Callable[..., Rows]:
    """The objects that `spikes --json` prints."""

    def rows(*options: str) -> Rows:
        done = run("spikes", str(history), "--json", *options)
        assert done.exit_code == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return rows


def test_one_object_for_each_row_of_the_file(find: Callable[..., Rows], history: Path) -> None:
    rows = find()
    lines = history.read_text().splitlines()[1:]
    assert [row["timestamp"] for row in rows] == [line.split(",")[0] for line in lines]
    assert [row["value"] for row in rows] == [
        int(line.split(",")[1] or -1) if line[-1] != "," else None for line in lines
    ]
    assert {tuple(row) for row in rows} == {("timestamp", "value", "expected", "score", "alarm", "episode", "rise")}


def test_the_burst_is_an_episode_and_nothing_else(find: Callable[..., Rows]) -> None:
    rows = find()
    begin, end = (START + place * STEP for place in (BURST.start, BURST.stop))
    alarms = [row for row in rows if row["alarm"]]
    assert [row["episode"] for row in alarms] == [1]
    assert begin <= int(alarms[0]["timestamp"]) < end
    inside = [int(row["timestamp"]) for row in rows if row["episode"]]
    assert inside[0] == int(alarms[0]["timestamp"])
    assert inside == list(range(inside[0], inside[-1] + 1, STEP))
    assert all(row["rise"] for row in rows if begin + STEP <= int(row["timestamp"]) < end)
    peak = max((row for row in rows if row["episode"]), key=lambda row: row["value"])
    assert 10 < peak["value"] / peak["expected"] < 40


def test_it_is_the_detector_of_the_stage(find: Callable[..., Rows], counts: Sequence[int]) -> None:
    """Beside another series in one state, with no data where the file has none."""
    known = np.array(counts, float)
    known[HOLE] = known[EMPTY] = np.nan
    state = new_state(2, STEP)
    said = [advance(state, START + place * STEP, np.array([7.0, count])) for place, count in enumerate(known)]
    del said[HOLE]
    rows = find()
    assert [row["alarm"] for row in rows] == [bool(scores.started[1]) for scores in said]
    assert [row["episode"] is not None for row in rows] == [bool(scores.spiking[1]) for scores in said]
    assert [row["rise"] for row in rows] == [bool(scores.rising[1]) for scores in said]
    for name in ("expected", "score"):
        found = [np.nan if row[name] is None else row[name] for row in rows]
        np.testing.assert_allclose(found, [getattr(scores, name)[1] for scores in said], atol=1e-4)


def test_the_table(run: Run, history: Path) -> None:
    done = run("spikes", str(history))
    assert done.exit_code == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    number, begin, _, peak, value, expected, ratio, _ = lines[lines.index("") + 3].split()
    assert number == "1"
    assert START + BURST.start * STEP <= int(begin) <= int(peak) < START + BURST.stop * STEP
    assert float(ratio.removesuffix("×")) == pytest.approx(float(value.replace(",", "")) / float(expected), rel=0.02)
    assert "2,294 rows, one every 5 min, from 2026-03-01 00:00:00 UTC to 2026-03-08 23:55:00 UTC" in lines
    assert "2 gaps: 10 rows missing, 1 without a value" in lines
    assert any(line.startswith("1 spikes, ") for line in lines)


def test_a_spike_that_goes_on_where_the_file_ends(run: Run, history: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.csv"
    cut.write_text("\n".join(history.read_text().splitlines()[: BURST.stop - 10]))
    assert "goes on" in run("spikes", str(cut)).stdout


def test_none(run: Run, history: Path, tmp_path: Path) -> None:
    calm = tmp_path / "calm.csv"
    calm.write_text("\n".join(history.read_text().splitlines()[: BURST.start - 20]))
    done = run("spikes", str(calm))
    assert done.stdout.startswith("No spikes.\n")
    assert "0 spikes, " in done.stdout


def test_what_was_never_counted(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_text("timestamp,value\n0,\n60,\n120,\n")
    rows = [json.loads(line) for line in run("spikes", str(file), "--json").stdout.splitlines()]
    assert [(row["value"], row["alarm"], row["episode"], row["rise"]) for row in rows] == [
        (None, False, None, False)
    ] * 3
    assert run("spikes", str(file), "--plot", str(tmp_path / "empty.png")).exit_code == 0


@pytest.mark.parametrize("step", [1, 7, 60, 1_000, 7_200, 86_400])
def test_any_regular_step(run: Run, tmp_path: Path, step: int) -> None:
    file = tmp_path / "regular.csv"
    file.write_text("timestamp,value\n" + "".join(f"{place * step},{20 + place % 3}\n" for place in range(120)))
    done = run("spikes", str(file))
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("No spikes.\n")


def test_wrong_lines_are_one_red_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("timestamp,value\n0,1\n60,many\n")
    done = run("spikes", str(file))
    assert done.exit_code == 1
    assert (
        done.stderr
        == f"error: {file}, line 3: the value is no number: write a count, or nothing where there is no data\n"
    )


def test_the_plot(run: Run, history: Path, tmp_path: Path) -> None:
    file = tmp_path / "plot.png"
    done = run("spikes", str(history), "--plot", str(file))
    assert done.exit_code == 0, done.stderr
    assert imread(file).shape[:2] == (840, 1680)


@pytest.mark.parametrize(("name", "told"), [("plot.gif", "let it end in .png"), ("none/plot.png", "make the folder")])
def test_a_picture_that_cannot_be_written(run: Run, history: Path, tmp_path: Path, name: str, told: str) -> None:
    done = run("spikes", str(history), "--plot", str(tmp_path / name))
    assert done.exit_code == 1
    assert told in done.stderr


def test_the_band_holds_most_rows_and_knows_no_future() -> None:
    random = np.random.default_rng(5)
    size = 10 * PER_DAY
    at = START + STEP * np.arange(size)
    values = random.poisson(30, size).astype(float)
    values[-1] = 10_000
    nothing = np.zeros(size, np.bool_)
    series = Series([""] * size, at, values, STEP)
    found = Found(np.full(size, 30.0), np.zeros(size), nothing, np.zeros(size, np.int64), nothing, [])
    low, high = expected_band(series, found)
    settled = slice(PER_DAY, size - 1)
    outside = (values < low) | (values > high)
    assert np.isnan(low[0])
    assert 0.01 < outside[settled].mean() < 0.04
    assert high[-1] < 60


def test_learn_makes_a_baseline_that_the_router_can_read(run: Run, history: Path, tmp_path: Path) -> None:
    day, into = tmp_path / "day.csv", tmp_path / "baselines.json"
    day.write_text("\n".join(history.read_text().splitlines()[: PER_DAY + 1]))
    series = ("--tenant", "acme", "--brand", "Vela", "--platform", "x")
    done = run("spikes", "learn", str(day), *series, "--into", str(into))
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("learned 1.0 days of acme, Vela, x, from rows of 5 min")
    assert f"SPIKES_BASELINE_FILE={into}" in done.stdout
    assert set(load_baselines(into)) == {("acme", "Vela", "x")}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--tenant", "", "--brand", "B"), "name the series"),
        (("--tenant", "T", "--brand", "B"), "shorter than a day"),
    ],
)
def test_what_cannot_be_learned(run: Run, tmp_path: Path, arguments: Sequence[str], told: str) -> None:
    file = tmp_path / "short.csv"
    file.write_text("timestamp,value\n0,1\n60,2\n")
    done = run("spikes", "learn", str(file), *arguments, "--into", str(tmp_path / "b.json"))
    assert done.exit_code == 1
    assert told in done.stderr
    assert not (tmp_path / "b.json").exists()


def test_a_file_named_like_a_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("learn").write_text("timestamp,value\n0,1\n60,2\n")
    assert run("spikes", "find", "learn").exit_code == 0
    assert run("spikes", "./learn").exit_code == 0
    assert run("spikes", "learn", "learn").exit_code == 2


def test_nothing_is_imported_that_is_not_used(history: Path) -> None:
    code = (
        "import sys\n"
        "for name in sys.argv.pop(1).split(','): sys.modules[name] = None\n"
        "from services.cli import main\nmain()"
    )

    def without(modules: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", code, modules, *arguments], capture_output=True, text=True, timeout=60, check=False
        )

    assert "COMMAND" in without("numpy,matplotlib", "spikes", "--help").stdout
    done = without("matplotlib,httpx,openvino,yaml", "spikes", str(history), "--json")
    assert done.returncode == 0, done.stderr
