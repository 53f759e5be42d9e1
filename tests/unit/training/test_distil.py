"""What teachers say: their mean, whatever the batch, asked once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from services.classify.model.base import TokenIds
from tests.unit.training.conftest import STAGES
from training import stages
from training.distil import answers
from training.finetune import network_of
from training.plan import Plan, PlanError
from training.progress import Forecast
from training.steps import Step, run, steps_of
from training.targets import Floats, blended, probabilities

TEXTS = ((0, 4, 2), (0, 5, 6, 7, 2), (0, 8, 9, 2), (0, 4, 2))


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


@pytest.fixture
def taught(plan: Plan) -> list[Step]:
    """The steps up to a third stage that the runs before teach, and that keeps half of the neurons."""
    stage = STAGES[0].model_copy(
        update={"name": "third", "teachers": ("first", "second"), "width": 16, "seeds": (1, 2)}
    )
    plan = replace(plan, pieces=0, recipe=plan.recipe.model_copy(update={"stages": (*STAGES, stage)}))
    return steps_of(plan, Forecast(1))[:4]


def test_teachers_are_asked_once_whatever_the_seeds_and_interruptions(
    plan: Plan, taught: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def recording(checkpoints: Sequence[Path], texts: Sequence[TokenIds], pad_id: int) -> Floats:
        asked.append([str(checkpoint.relative_to(plan.out)) for checkpoint in checkpoints])
        return answers(checkpoints, texts, pad_id)

    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    plan = replace(plan, pieces=0)
    monkeypatch.setattr(stages, "answers", recording)
    result = run(plan, taught[:3])
    with monkeypatch.context() as broken:
        broken.setattr(stages, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            taught[3].run(result)
    with monkeypatch.context() as watched:
        watched.setattr(stages, "narrow", interrupted)  # is not called again
        checkpoint = taught[3].run(result)
    assert asked == [["first/seed-1/done", "second/seed-1/done", "second/seed-2/done"]]
    assert AutoModelForSequenceClassification.from_pretrained(checkpoint).config.intermediate_size == 16


def test_a_teacher_that_is_gone_is_named(plan: Plan, taught: list[Step]) -> None:
    result = run(replace(plan, pieces=0), taught[:3])
    (plan.out / "first/seed-1/done/tokenizer.json").unlink()
    with pytest.raises(PlanError, match="seed-1/done is gone, and third is to be taught by it: --from first"):
        taught[3].run(result)
