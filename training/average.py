"""The mean of several checkpoints' weights (a "model soup", Wortsman et al. 2022)."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification


def average(folders: Sequence[Path], out: Path) -> Path:
    """Write the mean of checkpoints that descend from one to `out`; the tokenizer is the first's."""
    weights = [load_file(folder / "model.safetensors") for folder in folders]
    mean = {name: torch.stack([w[name].float() for w in weights]).mean(0) for name in weights[0]}
    network = AutoModelForSequenceClassification.from_pretrained(folders[0], dtype=torch.float32)
    network.load_state_dict(mean)
    network.save_pretrained(out)
    (out / "tokenizer.json").write_bytes((folders[0] / "tokenizer.json").read_bytes())
    return out
