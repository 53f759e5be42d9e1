"""What is learnt from teachers: their mean, whatever the batch; the labels keep their share."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from tests.unit.training.conftest import STAGES
from training.distil import answers, blended
from training.finetune import network_of, training_set
from training.progress import Forecast
from training.recipe import Recipe
from training.steps import Plan, run, steps_of
from training.targets import probabilities

TEXTS = ((0, 4, 2), (0, 5, 6, 7, 2), (0, 8, 9, 2))


def test_the_answers_are_the_checkpoints_mean_in_the_order_of_the_texts(base: Path, plan: Plan, tmp_path: Path) -> None:
    checkpoints = [tmp_path / "one", tmp_path / "two"]
    for seed, checkpoint in enumerate(checkpoints):
        network = network_of(str(base), plan.recipe, seed)
        network.get_parameter("classifier.weight").data.mul_(50)  # a fresh head says nearly the same of every text
        network.save_pretrained(checkpoint)
    expected = []
    for checkpoint in checkpoints:
        network = AutoModelForSequenceClassification.from_pretrained(checkpoint).eval()
        with torch.inference_mode():
            logits = [network(input_ids=torch.tensor([text])).logits.numpy() for text in TEXTS]
        expected.append(probabilities(np.concatenate(logits)))
    assert np.abs(expected[0] - expected[1]).max() > 0.1
    said = answers(checkpoints, TEXTS, pad_id=1)
    assert said == pytest.approx((expected[0] + expected[1]) / 2, abs=0.02)
    assert answers(checkpoints, TEXTS[::-1], pad_id=1)[::-1] == pytest.approx(said, abs=0.02)


def test_labels_keep_their_share_and_missing_ones_come_from_the_teachers() -> None:
    targets = np.array([[1, 0], [np.nan, np.nan]], np.float32)
    said = np.array([[0.6, 0.4], [0.3, 0.7]], np.float32)
    assert blended(targets, said, 0.25) == pytest.approx(np.array([[0.9, 0.1], [0.3, 0.7]]))


def test_a_stage_is_taught_by_all_runs_of_the_stages_that_it_names(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    taught = STAGES[0].model_copy(update={"name": "taught", "teachers": ("first", "second")})
    asked: list[list[str]] = []

    def recording(
        checkpoints: list[Path], texts: list[object], pad_id: int
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        asked.append([str(checkpoint.relative_to(plan.out)) for checkpoint in checkpoints])
        return answers(checkpoints, texts, pad_id)  # type: ignore[arg-type]

    monkeypatch.setattr("training.finetune.answers", recording)
    plan = Plan(plan.base, plan.data, plan.out, plan.recipe.model_copy(update={"stages": (*STAGES, taught)}), 0, 1)
    steps = steps_of(plan, Forecast(1))
    run(plan, steps[: 1 + len(plan.recipe.stages)])
    assert asked == [["first/seed-1/done", "second/seed-1/done", "second/seed-2/done"]]
    assert (plan.out / "taught/averaged/model.safetensors").is_file()
    assert training_set(plan.data, taught)


def test_teachers_are_earlier_stages(plan: Plan) -> None:
    wrong = plan.recipe.model_dump() | {
        "stages": [STAGES[0].model_dump() | {"teachers": ("second",)}, STAGES[1].model_dump()]
    }
    with pytest.raises(ValueError, match="teachers of first are no earlier stages: second"):
        Recipe.model_validate(wrong)
