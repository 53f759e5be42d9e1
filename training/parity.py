"""How far the served file's answers are from those of a checkpoint in torch."""

from typing import Any

import numpy as np

from services.classify.model.config import Calibration
from services.classify.model.decode import predictions
from training.data import Example
from training.metrics import FIELDS, Ints, judge, macro_f1
from training.reports import LANGUAGES, labelled
from training.targets import Floats, probabilities


def parity(served: Floats, reference: Floats, examples: list[Example], calibration: Calibration) -> dict[str, Any]:
    """Equal labels (percent) and change of macro-F1 (points), of all rows and by language; both sides calibrated alike.

    Labels are compared on all rows, macro-F1 on those with a label of the field. `largest_difference` is that of any
    uncalibrated probability.
    """
    said = [_labels(logits, calibration) for logits in (served, reference)]
    languages = np.array([example.language for example in examples])
    report: dict[str, Any] = {
        "largest_difference": round(float(np.abs(probabilities(served) - probabilities(reference)).max()), 4)
    }
    for name in ("all", *LANGUAGES):
        rows = np.flatnonzero((languages == name) | (name == "all"))
        if not len(rows):
            continue
        own = [examples[row] for row in rows]
        report[name] = {
            "rows": len(rows),
            "same_label": {
                field: round(100 * float((said[0][field][rows] == said[1][field][rows]).mean()), 2) for field in FIELDS
            },
            "macro_f1_change": {
                field: round(
                    macro_f1(judge(served[rows], own, field, calibration))
                    - macro_f1(judge(reference[rows], own, field, calibration)),
                    2,
                )
                for field in FIELDS
                if labelled(own, field)
            },
        }
    return report


def largest_changes(reports: dict[str, Any]) -> dict[str, float]:
    """The largest change of a macro-F1 in any direction: of whole sets, and of a set's languages, which are small."""

    def changes(parts: tuple[str, ...]) -> list[float]:
        own = (report[part] for report in reports.values() for part in parts if part in report)
        return [abs(change) for part in own for change in part["macro_f1_change"].values()]

    return {"sets": max(changes(("all",))), "languages": max(changes(LANGUAGES), default=0.0)}


def _labels(logits: Floats, calibration: Calibration) -> dict[str, Ints]:
    said = predictions(logits, calibration)
    return {
        "inquiry_type": np.array([p.inquiry_type for p in said]).argmax(axis=1),
        "sentiment": np.array([p.sentiment for p in said]).argmax(axis=1),
        "actionable": np.array([p.actionable >= 0.5 for p in said], int),
    }
