"""From logits and labels to the figures of `evaluation.json`. Scores are in percent, calibration errors are shares."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from services.classify.language import SERVED
from services.classify.model.config import Calibration
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS
from training import intervals
from training.data import UNKNOWN, Example
from training.metrics import (
    FIELDS,
    Ints,
    Judged,
    accuracy,
    cross_fitted,
    expected_calibration_error,
    gold_of,
    judge,
    macro_f1,
    reliability,
)
from training.slices import SLICES, Slice
from training.targets import Floats

Report = dict[str, Any]
LANGUAGES: Final = SERVED
CLASSES: Final = {"inquiry_type": INQUIRY_TYPES, "sentiment": SENTIMENTS, "actionable": ("no", "yes")}
SURE = 3  # what a reader gives to a clear label
FEWEST_IN_SLICE = 10


def groups_of(examples: Sequence[Example]) -> dict[str, Ints]:
    """The numbers of the rows that a score is given for besides all of them: a language's, sure and random ones."""
    language = np.array([example.language for example in examples])
    everything = np.ones(len(examples), bool)
    parts = {
        "": everything,
        "sure": np.array([example.sure == SURE for example in examples]),
        "random": np.array([example.draw == "random" for example in examples]),
    }
    groups = {
        " ".join(word for word in (name, only) if word): np.flatnonzero(
            part & (language == only if only else everything)
        )
        for name, part in parts.items()
        if not name or not part.all()
        for only in ("", *LANGUAGES)
    }
    return {name: rows for name, rows in groups.items() if name and len(rows)}


def scores(judged: Judged, with_f1: bool = True) -> Report:
    """Accuracy and macro-F1 of some rows, with bootstrap 95 % intervals."""
    report: Report = {"rows": len(judged.gold)}
    if with_f1:
        report |= {
            "macro_f1": round(macro_f1(judged), 2),
            "macro_f1_95": _rounded(intervals.interval([judged], intervals.macro_f1)),
        }
    return report | {
        "accuracy": round(accuracy(judged), 2),
        "accuracy_95": _rounded(intervals.interval([judged], intervals.accuracy)),
    }


def yes_f1(judged: Judged) -> Report:
    """F1 of the second class of two, with its interval."""
    value = 100 * float(f1_score(judged.gold, judged.top, pos_label=1, zero_division=0))
    return {"value": round(value, 2), "95": _rounded(intervals.interval([judged], intervals.f1_of_last))}


def by_class(judged: Judged, field: str) -> Report:
    """Precision, recall and F1 of each class, and who is taken for whom (rows: right labels, columns: the model's)."""
    names = CLASSES[field]
    labels = list(range(len(names)))
    columns = precision_recall_fscore_support(judged.gold, judged.top, labels=labels, zero_division=0)
    return {
        "classes": {
            name: {
                "precision": round(100 * float(precision), 1),
                "recall": round(100 * float(recall), 1),
                "f1": round(100 * float(f1), 1),
                "rows": int(rows),
            }
            for name, precision, recall, f1, rows in zip(names, *columns, strict=True)
        },
        "confusion": confusion_matrix(judged.gold, judged.top, labels=labels).tolist(),
    }


def labelled(examples: Sequence[Example], field: str) -> list[Example]:
    """The rows that carry a label of the field, in their order: those that are judged."""
    return [example for example, gold in zip(examples, gold_of(list(examples), field), strict=True) if gold != UNKNOWN]


def field_report(judged: Judged, examples: Sequence[Example], field: str) -> Report:
    """All about one field; `examples` are the judged rows."""
    groups = groups_of(examples)
    return {
        "all": scores(judged) | ({"yes_f1": yes_f1(judged)} if field == "actionable" else {}),
        **{name: scores(judged.only(rows)) for name, rows in groups.items()},
        **by_class(judged, field),
        "languages": {
            language: by_class(judged.only(groups[language]), field) for language in LANGUAGES if language in groups
        },
    }


def validation_report(logits: Floats, examples: list[Example]) -> Report:
    """Every field; but where `uncalibrated` stands, a row is judged by a calibration that was fitted on other rows."""
    report: Report = {"rows": len(examples)}
    cross_judged = {}
    for field in FIELDS:
        own = labelled(examples, field)
        judged, levels = cross_fitted(logits, examples, field)
        raw = judge(logits, examples, field)
        cross_judged[field] = (judged, own)
        report[field] = field_report(judged, own, field) | {
            "uncalibrated": {"macro_f1": round(macro_f1(raw), 2), "accuracy": round(accuracy(raw), 2)},
            "calibration_error": {
                "uncalibrated": round(expected_calibration_error(raw), 4),
                "cross_fitted": round(expected_calibration_error(judged), 4),
            },
            "reliability": {
                name: [[round(value, 4) for value in point] for point in reliability(rows)]
                for name, rows in (("uncalibrated", raw), ("cross_fitted", judged))
            },
            "levels": {
                name: {"coverage": round(100 * level.coverage, 1), "precision": round(100 * level.precision, 1)}
                for name, level in levels.items()
            },
        }
    report["slices"] = {
        part.name: {"says": part.says}
        | {
            field: scores(judged.only(rows), with_f1=field != "actionable")
            for field, (judged, own) in cross_judged.items()
            if len(rows := slice_rows(own, part)) >= FEWEST_IN_SLICE
        }
        for part in SLICES
    }
    return report


def slice_rows(examples: Sequence[Example], part: Slice) -> Ints:
    """The numbers of a slice's rows."""
    return np.array([row for row, example in enumerate(examples) if part.holds(example)], int)


def sentiment_report(logits: Floats, examples: list[Example], calibration: Calibration) -> Report:
    """Sentiment of a public set by language, as served, and the mean of the languages."""
    groups = groups_of(examples)
    rows_of = {language: groups[language] for language in LANGUAGES if language in groups}
    judged_by = {
        name: {
            language: judge(logits[rows], [examples[row] for row in rows], "sentiment", used)
            for language, rows in rows_of.items()
        }
        for name, used in (("served", calibration), ("raw", Calibration()))
    }
    parts = judged_by["served"]
    return {
        "rows": len(examples),
        "average": {
            "macro_f1": _mean_f1(parts.values()),
            "macro_f1_95": _rounded(intervals.interval(list(parts.values()), intervals.macro_f1)),
            "uncalibrated": _mean_f1(judged_by["raw"].values()),
        },
        "languages": {language: scores(part) | by_class(part, "sentiment") for language, part in parts.items()},
    }


def _mean_f1(parts: Iterable[Judged]) -> float:
    return round(float(np.mean([macro_f1(part) for part in parts])), 2)


def _rounded(limits: tuple[float, float]) -> list[float]:
    return [round(limit, 1) for limit in limits]
