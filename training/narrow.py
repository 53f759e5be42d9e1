"""Fewer neurons in the feed-forward layers, which hold two thirds of a BERT's arithmetic: a faster network, to teach.

The neurons stay whose absence would change the loss most, by its first-order estimate: the square of activation times
gradient, summed over the tokens of labelled texts ("Are sixteen heads really better than one?", Michel et al. 2019;
"Importance estimation", Molchanov et al. 2019).
"""

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForSequenceClassification

from services.classify.model.folder import TOKENIZER, read_tokenizer
from services.classify.model.input import special_token
from services.common.errors import TriageError
from training.data import Example
from training.finetune import Rows, collate
from training.targets import hard_targets, loss_of

TEXTS: Final = 1_500
_BATCH: Final = 24
_SEED: Final = 2027


class NarrowError(TriageError):
    """A network cannot be narrowed so far; the message says what to do."""


def check_width(base: str, width: int) -> None:
    """Raise NarrowError unless the network of a folder or hub id is a BERT of at least `width` neurons."""
    config = AutoConfig.from_pretrained(base)
    if config.model_type != "bert":
        raise NarrowError(f"{base} is a {config.model_type}: only BERT is narrowed. Leave `width` out of the recipe")
    if width > config.intermediate_size:
        raise NarrowError(
            f"{base} has {config.intermediate_size} neurons in each feed-forward layer: `width` in the recipe cannot be"
            f" {width}"
        )


def narrow(checkpoint: Path, width: int, examples: Sequence[Example], max_tokens: int, out: Path) -> Path:
    """Write `checkpoint`, a BERT with its heads, to `out` with the `width` neurons of each layer that matter most to
    `examples`; the tokenizer is written last."""
    network = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()
    tokenizer = read_tokenizer(checkpoint / TOKENIZER)
    pad_id = special_token(tokenizer, "<pad>")
    chosen = random.Random(_SEED).sample(examples, min(TEXTS, len(examples)))
    rows = Rows(chosen, hard_targets(chosen, 0.0), tokenizer, max_tokens)
    taken = sorted((rows[row] for row in range(len(rows))), key=lambda row: len(row["input_ids"]))
    batches = [collate(taken[start : start + _BATCH], pad_id) for start in range(0, len(taken), _BATCH)]
    for layer, importance in zip(network.bert.encoder.layer, _importance(network, batches), strict=True):
        kept = importance.topk(width).indices.sort().values
        inner, outer = layer.intermediate.dense, layer.output.dense
        inner.weight.data, inner.bias.data = inner.weight.data[kept], inner.bias.data[kept]
        outer.weight.data = outer.weight.data[:, kept]
    network.config.intermediate_size = width
    network.save_pretrained(out)
    (out / TOKENIZER).write_bytes((checkpoint / TOKENIZER).read_bytes())
    return out


def _importance(network: Any, batches: Sequence[dict[str, Tensor]]) -> list[Tensor]:
    """Of each layer's neurons (width,)."""
    layers = network.bert.encoder.layer
    sums = [torch.zeros(network.config.intermediate_size) for _ in layers]
    seen: dict[int, Tensor] = {}

    def keep(number: int, _module: Any, _given: Any, activations: Tensor) -> None:
        activations.retain_grad()
        seen[number] = activations

    hooks = [layer.intermediate.register_forward_hook(partial(keep, number)) for number, layer in enumerate(layers)]
    for batch in batches:
        network.zero_grad()
        logits = network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        # A sum over the rows: the last batch is smaller, and its texts shall count like the others.
        loss = loss_of(logits, batch["labels"]) * len(logits)
        loss.backward()  # type: ignore[no-untyped-call]
        for number, activations in seen.items():
            gradient = activations.grad
            assert gradient is not None
            # Padding gets no attention, so its gradient is zero everywhere.
            sums[number] += (activations.detach() * gradient).square().sum(dim=(0, 1))
    for hook in hooks:
        hook.remove()
    return sums
