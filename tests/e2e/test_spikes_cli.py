"""`mention-triage spikes` as a person runs it: a process of its own, files and pipes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.router.spikes.baselines import load_baselines

SPIKES = [sys.executable, "-m", "services.cli", "spikes"]
MINUTES = 3 * 1440
BURST = 2 * 1440 + 700

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of minutes, with a quarter of an hour at twenty times what is normal."""
    rate = np.full(MINUTES, 10.0)
    rate[BURST : BURST + 15] *= 20
    counts = np.random.default_rng(8).poisson(rate)
    moments = np.datetime64("2026-03-02T00:00:00") + np.arange(MINUTES).astype("timedelta64[m]")
    path = tmp_path_factory.mktemp("history") / "history.csv"
    path.write_text("timestamp,value\n" + "".join(f"{m}Z,{n}\n" for m, n in zip(moments, counts, strict=True)))
    return path


@pytest.fixture
def spikes(tmp_path: Path) -> Command:
    """Run `spikes` in a folder of its own."""

    def run(*arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*SPIKES, *arguments],
            env=os.environ | {"PYTHONPATH": os.getcwd()},
            cwd=tmp_path,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_the_burst_is_found_within_two_minutes_through_a_pipe(spikes: Command, history: Path) -> None:
    done = spikes("-", "--json", text=history.read_text())
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    alarms = [index for index, line in enumerate(done.stdout.splitlines()) if json.loads(line)["alarm"]]
    assert len(alarms) == 1
    assert BURST <= alarms[0] <= BURST + 1


def test_the_table_and_the_picture(spikes: Command, history: Path, tmp_path: Path) -> None:
    done = spikes(str(history), "--plot", "spikes.png")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].strip() == "Spikes"
    assert "\x1b" not in done.stdout
    assert done.stderr == "drawn: spikes.png\n"
    assert (tmp_path / "spikes.png").read_bytes().startswith(b"\x89PNG")


def test_a_reader_that_leaves_is_no_error(history: Path) -> None:
    command = f"{' '.join(SPIKES)} {history} --json | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_baseline_is_learned_where_the_setting_says(spikes: Command, history: Path, tmp_path: Path) -> None:
    day = "\n".join(history.read_text().splitlines()[:1441])
    done = spikes("learn", "-", "--tenant", "acme", "--brand", "Vela", "--into", "baselines.json", text=day)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("learned 1.0 days of acme, Vela, all platforms, from rows of 1 min")
    assert set(load_baselines(tmp_path / "baselines.json")) == {("acme", "Vela", "")}
