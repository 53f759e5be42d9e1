"""What the network is asked to say: a distribution per field and row, and the loss that compares it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS
from training.data import UNKNOWN, Example

Floats = npt.NDArray[np.float32]

TYPES, FEELINGS = len(INQUIRY_TYPES), len(SENTIMENTS)
WIDTH = TYPES + FEELINGS + 1  # of logits and of targets: types, sentiments, actionable
PARTS = {"inquiry_type": slice(0, TYPES), "sentiment": slice(TYPES, WIDTH - 1), "actionable": slice(WIDTH - 1, WIDTH)}
ACTIONABLE_WEIGHT = 0.5


def hard_targets(examples: Sequence[Example], smoothing: float) -> Floats:
    """Targets (rows, WIDTH) from labels. A field without a label is NaN.

    `smoothing` of a label is spread evenly over all classes (Szegedy et al. 2016); where the reader doubted, the type
    that would be defensible too gets its share.
    """
    targets = np.full((len(examples), WIDTH), np.nan, np.float32)
    for row, example in enumerate(examples):
        if example.inquiry_type != UNKNOWN:
            types = np.zeros(TYPES)
            types[example.inquiry_type] = 1
            if example.second != UNKNOWN:
                types[example.inquiry_type] -= example.second_share
                types[example.second] += example.second_share
            targets[row, :TYPES] = types * (1 - smoothing) + smoothing / TYPES
        if example.sentiment != UNKNOWN:
            targets[row, TYPES:-1] = smoothing / FEELINGS
            targets[row, TYPES + example.sentiment] += 1 - smoothing
        if example.actionable != UNKNOWN:
            targets[row, -1] = example.actionable * (1 - smoothing) + smoothing / 2
    return targets


def blended(targets: Floats, said: Floats, share: float) -> Floats:
    """Both (rows, WIDTH): `share` of each target from what teachers said; all of it where there is no label (NaN)."""
    return np.where(np.isnan(targets), said, (1 - share) * targets + share * said).astype(np.float32)


def probabilities(logits: Floats) -> Floats:
    """The three distributions of logits (rows, WIDTH), side by side."""
    tensor = torch.from_numpy(logits)
    parts = (tensor[:, :TYPES].softmax(-1), tensor[:, TYPES:-1].softmax(-1), tensor[:, -1:].sigmoid())
    return np.asarray(torch.cat(parts, dim=-1).numpy())


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum of the fields' mean cross-entropies, each over the rows that have a target. Both (rows, WIDTH)."""
    total = logits.sum() * 0.0
    for part in (PARTS["inquiry_type"], PARTS["sentiment"]):
        known = ~targets[:, part.start].isnan()
        if known.any():
            total = total + functional.cross_entropy(logits[known, part], targets[known, part])
    known = ~targets[:, -1].isnan()
    if known.any():
        loss = functional.binary_cross_entropy_with_logits(logits[known, -1], targets[known, -1])
        total = total + ACTIONABLE_WEIGHT * loss
    return total
