"""The steps from a base to the shipped model, each done once: what is finished is remembered beside its results."""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from services.classify.model.config import ModelConfig
from training.average import average
from training.calibrate import calibrate
from training.card import write_card
from training.evaluate import evaluate, show, write
from training.export import export
from training.finetune import training_set
from training.narrow import check_width
from training.plan import Plan, PlanError
from training.progress import Forecast, duration
from training.prune import prune, texts_of, tokenizer_of
from training.recipe import Recipe, Stage
from training.stages import AVERAGED, run_stage

CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Step:
    """`run` takes the last step's result, a folder or hub id, and gives its own. `owns` is the folder that it fills.

    `skip` is called instead when the step is done already.
    """

    name: str
    says: str
    run: Callable[[str], str]
    owns: Path | None = None
    skip: Callable[[], None] = lambda: None


def steps_of(plan: Plan, forecast: Forecast) -> list[Step]:
    """In their order. Raises PlanError when a stage is called like another, or like a step or its folder."""
    model = plan.out / "model"
    steps = [
        Step(
            "base",
            f"cut the vocabulary of {plan.base} to about {plan.pieces:,} pieces, if it has more",
            lambda base: _base(plan, base),
            plan.out / "base",
        ),
        *(_stage(plan, stage, forecast) for stage in plan.recipe.stages),
        Step(
            "average",
            "average the weights of " + " and ".join(plan.recipe.averaged or (plan.recipe.stages[-1].name,)),
            lambda _: _average(plan),
            plan.out / CHECKPOINT,
        ),
        Step(
            "export",
            f"write the served file to {model}",
            lambda checkpoint: _export(plan, Path(checkpoint), model),
            model,
        ),
        Step("calibrate", "fit calibration and confidence levels on the validation posts", _calibrate(plan)),
        Step("evaluate", "measure the served file", _evaluate(plan)),
        Step("card", "draw the plots and write the card", _card),
    ]
    used = Counter(name for step in steps for name in {step.name, step.owns.name if step.owns else step.name})
    twice = [stage.name for stage in plan.recipe.stages if used[stage.name] > 1]
    if twice:
        raise PlanError(f"the recipe calls a stage {twice[0]}, which is taken: give each a name of its own")
    return steps


def rows_to_train(plan: Plan) -> float:
    """How many rows go through the network in all runs together."""
    return sum(rows_of(plan, stage) for stage in plan.recipe.stages)


def rows_of(plan: Plan, stage: Stage) -> float:
    """The same of one stage."""
    return len(training_set(plan.data, stage)) * stage.epochs * len(stage.seeds)


