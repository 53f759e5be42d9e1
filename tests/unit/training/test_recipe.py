"""The four steps of the recipe, one after the other, on a tiny random base and a handful of written rows."""

import itertools
import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel

from services.classify.model.base import ModelInput
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS
from services.classify.model.loading import load_model
from training import calibrate, evaluate, export, finetune

WORDS = ("mal", "bien", "ayuda", "quiero", "listo", "hola", "gracias", "app")


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
def data(tmp_path: Path) -> Path:
    """Two rows of every pair of labels, in each of the files that the steps read."""
    rows = [
        {
            "text": f"{WORDS[t]} {WORDS[5 + s]} {WORDS[(t + s + n) % len(WORDS)]}", "lang": ("es", "pt", "en")[s],
            "inquiry_type": inquiry_type, "sentiment": sentiment, "actionable": t % 2 == 0, "in_reply_to": t == 4,
            "parent_text": None, "task": "sentiment", "draw": "random",
        }
        for (t, inquiry_type), (s, sentiment), n in itertools.product(
            enumerate(INQUIRY_TYPES), enumerate(SENTIMENTS), range(2)
        )
    ]  # fmt: skip
    files = {
        "mentions/some.jsonl": rows,
        "public/ibm_cdp_labelled.jsonl": rows,
        "public/tweeteval_en.jsonl": rows,
        "public/umsab_es_pt_en.jsonl": [row | {"split": split} for row in rows for split in ("train", "val", "test")],
        "real-validation/validation.jsonl": rows,
    }
    for name, content in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(json.dumps(row) for row in content))
    return tmp_path / "data"


def test_the_recipe_makes_a_model_that_is_served(tmp_path: Path, base: Path, data: Path) -> None:
    checkpoint, folder = tmp_path / "checkpoint", tmp_path / "model"
    finetune.main(str(base), data, checkpoint, name="tiny", epochs=1, batch=8, threads=1)
    calibrate.main(checkpoint, data, threads=1)
    export.main(checkpoint, folder)
    evaluate.main(folder, checkpoint, data)
    served, original = load_model(str(folder), "onnx", 1), load_model(str(checkpoint), "torch", 1)
    assert served.name == "tiny"
    assert "uncalibrated" not in (served.version, original.version)
    tokens = served.encode([ModelInput("mal hola"), ModelInput("listo gracias", is_reply=True)])
    for mine, reference in zip(served.predict(tokens), original.predict(tokens), strict=True):
        assert mine.inquiry_type == pytest.approx(reference.inquiry_type, abs=0.02)
    report = json.loads((folder / "evaluation.json").read_text())
    assert report["model"]["name"] == "tiny"
    assert report["real_validation"]["inquiry_type"]["rows"] == 30
