"""The committed challenge set: as it is described, and apart from what is trained on."""

import re
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from services.classify.model.config import Calibration
from services.classify.model.labels import INQUIRY_TYPES
from training.challenge import DEFAULT, challenge_report, read_challenge
from training.data import UNKNOWN, mentions
from training.sets import DataError
from training.targets import WIDTH

PHENOMENA = {
    "irony", "should", "plea", "competitor", "code-switching", "capitals", "short", "no parent", "spelling", "negation",
    "mixed",
}  # fmt: skip
FEW_WORDS = 3  # so short a text may well have been written twice


def letters(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", re.sub(r"@\w+", "", bare)))


def test_it_is_labelled_and_tagged_and_balanced() -> None:
    challenge = read_challenge()
    assert all(UNKNOWN not in (e.inquiry_type, e.sentiment, e.actionable) for e in challenge.examples)
    assert {name for own in challenge.phenomena for name in own} == PHENOMENA
    assert all(challenge.phenomena)
    languages = Counter(example.language for example in challenge.examples)
    assert set(languages) == {"es", "pt", "en"}
    assert all(60 <= rows <= 90 for rows in languages.values())
    assert min(Counter(example.inquiry_type for example in challenge.examples).values()) >= 30
    assert len({example.given.text for example in challenge.examples}) == len(challenge.examples)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no \*.jsonl: pass --challenge"):
        read_challenge(tmp_path)


def test_nothing_of_it_is_trained_on() -> None:
    trained = {letters(example.given.text) for example in mentions(DEFAULT.parent)}
    texts = [letters(example.given.text) for example in read_challenge().examples]
    assert not [text for text in texts if len(text.split()) > FEW_WORDS and text in trained]


def test_mistakes_are_told_with_what_would_be_right(tmp_path: Path) -> None:
    source = (DEFAULT / "en.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "some.jsonl").write_text("\n".join(source[:20]))
    challenge = read_challenge(tmp_path)
    logits = np.zeros((20, WIDTH), np.float32)
    for row, example in enumerate(challenge.examples):
        logits[row, example.inquiry_type] = logits[row, 5 + example.sentiment] = 4
    logits[3, :5] = 0
    logits[3, INQUIRY_TYPES.index("answer")] = 9
    logits[7, 5:8] = (9, 0, 0) if challenge.examples[7].sentiment else (0, 9, 0)
    report = challenge_report(logits, challenge, Calibration())
    assert [m["text"] for m in report["mistakes"]] == [
        challenge.examples[3].given.text,
        challenge.examples[7].given.text,
    ]
    mistake = report["mistakes"][0]
    assert mistake["inquiry_type"]["said"] == "answer"
    assert mistake["inquiry_type"]["right"] == INQUIRY_TYPES[challenge.examples[3].inquiry_type]
    assert mistake["sentiment"]["said"] == mistake["sentiment"]["right"]
    assert report["inquiry_type"]["all"]["accuracy"] == 95
    assert report["phenomena"]["irony"]["rows"] == 10