@dataclass
class Record:
    """Which steps of a folder are done, and from what; kept in `steps.json`."""

    path: Path
    made_from: dict[str, Any] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, out: Path) -> "Record":
        """That of a folder; an empty one when nothing was begun there."""
        path = out / "steps.json"
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return cls(path, content.get("made_from", {}), content.get("results", {}))

    def save(self) -> None:
        """Written whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps({"made_from": self.made_from, "results": self.results}, indent=1) + "\n")
        os.replace(draft, self.path)

    def done(self, step: Step) -> bool:
        """Whether its result is recorded and, when it lies in this folder, still there."""
        if step.name not in self.results:
            return False
        result = Path(self.results[step.name])
        return self.path.parent not in result.parents or result.exists()


def run(plan: Plan, steps: Sequence[Step], again_from: str = "") -> str:
    """Do what is not done, from `again_from` on everything; the last result.

    A step that was broken off goes on by itself; what came after a repeated step is thrown away.
    """
    names = [step.name for step in steps]
    if again_from and again_from not in names:
        raise PlanError(f"there is no step {again_from}: --from takes one of {', '.join(names)}")
    record = Record.read(plan.out)
    _check_same(plan, record, again_from)
    if again_from:
        _forget(record, steps[names.index(again_from) :])
    record.made_from = plan.made_from()
    record.save()
    result = plan.base
    for number, step in enumerate(steps):
        head = f"[{number + 1}/{len(steps)}] {step.name}"
        if record.done(step):
            result = record.results[step.name]
            step.skip()
            print(f"{head}: done before", flush=True)
            continue
        _forget(record, steps[number + 1 :])
        print(f"{head}: {step.says}", flush=True)
        started = time.monotonic()
        result = step.run(result)
        record.results[step.name] = result
        record.save()
        following = f"; next: {steps[number + 1].name}" if number + 1 < len(steps) else ""
        print(f"{head}: done in {duration(time.monotonic() - started)}{following}", flush=True)
    return result


def _check_same(plan: Plan, record: Record, again_from: str) -> None:
    now = plan.made_from()
    changed = [name for name in now if record.made_from and record.made_from.get(name) != now[name]]
    if "data" in changed:
        before = record.made_from.get("data", {})
        files = sorted(name for name in {*before, *now["data"]} if before.get(name) != now["data"].get(name))
        changed[changed.index("data")] = f"data ({', '.join(files)})"
    if changed and not again_from:
        raise PlanError(
            f"{plan.out} was begun with another {' and another '.join(changed)}: take another OUT, or pass --from and "
            "the first step that the change concerns (--from base repeats everything)"
        )


def _forget(record: Record, steps: Sequence[Step]) -> None:
    for step in steps:
        record.results.pop(step.name, None)
        if step.owns is not None and step.owns.exists():
            shutil.rmtree(step.owns)
    record.save()


def _base(plan: Plan, base: str) -> str:
    tokenizer_of(base)
    for stage in plan.recipe.stages:
        if stage.width:
            check_width(base, stage.width)
    return prune(base, texts_of(plan.data), plan.out / "base", plan.pieces) if plan.pieces else base


def _stage(plan: Plan, stage: Stage, forecast: Forecast) -> Step:
    seeds = len(stage.seeds)
    says = f"fine-tune: {stage.epochs:g} epochs, " + ("one run" if seeds == 1 else f"{seeds} runs, averaged")
    if stage.width:
        says += f", {stage.width:,} neurons in each feed-forward layer"
    if stage.teachers:
        says += f", taught by {' and '.join(stage.teachers)}"

    def skip() -> None:
        forecast.skip(rows_of(plan, stage))

    return Step(stage.name, says, partial(run_stage, plan, stage, forecast=forecast), plan.out / stage.name, skip)


def _average(plan: Plan) -> str:
    stages = plan.recipe.averaged or (plan.recipe.stages[-1].name,)
    checkpoint = average([plan.out / stage / AVERAGED for stage in stages], plan.out / CHECKPOINT)
    _name(checkpoint, plan.recipe)
    return str(checkpoint)


def _name(checkpoint: Path, recipe: Recipe) -> None:
    """What a service needs to know of a checkpoint that is not calibrated yet."""
    path = checkpoint / "config.json"
    triage = ModelConfig(name=recipe.name, version="uncalibrated", max_tokens=recipe.max_tokens)
    content = json.loads(path.read_text(encoding="utf-8")) | {"triage": triage.model_dump(mode="json")}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _export(plan: Plan, checkpoint: Path, model: Path) -> str:
    export(checkpoint, model, plan.data)
    return str(model)


def _calibrate(plan: Plan) -> Callable[[str], str]:
    def run_calibrate(model: str) -> str:
        calibrate(Path(model), plan.data)
        return model

    return run_calibrate


def _evaluate(plan: Plan) -> Callable[[str], str]:
    def run_evaluate(model: str) -> str:
        report = evaluate(Path(model), plan.data, plan.out / CHECKPOINT)
        show(report)
        write(report, Path(model) / "evaluation.json")
        return model

    return run_evaluate


def _card(model: str) -> str:
    write_card(Path(model))
    return model
