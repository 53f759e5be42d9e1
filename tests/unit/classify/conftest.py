"""A tiny random model in both formats, the shipped model, and a scripted one."""

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig

from services.classify.model.base import Levels, Model, ModelInput, Prediction, TokenIds
from services.classify.model.config import ModelConfig
from services.classify.model.loading import load_model
from services.classify.model.torch import TriageNetwork
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


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformers checkpoint of two random layers."""
    folder = tmp_path_factory.mktemp("checkpoint")
    vocabulary = {token: number for number, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        pad_token_id=1,
        initializer_range=0.3,
    )
    config.triage = ModelConfig(name="tiny", version="1", max_tokens=16).model_dump()
    TriageNetwork(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as an ONNX folder."""
    folder = tmp_path_factory.mktemp("exported")
    export(checkpoint, folder)
    return folder


@pytest.fixture
def broken(exported: Path, tmp_path: Path) -> Path:
    """A copy of the ONNX folder to spoil."""
    return Path(shutil.copytree(exported, tmp_path / "broken"))


@pytest.fixture(scope="session")
def shipped() -> Model:
    """The model in the repository."""
    return load_model(str(SHIPPED), "onnx", threads=2)


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
