import json
import random
from pathlib import Path

import pytest

from services.classify.model.base import ModelInput
from training.data import UNKNOWN, Example, alter, training_set, umsab


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One row or a few of each set."""

    def write(name: str, *rows: dict[str, object]) -> None:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    full = {"lang": "es", "text": "ya", "inquiry_type": "answer", "sentiment": "neutral", "actionable": True}
    write("mentions/a.jsonl", full | {"in_reply_to": True, "parent_text": "¿ya?"}, full | {"in_reply_to": False})
    write("public/ibm_cdp_labelled.jsonl", full | {"inquiry_type": "none"})
    splits: list[dict[str, object]] = [
        {"lang": "pt", "text": f"{s}", "split": s, "sentiment": "positive"} for s in ("train", "val", "test")
    ]
    write("public/umsab_es_pt_en.jsonl", *splits)
    english: dict[str, object] = {"lang": "en", "text": "no", "split": "test"}
    rated: list[dict[str, object]] = [english | {"task": "sentiment", "sentiment": "negative"} for _ in range(5)]
    write("public/tweeteval_en.jsonl", *rated, english | {"task": "irony", "irony": 1})
    return tmp_path


def test_the_training_set_holds_no_held_out_split(data: Path) -> None:
    examples = training_set(data, tweeteval_cap=3, seed=1)
    assert [example.source for example in examples] == ["mentions"] * 2 + ["ibm-cdp", "umsab-train"] + ["tweeteval"] * 3
    assert [example.given.text for example in umsab(data, "val")] == ["val"]


def test_labels_that_a_row_lacks_are_unknown(data: Path) -> None:
    reply, _, support, post, *_ = training_set(data, tweeteval_cap=0, seed=1)
    assert reply == Example(ModelInput("ya", True, "¿ya?"), 4, 1, 1, "es", "mentions")
    assert (support.inquiry_type, support.sentiment, support.actionable) == (UNKNOWN, 1, 1)
    assert (post.inquiry_type, post.sentiment, post.actionable) == (UNKNOWN, 2, UNKNOWN)


def test_altered_copies_keep_labels_and_are_never_empty() -> None:
    rng = random.Random(1)
    example = Example(ModelInput("¿Cómo, señor?", True, "¿Qué?"), 3, 1, 1, "es", "mentions")
    altered = [alter(example, rng) for _ in range(300)]
    assert all(copy.given.text and copy.inquiry_type == 3 for copy in altered)
    assert len({copy.given.text for copy in altered}) > 50
    assert {copy.given.is_reply for copy in altered} == {True, False}
    assert all(alter(Example(ModelInput("?"), 0, 0, 0, "es", ""), rng).given.text for _ in range(100))
