"""What several checkpoints say on average, to be learnt beside the labels and where there are none.

"Distilling the knowledge in a neural network", Hinton et al. 2015.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification

from services.classify.model.base import TokenIds
from training.finetune import padded
from training.targets import WIDTH, Floats, probabilities

_BATCH: Final = 64


def answers(checkpoints: Sequence[Path], texts: Sequence[TokenIds], pad_id: int) -> Floats:
    """The checkpoints' mean probabilities (texts, WIDTH), in the order of the texts; an equal text is asked once."""
    asked = sorted(set(texts), key=lambda ids: (len(ids), ids))
    said = np.zeros((len(asked), WIDTH), np.float64)
    for checkpoint in checkpoints:
        network = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()
        for start in range(0, len(asked), _BATCH):
            ids, mask = padded(asked[start : start + _BATCH], pad_id)
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                logits = network(input_ids=ids, attention_mask=mask).logits
            said[start : start + _BATCH] += probabilities(logits.float().numpy())
    row_of = {ids: row for row, ids in enumerate(asked)}
    mean = said / len(checkpoints)
    return np.asarray(mean[[row_of[ids] for ids in texts]], np.float32)
