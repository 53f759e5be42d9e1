"""A tiny base encoder and a handful of rows of every set: what a whole training needs, in seconds."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel

from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS
from training.plan import Plan
from training.recipe import Recipe, Stage

WORDS = ("mal", "bien", "ayuda", "quiero", "listo", "hola", "gracias", "app")
Write = Callable[..., None]
STAGES = (
    Stage(name="first", epochs=1, rate=1e-3, seeds=(1,), tweeteval_rows=5),
    Stage(name="second", epochs=1, rate=1e-3, seeds=(1, 2), tweeteval_rows=0),
)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    vocabulary = {token: number for number, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=160, pad_token_id=1,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Adds rows to a file of the data folder."""

    def add(name: str, *rows: dict[str, object]) -> None:
        path = tmp_path / "data" / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in rows)

    return add


@pytest.fixture
def data(tmp_path: Path, write: Write) -> Path:
    """Four rows of every pair of labels in each set."""
    rows: list[dict[str, object]] = [
        {
            "text": f"{WORDS[t]} {WORDS[5 + s]} {WORDS[(t + s + n) % len(WORDS)]}", "lang": ("es", "pt", "en")[n % 3],
            "inquiry_type": inquiry_type, "sentiment": sentiment, "actionable": t % 2 == 0, "in_reply_to": t == 4,
            "parent_text": None, "sure": 3 - n % 2, "draw": ("random", "picked")[n % 2],
        }
        for (t, inquiry_type), (s, sentiment), n in itertools.product(
            enumerate(INQUIRY_TYPES), enumerate(SENTIMENTS), range(8)
        )
    ]  # fmt: skip
    write("mentions/some", *rows)
    write("real-validation/validation", *rows)
    write("public/ibm_cdp_labelled", *rows[::4])
    write("public/tweeteval_en", *(row | {"task": "sentiment"} for row in rows[::4]))
    write("public/umsab_es_pt_en", *(row | {"split": split} for row in rows for split in ("train", "val", "test")))
    return tmp_path / "data"


@pytest.fixture
def plan(base: Path, data: Path, tmp_path: Path) -> Plan:
    recipe = Recipe(
        name="tiny", max_tokens=32, batch=8, head_rate=2, layer_decay=1, warm_up=0.1, weight_decay=0, dropout=0,
        label_smoothing=0, altered=0.5, stages=STAGES,
    )  # fmt: skip
    return Plan(str(base), data, tmp_path / "out", recipe, pieces=50_000, threads=1)
