"""The challenge set: invented posts, each tagged with what makes it hard; never trained on, never calibrated on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.classify.model.config import Calibration
from services.classify.model.decode import levels, predictions
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS
from training.data import Example, read
from training.metrics import FIELDS, accuracy, judge
from training.reports import Report, field_report, scores
from training.sets import DataError
from training.targets import Floats

DEFAULT = Path(__file__).parents[1] / "data" / "challenge"


@dataclass(frozen=True, slots=True)
class Challenge:
    """Rows and, in the same order, their phenomena."""

    examples: list[Example]
    phenomena: list[tuple[str, ...]]


def read_challenge(folder: Path = DEFAULT) -> Challenge:
    """All files of a folder, in the order of their names; DataError when it has none."""
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise DataError(f"{folder} has no *.jsonl: pass --challenge and a folder that has, such as data/challenge")
    examples = [example for path in paths for example in read(path, "challenge")]
    rows = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return Challenge(examples, [tuple(row.get("phenomena", ())) for row in rows])


def challenge_report(logits: Floats, challenge: Challenge, calibration: Calibration) -> Report:
    """Every field as served, accuracy by phenomenon, and the wrong inquiry types with what was said instead."""
    examples = challenge.examples
    judged = {field: judge(logits, examples, field, calibration) for field in FIELDS}
    names = sorted({name for own in challenge.phenomena for name in own})
    rows_of = {
        name: np.array([row for row, own in enumerate(challenge.phenomena) if name in own], int) for name in names
    }
    return {
        "rows": len(examples),
        **{field: field_report(judged[field], examples, field) for field in FIELDS},
        "phenomena": {
            name: {
                "rows": len(rows),
                "inquiry_type": scores(judged["inquiry_type"].only(rows), with_f1=False),
                **{field: round(accuracy(judged[field].only(rows)), 1) for field in ("sentiment", "actionable")},
            }
            for name, rows in rows_of.items()
        },
        "mistakes": _mistakes(logits, challenge, calibration),
    }


def _mistakes(logits: Floats, challenge: Challenge, calibration: Calibration) -> list[Report]:
    """Rows with a wrong inquiry type or sentiment, the most confident first."""
    found = []
    for said, example, phenomena in zip(
        predictions(logits, calibration), challenge.examples, challenge.phenomena, strict=True
    ):
        inquiry_type, sentiment = _top(said.inquiry_type), _top(said.sentiment)
        if (inquiry_type, sentiment) == (example.inquiry_type, example.sentiment):
            continue
        level = levels(said, calibration)
        found.append(
            {
                "text": example.given.text,
                "parent": example.given.parent_text,
                "language": example.language,
                "phenomena": list(phenomena),
                "inquiry_type": {
                    "said": INQUIRY_TYPES[inquiry_type],
                    "right": INQUIRY_TYPES[example.inquiry_type],
                    "confidence": round(max(said.inquiry_type), 2),
                    "level": level.inquiry_type,
                },
                "sentiment": {
                    "said": SENTIMENTS[sentiment],
                    "right": SENTIMENTS[example.sentiment],
                    "confidence": round(max(said.sentiment), 2),
                    "level": level.sentiment,
                },
            }
        )
    return sorted(found, key=_loudness, reverse=True)


def _loudness(mistake: Report) -> float:
    """The highest probability of a wrong answer."""
    fields = (mistake["inquiry_type"], mistake["sentiment"])
    return max(float(field["confidence"]) for field in fields if field["said"] != field["right"])


def _top(distribution: Sequence[float]) -> int:
    return max(range(len(distribution)), key=distribution.__getitem__)
