"""Fits temperatures and confidence thresholds on the real validation posts and writes them into a checkpoint.

python -m training.calibrate --checkpoint var/training/small --data DATA
"""

import datetime
import hashlib
import json
from pathlib import Path
from typing import Annotated

import torch
import typer

from services.classify.model.torch import load
from training.data import real_validation
from training.metrics import fit


def main(
    checkpoint: Annotated[Path, typer.Option(help="folder written by training.finetune")],
    data: Annotated[Path, typer.Option(help="folder with real-validation/")],
    threads: int = 2,
) -> None:
    """Rewrite the `triage` part of the checkpoint's config.json: calibration and version."""
    model = load(str(checkpoint), threads)
    torch.set_num_threads(threads)
    examples = real_validation(data)
    logits = model.logits(model.encode([example.given for example in examples]))
    calibration = fit(logits, examples)
    version = version_of(
        (checkpoint / "model.safetensors").read_bytes(),
        (checkpoint / "tokenizer.json").read_bytes(),
        calibration.model_dump_json().encode(),
    )
    triage = model.config.model_copy(update={"version": version, "calibration": calibration})
    path = checkpoint / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"triage": triage.model_dump()}, indent=2) + "\n")
    print(triage.model_dump_json(indent=2))


def version_of(*parts: bytes) -> str:
    """The day and a short hash of all that decides an answer: never equal for two models, and in order of time."""
    today = datetime.datetime.now(datetime.UTC).date()
    return f"{today:%Y.%m.%d}-{hashlib.sha256(b''.join(parts)).hexdigest()[:8]}"


if __name__ == "__main__":
    typer.run(main)
