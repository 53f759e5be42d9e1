"""A tiny random model in both formats, the shipped model, and a scripted one."""

import json
import random
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification

from services.classify.model.base import Levels, Model, ModelInput, Prediction, TokenIds
from services.classify.model.config import ModelConfig
from services.classify.model.labels import NAMES
from services.classify.model.loading import load_model
from training.export import export

WORDS = [
    "the",
    "app",
    "fails",
    "again",
    "love",
    "it",
    "thanks",
    "no",
    "funciona",
    "obrigado",
    "reply",
    ":",
    "@user",
    "http",
    "?",
]
SHIPPED = Path(__file__).parents[3] / "models/mention-triage-small"


def tiny_config(vocabulary: int, **more: Any) -> BertConfig:
    """Two random layers."""
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,
        **more,
    )


def labelled(names: Sequence[str]) -> dict[str, Any]:
    """The part of a config that names a model's outputs."""
    return {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {n: i for i, n in enumerate(names)},
    }


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformers checkpoint of the shipped model's kind."""
    folder = tmp_path_factory.mktemp("checkpoint")
    vocabulary = {token: number for number, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    config = tiny_config(len(vocabulary), pad_token_id=1, **labelled(NAMES))
    config.triage = ModelConfig(name="tiny", version="1", max_tokens=16).model_dump()
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as a folder to serve."""
    folder = tmp_path_factory.mktemp("exported")
    export(checkpoint, folder, write_mentions(tmp_path_factory.mktemp("data")))
    return folder


def write_mentions(data: Path) -> Path:
    """Mentions of the tiny model's words, to measure its activations on."""
    rng = random.Random(1)
    rows = [
        {"text": " ".join(rng.choices(WORDS, k=rng.randrange(13))), "lang": "en", "inquiry_type": "answer",
         "sentiment": "neutral", "actionable": True, "platform": "x"}
        for _ in range(400)
    ]  # fmt: skip
    (data / "mentions").mkdir()
    (data / "mentions/some.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return data


@pytest.fixture
def broken(exported: Path, tmp_path: Path) -> Path:
    """A copy of the exported folder to spoil."""
    return Path(shutil.copytree(exported, tmp_path / "broken"))


@pytest.fixture(scope="session")
def shipped() -> Model:
    """The model in the repository."""
    return load_model(str(SHIPPED), "auto", threads=2)


@dataclass
class ScriptedModel:
    """Answers with a function of the ids alone; records its batches; can be held back at a gate."""

    name: str = "scripted"
    version: str = "1"
    threads: int = 1
    batches: list[list[TokenIds]] = field(default_factory=list)
    before: Callable[[Sequence[TokenIds]], None] = lambda batch: None
    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def encode(self, inputs: Sequence[ModelInput]) -> list[TokenIds]:
        return [tuple(ord(letter) for letter in given.text) for given in inputs]

    def predict(self, batch: Sequence[TokenIds]) -> list[Prediction]:
        self.batches.append(list(batch))
        self.entered.set()
        assert self.gate.wait(10)
        self.before(batch)
        return [self.answer(ids) for ids in batch]

    def answer(self, ids: TokenIds) -> Prediction:
        return Prediction((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0), round(sum(ids) % 101 / 100, 4))

    def levels(self, prediction: Prediction) -> Levels:
        return Levels("high", "medium", "low")


@pytest.fixture
def scripted() -> ScriptedModel:
    return ScriptedModel()
