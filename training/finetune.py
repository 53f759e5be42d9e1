"""Fine-tunes a base encoder with the three heads and keeps the best epoch.

python -m training.finetune --base BASE --data DATA --out var/training/small
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from sklearn.metrics import f1_score
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from transformers import BertConfig, get_linear_schedule_with_warmup
from transformers.utils.hub import cached_file

from services.classify.model.base import TokenIds
from services.classify.model.config import ModelConfig
from services.classify.model.input import encode
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS
from services.classify.model.torch import TriageNetwork
from training.data import UNKNOWN, Example, alter, real_validation, training_set, umsab

TYPES, FEELINGS = len(INQUIRY_TYPES), len(SENTIMENTS)
MAX_TOKENS = 128
PAD_ID = 1  # of every XLM-R vocabulary


def batches(tokens: Sequence[TokenIds], size: int, rng: random.Random | None = None) -> Iterator[list[int]]:
    """Row numbers in batches of similar length; in random order when `rng` is given."""
    order = list(range(len(tokens)))
    if rng:
        rng.shuffle(order)
    # Sorting inside windows keeps batches random and still nearly free of padding.
    window = size * 50
    grouped = [
        sorted(order[start : start + window], key=lambda row: len(tokens[row]))
        for start in range(0, len(order), window)
    ]
    result = [group[at : at + size] for group in grouped for at in range(0, len(group), size)]
    if rng:
        rng.shuffle(result)
    yield from result


def loss_of(logits: Tensor, examples: Sequence[Example]) -> Tensor:
    """Sum of the three heads' mean losses, each over the rows that carry its label."""
    types = torch.tensor([e.inquiry_type for e in examples])
    feelings = torch.tensor([e.sentiment for e in examples])
    actionable = torch.tensor([e.actionable for e in examples])
    total = logits.sum() * 0.0
    if (types != UNKNOWN).any():
        total = total + functional.cross_entropy(logits[:, :TYPES], types, ignore_index=UNKNOWN)
    if (feelings != UNKNOWN).any():
        feeling_logits = logits[:, TYPES : TYPES + FEELINGS]
        total = total + functional.cross_entropy(feeling_logits, feelings, ignore_index=UNKNOWN)
    known = actionable != UNKNOWN
    if known.any():
        target = actionable[known].float()
        total = total + 0.5 * functional.binary_cross_entropy_with_logits(logits[known, -1], target)
    return total


def pad(batch: Sequence[TokenIds]) -> tuple[Tensor, Tensor]:
    """Ids and mask, both (batch, longest)."""
    ids = torch.full((len(batch), max(map(len, batch))), PAD_ID, dtype=torch.long)
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
    return ids, torch.ne(ids, PAD_ID).long()


@torch.inference_mode()
def logits_of(network: TriageNetwork, tokens: Sequence[TokenIds]) -> Tensor:
    """Logits (rows, 9) in the order given, fp32."""
    network.eval()  # type: ignore[no-untyped-call]
    result = torch.empty(len(tokens), TYPES + FEELINGS + 1)
    for rows in batches(tokens, 64):
        result[rows] = network(*pad([tokens[row] for row in rows])).float()
    return result


def scores(logits: Tensor, examples: Sequence[Example]) -> dict[str, float]:
    """Macro-F1 (percent) per field over the rows that carry its label."""
    result = {}
    fields = {
        "inquiry_type": (logits[:, :TYPES].argmax(-1), [e.inquiry_type for e in examples]),
        "sentiment": (logits[:, TYPES : TYPES + FEELINGS].argmax(-1), [e.sentiment for e in examples]),
        "actionable": ((logits[:, -1] > 0).long(), [e.actionable for e in examples]),
    }
    for field, (predicted, gold) in fields.items():
        known = [row for row, label in enumerate(gold) if label != UNKNOWN]
        if known:
            truth = [gold[row] for row in known]
            result[field] = 100 * float(f1_score(truth, predicted[known].tolist(), average="macro"))
    return result


def main(
    base: Annotated[str, typer.Option(help="folder or hub id of the encoder")],
    data: Annotated[Path, typer.Option(help="folder with mentions/, public/ and real-validation/")],
    out: Annotated[Path, typer.Option()] = Path("var/training/small"),
    name: Annotated[str, typer.Option(help="the model's name in every classification")] = "mention-triage-small",
    epochs: int = 3,
    rate: float = 8e-5,
    batch: int = 32,
    tweeteval_cap: int = 3_500,
    altered: Annotated[float, typer.Option(help="share of the written mentions altered per epoch")] = 0.5,
    seed: int = 2027,
    threads: int = 2,
) -> None:
    """Train, print the validation scores of each epoch, save the best one to `out`."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    rng = random.Random(seed)
    # On a CPU, random numbers for attention dropout cost a tenth of the time, and fused attention is slower.
    config = BertConfig.from_pretrained(base, attention_probs_dropout_prob=0.0)
    network = TriageNetwork.from_pretrained(base, config=config, dtype=torch.float32, attn_implementation="eager")
    tokenizer = Tokenizer.from_file(str(cached_file(base, "tokenizer.json")))
    examples = training_set(data, tweeteval_cap, seed)
    held_out = {"real": real_validation(data), "umsab-val": umsab(data, "val")}
    held_out_tokens = {part: encode(tokenizer, [e.given for e in rows], MAX_TOKENS) for part, rows in held_out.items()}
    steps = epochs * ((len(examples) + batch - 1) // batch)
    heads = [p for where, p in network.named_parameters() if not where.startswith("bert.")]
    groups = [{"params": network.bert.parameters(), "lr": rate}, {"params": heads, "lr": 10 * rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)  # type: ignore[no-untyped-call]
    print(f"{len(examples)} rows, {steps} steps, {epochs} epochs", flush=True)
    best, step, started = 0.0, 0, time.monotonic()
    for epoch in range(1, epochs + 1):
        seen = [alter(e, rng) if e.source == "mentions" and rng.random() < altered else e for e in examples]
        tokens = encode(tokenizer, [e.given for e in seen], MAX_TOKENS)
        network.train()
        for rows in batches(tokens, batch, rng):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = network(*pad([tokens[row] for row in rows]))
            loss = loss_of(logits.float(), [seen[row] for row in rows])
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            if step % 50 == 0:
                took = time.monotonic() - started
                left = took / step * (steps - step)
                print(f"step {step}/{steps} loss {loss.item():.3f} {took:.0f} s, {left:.0f} s left", flush=True)
        result = {part: scores(logits_of(network, held_out_tokens[part]), rows) for part, rows in held_out.items()}
        print(f"epoch {epoch}", json.dumps(result), flush=True)
        choice = (
            result["real"]["inquiry_type"]
            + 0.5 * (result["real"]["sentiment"] + result["umsab-val"]["sentiment"])
            + 0.5 * result["real"]["actionable"]
        )
        if choice > best:
            best = choice
            network.config.triage = ModelConfig(name=name, version="uncalibrated", max_tokens=MAX_TOKENS).model_dump()
            network.save_pretrained(out)
            tokenizer.save(str(out / "tokenizer.json"), pretty=False)
            print(f"kept epoch {epoch}", flush=True)


if __name__ == "__main__":
    typer.run(main)
