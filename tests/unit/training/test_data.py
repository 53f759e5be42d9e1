import random
from pathlib import Path

import pytest

from services.classify.model.base import ModelInput
from tests.unit.training.conftest import Write
from training.augment import alter
from training.data import UNKNOWN, Example, ibm, mentions, real_validation, tweeteval, umsab

FULL: dict[str, object] = {
    "lang": "es",
    "text": "ya",
    "inquiry_type": "answer",
    "sentiment": "neutral",
    "actionable": True,
    "platform": "twitter",
}


@pytest.fixture
def few(tmp_path: Path, write: Write) -> Path:
    write("mentions/a", FULL | {"in_reply_to": True, "parent_text": "¿ya?"}, FULL | {"platform": "app_store"})
    write("mentions/b", FULL | {"second": "technical", "sure": 1})
    write("real-validation/mine", FULL | {"draw": "random", "sure": 2})
    write("real-validation/theirs", FULL | {"inquiry_type": "none"})
    write(
        "public/umsab_es_pt_en",
        *({"lang": "pt", "text": s, "split": s, "sentiment": "positive"} for s in ("train", "val")),
    )
    rated = {"lang": "en", "text": "no", "task": "sentiment", "sentiment": "negative"}
    write("public/tweeteval_en", *([rated] * 5), {"lang": "en", "text": "sure", "task": "irony", "irony": 1})
    return tmp_path / "data"


def test_rows_become_examples(few: Path) -> None:
    reply, review, doubted = mentions(few)
    assert reply == Example(ModelInput("ya", True, "¿ya?", None, "twitter", "reply"), 4, 1, 1, "es", "a")
    assert (review.given.platform, review.given.kind) == ("app_store", "review")
    assert (doubted.source, doubted.second, doubted.second_share) == ("b", 3, 0.35)


def test_labels_that_a_row_lacks_are_unknown(few: Path) -> None:
    post = umsab(few, "train")[0]
    assert (post.inquiry_type, post.sentiment, post.actionable, post.given.text) == (UNKNOWN, 2, UNKNOWN, "train")


def test_validation_posts_are_of_all_files_and_say_how_they_were_drawn(few: Path) -> None:
    mine, theirs = real_validation(few)
    assert (mine.draw, mine.sure, mine.source) == ("random", 2, "real-validation")
    assert (theirs.draw, theirs.inquiry_type) == ("", UNKNOWN)


def test_a_sample_is_fixed_and_a_set_that_is_absent_is_empty(few: Path) -> None:
    assert len(tweeteval(few, 3)) == 3
    assert len(tweeteval(few, 99)) == 5
    assert ibm(few) == []


def test_altered_copies_keep_labels_and_are_never_empty() -> None:
    rng = random.Random(1)
    example = Example(ModelInput("¿Cómo, señor?", True, "¿Qué?"), 3, 1, 1, "es", "mentions")
    altered = [alter(example, rng) for _ in range(300)]
    assert all(copy.given.text and copy.inquiry_type == 3 for copy in altered)
    assert len({copy.given.text for copy in altered}) > 50
    assert {copy.given.is_reply for copy in altered} == {True, False}
    assert all(alter(Example(ModelInput("?"), 0, 0, 0, "es", ""), rng).given.text for _ in range(100))
