"""Learning from several checkpoints at once: what they say on average, beside the labels and where there are none.

"Distilling the knowledge in a neural network", Hinton et al. 2015.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification

from services.classify.model.base import TokenIds
from training.targets import WIDTH, Floats, probabilities

_BATCH: Final = 64


def answers(checkpoints: Sequence[Path], texts: Sequence[TokenIds], pad_id: int) -> Floats:
    """The checkpoints' mean probabilities (texts, WIDTH)."""
    said = np.zeros((len(checkpoints), len(texts), WIDTH), np.float32)
    by_length = sorted(range(len(texts)), key=lambda text: len(texts[text]))
    for number, checkpoint in enumerate(checkpoints):
        network = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()
        for start in range(0, len(texts), _BATCH):
            own = by_length[start : start + _BATCH]
            ids = torch.full((len(own), len(texts[own[-1]])), pad_id)
            for row, text in enumerate(own):
                ids[row, : len(texts[text])] = torch.tensor(texts[text])
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                logits = network(input_ids=ids, attention_mask=torch.ne(ids, pad_id).long()).logits
            said[number, own] = probabilities(logits.float().numpy())
    return np.asarray(said.mean(axis=0))


def blended(targets: Floats, said: Floats, share: float) -> Floats:
    """Both (rows, WIDTH): `share` of each target from what was said; all of it where a row has no label (NaN)."""
    return np.where(np.isnan(targets), said, (1 - share) * targets + share * said).astype(np.float32)
