"""The exported folder: what transformers reads of it, and that it is the same each time."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    pipeline,
)

from services.classify.model.base import ModelError, ModelInput
from services.classify.model.config import ModelConfig
from services.classify.model.labels import NAMES
from services.classify.model.loading import load_model
from tests.unit.training.conftest import WORDS
from training.export import ExportError, export

LABELS: dict[str, Any] = {
    "num_labels": len(NAMES),
    "id2label": dict(enumerate(NAMES)),
    "label2id": {n: i for i, n in enumerate(NAMES)},
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    vocabulary = {token: number for number, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, pad_token_id=1, initializer_range=0.2,
        problem_type="multi_label_classification", **LABELS,
    )  # fmt: skip
    config.triage = ModelConfig(name="tiny", version="uncalibrated", max_tokens=32).model_dump()
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_transformers_reads_the_folder(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    config = export(checkpoint, out, data)
    assert config.name == "tiny"
    assert "uncalibrated" not in config.version
    assert AutoConfig.from_pretrained(out).triage["version"] == config.version
    tokenizer = AutoTokenizer.from_pretrained(out)
    network = AutoModelForSequenceClassification.from_pretrained(out, dtype=torch.float32)
    assert next(iter(AutoModelForSequenceClassification.from_pretrained(out).parameters())).dtype == torch.float16
    served = load_model(str(out), "openvino", 1)
    given = ModelInput("mal hola", is_reply=True, parent_text="gracias")
    (ids,) = served.encode([given])
    assert tokenizer("mal hola", "reply: gracias")["input_ids"] == list(ids)
    logits = network(input_ids=torch.tensor([ids])).logits[0].detach().numpy()
    assert served.logits([ids])[0] == pytest.approx(logits, abs=0.15)
    classify = pipeline("text-classification", str(out), dtype=torch.float32, top_k=None)
    said = {each["label"]: each["score"] for each in classify({"text": "mal hola", "text_pair": "reply: gracias"})}
    assert set(said) == set(NAMES)
    expected = torch.sigmoid(torch.from_numpy(logits)).tolist()
    assert [said[name] for name in NAMES] == pytest.approx(expected, abs=1e-4)


def test_the_same_checkpoint_gives_the_same_files(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert export(checkpoint, first, data) == export(checkpoint, second, data)
    assert {path.name for path in first.iterdir()} == {
        "config.json",
        "model.safetensors",
        "openvino_model.bin",
        "openvino_model.xml",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_outputs_are_written_in_our_order(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    export(checkpoint, tmp_path / "usual", data)
    network = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32)
    order = torch.tensor([8, 2, 0, 1, 7, 5, 6, 3, 4])
    network.classifier.weight.data = network.classifier.weight.data[order]
    network.classifier.bias.data = network.classifier.bias.data[order]
    network.config.id2label = {place: NAMES[number] for place, number in enumerate(order.tolist())}
    network.save_pretrained(checkpoint)
    export(checkpoint, tmp_path / "shuffled", data)
    usual, shuffled = (load_model(str(tmp_path / name), "openvino", 1) for name in ("usual", "shuffled"))
    ids = [(0, 5, 7, 2)]
    assert shuffled.logits(ids) == pytest.approx(usual.logits(ids), abs=1e-6)
    # ... while the checkpoint beside it keeps its own, and is read by its names.
    assert load_model(str(tmp_path / "shuffled"), "torch", 1).logits(ids) == pytest.approx(usual.logits(ids), abs=0.15)


def test_another_architecture_is_not_exported(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    config = DistilBertConfig(vocab_size=12, dim=32, n_layers=1, n_heads=2, hidden_dim=32, **LABELS)
    config.triage = ModelConfig(name="tiny", version="1", max_tokens=32).model_dump()
    DistilBertForSequenceClassification(config).save_pretrained(checkpoint)
    with pytest.raises(ExportError, match=r"is a distilbert .* CLASSIFY_BACKEND=torch"):
        export(checkpoint, tmp_path / "model", data)


def test_a_checkpoint_that_does_not_say_what_it_is_called(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    path = checkpoint / "config.json"
    content = json.loads(path.read_text())
    del content["triage"]
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="triage"):
        export(checkpoint, tmp_path / "model", data)
