"""The whole way from a base encoder to a served, measured and described model.

    python -m training --base intfloat/multilingual-e5-small --data DATA --out var/training/small

The same command goes on where it was stopped. `training/README.md` says what is needed.
"""

import os
import sys
import time
import tomllib
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from transformers.utils import logging as transformers_logging

from services.common.errors import TriageError
from training import recipe as recipes
from training.plan import Plan, PlanError
from training.progress import Forecast, duration
from training.sets import check
from training.steps import rows_to_train, run, steps_of

# What a core of an AMD EPYC (Zen 4: AVX-512 with bfloat16) trains with the 12-layer base: for the first forecast only.
ROWS_PER_SECOND_AND_CORE = 40
INTERRUPTED = 130  # the exit status of a program that Ctrl-C has stopped


def main(
    base: Annotated[str, typer.Option(help="folder or hub id of an encoder, or of an earlier checkpoint")],
    data: Annotated[Path, typer.Option(help="folder with mentions/, real-validation/ and, if you have them, public/")],
    out: Annotated[Path, typer.Option(help="where every step leaves its result; the model is OUT/model")],
    recipe: Annotated[Path, typer.Option(help="what is trained, and how")] = recipes.DEFAULT,
    again_from: Annotated[str, typer.Option("--from", help="repeat from this step on")] = "",
    pieces: Annotated[int, typer.Option(min=0, help="size of the vocabulary; 0 leaves the base's")] = 50_000,
    threads: Annotated[int, typer.Option(min=1, help="cores")] = os.cpu_count() or 1,
) -> None:
    """Train, export, calibrate, evaluate, describe."""
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        plan = Plan(base, data, out, _recipe(recipe), pieces, threads)
        for name in check(data):
            print(f"without public/{name}.jsonl, which is not there: scores will differ from the shipped model's")
        rows = rows_to_train(plan)
        guess = rows / (ROWS_PER_SECOND_AND_CORE * min(threads, 2))
        print(f"{rows:,.0f} rows to train on, about {duration(guess)} if nothing is done yet; evaluation adds minutes")
        started = time.monotonic()
        model = run(plan, steps_of(plan, Forecast(rows)), again_from)
    except TriageError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        same = "the same command without --from" if again_from else "the same command"
        print(f"\nstopped: {same} goes on from here", file=sys.stderr)
        sys.exit(INTERRUPTED)
    print(f"{model} is ready after {duration(time.monotonic() - started)}: serve it with CLASSIFY_MODEL={model}")


def _recipe(path: Path) -> recipes.Recipe:
    try:
        return recipes.read(path)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise PlanError(f"{path}: {faults} (what belongs into a recipe: training/recipe.py)") from error
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise PlanError(f"{path} cannot be read as a recipe: {error}") from error


if __name__ == "__main__":
    typer.run(main)
