"""What a model folder says about examples: its served file, and a checkpoint in torch."""

from collections.abc import Sequence
from pathlib import Path

import torch as torch_runtime

from services.classify.model import openvino, torch
from services.classify.model.backend import BackendModel
from training.data import Example
from training.targets import Floats


def served(folder: Path) -> BackendModel:
    """The file that the service runs, on one core."""
    return openvino.load(folder, threads=1)


def reference(folder: Path, threads: int) -> BackendModel:
    """A folder's `model.safetensors`, computed in fp32 on `threads` cores."""
    model = torch.load(str(folder), threads=1)
    torch_runtime.set_num_threads(threads)
    return model


def logits_of(model: BackendModel, examples: Sequence[Example]) -> Floats:
    """Uncalibrated outputs (rows, 9)."""
    return model.logits(model.encode([example.given for example in examples]))
