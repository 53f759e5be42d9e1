"""What is done once, what is done again, and what goes on where it was broken off."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.training.conftest import STAGES, Write
from training.finetune import train
from training.plan import Plan, PlanError
from training.progress import Forecast, Progress
from training.recipe import Recipe
from training.steps import Step, run, steps_of


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def steps(plan: Plan, log: list[str]) -> list[Step]:
    """Three steps that leave a file each; the first's result is inside its folder, the last is in the second's."""

    def writing(name: str, folder: Path) -> Callable[[str], str]:
        def work(before: str) -> str:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(before)
            log.append(name)
            return str(folder)

        return work

    one, two = plan.out / "one", plan.out / "two"
    return [
        Step("one", "", writing("one", one / "inside"), one),
        Step("two", "", writing("two", two), two),
        Step("three", "", writing("three", two)),
    ]


def test_steps_hand_on_their_results_and_are_done_once(plan: Plan, steps: list[Step], log: list[str]) -> None:
    assert run(plan, steps) == str(plan.out / "two")
    assert (plan.out / "one/inside/one").read_text() == plan.base
    assert (plan.out / "two/two").read_text() == str(plan.out / "one/inside")
    assert run(plan, steps) == str(plan.out / "two")
    assert log == ["one", "two", "three"]


@pytest.mark.parametrize("name", ["base", "checkpoint", "model", "card"])
def test_a_stage_has_a_name_of_its_own(plan: Plan, name: str) -> None:
    first, *others = plan.recipe.stages
    assert [step.name for step in steps_of(plan, Forecast(1))][:2] == ["base", first.name]
    for stages in ((first.model_copy(update={"name": name}), *others), (first, first)):
        same = replace(plan, recipe=plan.recipe.model_copy(update={"stages": stages}))
        with pytest.raises(PlanError, match="which is taken: give each a name of its own"):
            steps_of(same, Forecast(1))


def test_from_repeats_a_step_and_what_follows(plan: Plan, steps: list[Step], log: list[str]) -> None:
    run(plan, steps)
    (plan.out / "two/left-over").touch()
    run(plan, steps, again_from="two")
    assert log == ["one", "two", "three", "two", "three"]
    assert not (plan.out / "two/left-over").exists()


def test_deleting_a_folder_repeats_its_step_and_what_follows(plan: Plan, steps: list[Step], log: list[str]) -> None:
    run(plan, steps)
    shutil.rmtree(plan.out / "one")
    run(plan, steps)
    assert log == ["one", "two", "three"] * 2


def test_a_step_that_failed_is_done_again_with_its_folder_kept(plan: Plan, steps: list[Step], log: list[str]) -> None:
    def failing(before: str) -> str:
        (plan.out / "two").mkdir()
        (plan.out / "two/half").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        run(plan, [steps[0], replace(steps[1], run=failing), steps[2]])
    run(plan, steps)
    assert log == ["one", "two", "three"]
    assert (plan.out / "two/half").exists(), "a training goes on from what it left"


def test_another_recipe_or_other_data_is_not_mixed_in(
    plan: Plan, steps: list[Step], log: list[str], write: Write
) -> None:
    run(plan, steps)
    other = replace(plan, recipe=plan.recipe.model_copy(update={"batch": 16}))
    with pytest.raises(PlanError, match=r"begun with another recipe: take another OUT, or pass --from"):
        run(other, steps)
    write("mentions/team", {"text": "hola", "lang": "es"})
    with pytest.raises(PlanError, match=r"another data .mentions/team.jsonl.:"):
        run(plan, steps)
    run(plan, steps, again_from="two")
    run(plan, steps)
    assert log == ["one", "two", "three", "two", "three"]


def test_a_step_that_does_not_exist(plan: Plan, steps: list[Step]) -> None:
    with pytest.raises(PlanError, match=r"no step four: --from takes one of one, two, three"):
        run(plan, steps, again_from="four")


def test_a_run_says_how_far_it_is(plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage = STAGES[0].model_copy(update={"epochs": 3})
    forecast = Forecast(1_000_000)
    progress = Progress("first, seed 1", 275, forecast)
    out = tmp_path / "run"
    train(plan.base, plan.data, out, plan.recipe, stage, 1, 1, callbacks=(progress,))
    said = capsys.readouterr().out.splitlines()
    assert any("first, seed 1: step 50 of" in line and "all runs done in about" in line for line in said)
    assert any("macro-F1 of real inquiry type" in line for line in said)
    assert not any(line.startswith("{") for line in said)
    again = Progress("first, seed 1", 275, forecast)
    train(plan.base, plan.data, out, plan.recipe, stage, 1, 1, callbacks=(again,))
    assert progress.began
    assert not again.began, "a finished run is not trained again"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell that runs the tests in the background has Ctrl-C ignored, and so would what they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_a_killed_training_goes_on_at_its_last_checkpoint(plan: Plan, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(_toml(plan.recipe, epochs=100))
    command = [
        sys.executable, "-m", "training", "--base", plan.base, "--data", str(plan.data), "--out", str(plan.out),
        "--recipe", str(recipe), "--threads", "1",
    ]  # fmt: skip
    checkpoints = plan.out / "first/seed-1"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as killed:
        _until(lambda: killed.poll() is not None or any(checkpoints.glob("checkpoint-*/trainer_state.json")))
        os.kill(killed.pid, signal.SIGKILL)
        said, _ = killed.communicate()
    assert any(checkpoints.glob("checkpoint-*/trainer_state.json")), said
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as resumed:
        assert resumed.stdout
        lines = list(itertools.takewhile(lambda line: "loss" not in line, resumed.stdout))
        resumed.send_signal(signal.SIGINT)
        rest, _ = resumed.communicate()
    assert any("[1/8] base: done before" in line for line in lines), lines
    assert any("first, seed 1: goes on at step " in line for line in lines), lines
    assert "stopped: the same command goes on from here" in rest
    assert resumed.returncode == 130


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _toml(recipe: Recipe, epochs: int) -> str:
    settings = recipe.model_dump(exclude={"stages", "averaged"})
    lines = [f"{name} = {value!r}".replace("'", '"') for name, value in settings.items()]
    stages = (
        f'[[stages]]\nname = "{stage.name}"\nepochs = {epochs}\nrate = {stage.rate}\nseeds = {list(stage.seeds)}\n'
        f"tweeteval_rows = {stage.tweeteval_rows}\n"
        for stage in recipe.stages
    )
    return "\n".join([*lines, *stages])
