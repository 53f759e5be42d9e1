"""One stage of the recipe: fewer neurons if it says so, what its teachers say, a run per seed, the mean of the runs."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from services.classify.model.folder import TOKENIZER, read_tokenizer
from services.classify.model.input import special_token
from services.classify.model.template import encode
from training.average import average
from training.data import Example
from training.distil import answers
from training.finetune import train, training_set
from training.narrow import narrow
from training.plan import Plan, PlanError
from training.progress import Forecast, Progress
from training.recipe import Stage
from training.targets import Floats

AVERAGED = "averaged"


def run_stage(plan: Plan, stage: Stage, base: str, forecast: Forecast) -> str:
    """The folder of the stage's checkpoint. What an interrupted start has left is used, not made again."""
    torch.set_num_threads(plan.threads)
    folder = plan.out / stage.name
    examples = training_set(plan.data, stage)
    if stage.width:
        base = _narrowed(plan, stage, Path(base), examples)
    said = _answers(plan, stage, Path(base), examples) if stage.teachers else None
    runs = []
    for seed in stage.seeds:
        progress = Progress(f"{stage.name}, seed {seed}", len(examples), forecast)
        out = folder / f"seed-{seed}"
        run = train(base, plan.data, out, plan.recipe, stage, seed, plan.threads, callbacks=(progress,), said=said)
        runs.append(run)
        if not progress.began:
            forecast.skip(len(examples) * stage.epochs)
    checkpoint = average(runs, folder / AVERAGED)
    for unneeded in folder.glob("seed-*/checkpoint-*"):  # half a gigabyte each, only for going on with a run
        shutil.rmtree(unneeded)
    return str(checkpoint)


def _narrowed(plan: Plan, stage: Stage, base: Path, examples: Sequence[Example]) -> str:
    folder = plan.out / stage.name / "narrowed"
    if not (folder / TOKENIZER).is_file():  # written last
        print(f"  {stage.name}: looks which {stage.width:,} neurons of each feed-forward layer matter most", flush=True)
        narrow(base, stage.width, examples, plan.recipe.max_tokens, folder)
    return str(folder)


def _answers(plan: Plan, stage: Stage, base: Path, examples: Sequence[Example]) -> Floats:
    path = plan.out / stage.name / "answers.npy"
    if not path.is_file():
        teachers = _teachers(plan, stage)
        print(f"  {stage.name}: asks its teachers ({len(teachers)} runs) about {len(examples):,} rows", flush=True)
        tokenizer = read_tokenizer(base / TOKENIZER)
        texts = encode(tokenizer, [example.given for example in examples], plan.recipe.max_tokens)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft.npy")
        np.save(draft, answers(teachers, texts, special_token(tokenizer, "<pad>")))
        os.replace(draft, path)
    return np.asarray(np.load(path), np.float32)


def _teachers(plan: Plan, stage: Stage) -> list[Path]:
    """The checkpoints of all runs of the stages that are named."""
    teachers = []
    for earlier in plan.recipe.stages:
        for seed in earlier.seeds if earlier.name in stage.teachers else ():
            teacher = plan.out / earlier.name / f"seed-{seed}" / "done"
            if not (teacher / TOKENIZER).is_file():
                raise PlanError(f"{teacher} is gone, and {stage.name} is to be taught by it: --from {earlier.name}")
            teachers.append(teacher)
    return teachers
