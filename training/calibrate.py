"""Fits temperatures, class offsets and confidence thresholds to what is served, and writes them into its folder.

    python -m training.calibrate --model models/mention-triage-small --data DATA

It is done on the exported file and not on the checkpoint: what the smaller number formats change is calibrated too.
A team that has posts of its own calibrates the shipped model for them with this command, without training.
"""

import datetime
import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.classify.model.config import Calibration
from services.classify.model.folder import CONFIG, SERVED, TOKENIZER, read_config
from services.common.errors import TriageError
from training.data import real_validation
from training.metrics import fit
from training.scoring import logits_of, served
from training.sets import check_validation


def calibrate(folder: Path, data: Path) -> Calibration:
    """Rewrite the calibration and the version in `config.json`; what was fitted."""
    examples = real_validation(data)
    calibration = fit(logits_of(served(folder), examples), examples)
    path = folder / CONFIG
    content = read_config(folder)
    deciding = (TOKENIZER, *SERVED)
    version = version_of(*((folder / name).read_bytes() for name in deciding), calibration.model_dump_json().encode())
    content["triage"] |= {"version": version, "calibration": calibration.model_dump()}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return calibration


def version_of(*parts: bytes) -> str:
    """The day and a short hash of all that decides an answer: never equal for two models, and in order of time."""
    today = datetime.datetime.now(datetime.UTC).date()
    return f"{today:%Y.%m.%d}-{hashlib.sha256(b''.join(parts)).hexdigest()[:8]}"


def main(
    model: Annotated[Path, typer.Option(help="exported folder")],
    data: Annotated[Path, typer.Option(help="folder with real-validation/")],
) -> None:
    """Calibrate a model folder on labelled posts."""
    try:
        check_validation(data)
        print(calibrate(model, data).model_dump_json(indent=2))
    except TriageError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    typer.run(main)
