"""Which neurons go, and that nothing else does."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, DistilBertConfig

from tests.unit.training.conftest import STAGES
from training.finetune import network_of, training_set
from training.narrow import NarrowError, check_width, narrow
from training.plan import Plan

KEPT = 20
TEXT = torch.tensor([[0, 4, 9, 5, 2]])


def test_neurons_that_nothing_depends_on_go_first(base: Path, plan: Plan, tmp_path: Path) -> None:
    network = network_of(str(base), plan.recipe, 1).eval()  # type: ignore[no-untyped-call]
    outer = network.get_parameter("bert.encoder.layer.0.output.dense.weight")
    idle = torch.randperm(outer.shape[1])[KEPT:]
    outer.data[:, idle] = 0
    network.save_pretrained(tmp_path / "wide")
    (tmp_path / "wide/tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    folder = narrow(tmp_path / "wide", KEPT, training_set(plan.data, STAGES[0]), 32, tmp_path / "narrow")
    narrowed = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    assert narrowed.config.intermediate_size == KEPT
    assert narrowed.get_parameter("bert.encoder.layer.0.intermediate.dense.weight").shape[0] == KEPT
    with torch.inference_mode():
        assert narrowed(TEXT).logits.numpy() == pytest.approx(network(TEXT).logits.numpy(), abs=1e-5)
    assert (folder / "tokenizer.json").is_file()


def test_a_width_that_a_base_cannot_have_is_told_before_hours_are_spent(base: Path, tmp_path: Path) -> None:
    check_width(str(base), 32)
    with pytest.raises(NarrowError, match=r"has 32 neurons in each feed-forward layer: .* cannot be 33"):
        check_width(str(base), 33)
    DistilBertConfig().save_pretrained(tmp_path / "other")
    with pytest.raises(NarrowError, match="is a distilbert: only BERT is narrowed"):
        check_width(str(tmp_path / "other"), 16)
