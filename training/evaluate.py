"""Measures an exported model and writes `evaluation.json` beside it.

python -m training.evaluate --model models/mention-triage-small --checkpoint var/training/small --data DATA
"""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch as torch_runtime
import typer
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from services.classify.model import onnx, torch
from services.classify.model.backend import BackendModel
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS
from training.data import Example, real_validation, umsab
from training.metrics import FIELDS, Judged, cross_fitted, expected_calibration_error, interval, judge, macro_f1

LANGUAGES = ("es", "pt", "en")
CLASSES = {"inquiry_type": INQUIRY_TYPES, "sentiment": SENTIMENTS, "actionable": ("no", "yes")}


def measure(model: BackendModel, examples: list[Example]) -> tuple[Any, Any]:
    """Logits of the examples, and seconds per text on one core (tokenisation included)."""
    started = time.perf_counter()
    logits = model.logits(model.encode([example.given for example in examples]))
    return logits, (time.perf_counter() - started) / len(examples)


def field_report(judged: Judged, field: str) -> dict[str, Any]:
    """Scores of one field, percent."""
    low, high = interval(judged, macro_f1)
    labels = list(range(len(CLASSES[field])))
    precision, recall, f1, support = precision_recall_fscore_support(
        judged.gold, judged.top, labels=labels, zero_division=0
    )
    return {
        "rows": len(judged.gold),
        "macro_f1": round(macro_f1(judged), 2),
        "macro_f1_95": [round(low, 1), round(high, 1)],
        "accuracy": round(100 * float(judged.right.mean()), 2),
        "classes": {
            name: {
                "precision": round(100 * float(precision[c]), 1),
                "recall": round(100 * float(recall[c]), 1),
                "f1": round(100 * float(f1[c]), 1),
                "rows": int(support[c]),
            }
            for c, name in enumerate(CLASSES[field])
        },
        "confusion": confusion_matrix(judged.gold, judged.top, labels=labels).tolist(),
    }


def real_report(model: BackendModel, examples: list[Example], logits: Any) -> dict[str, Any]:
    """All fields on the real validation posts, by language, with calibration and confidence levels."""
    report: dict[str, Any] = {}
    for field in FIELDS:
        judged = judge(logits, examples, field, model.config.calibration)
        report[field] = field_report(judged, field)
        report[field]["macro_f1_by_language"] = by_language(model, examples, logits, field)
        error, levels = cross_fitted(logits, examples, field)
        report[field]["calibration_error"] = {
            "uncalibrated": round(expected_calibration_error(judge(logits, examples, field)), 3),
            "cross_fitted": round(error, 3),
        }
        report[field]["levels_cross_fitted"] = {
            name: {"coverage": round(100 * level.coverage, 1), "precision": round(100 * level.precision, 1)}
            for name, level in levels.items()
        }
    actionable = judge(logits, examples, "actionable", model.config.calibration)
    report["actionable"]["f1"] = round(100 * float(f1_score(actionable.gold, actionable.top)), 2)
    return report


def by_language(model: BackendModel, examples: list[Example], logits: Any, field: str) -> dict[str, float]:
    """Macro-F1 of each language, and their average."""
    result = {}
    for language in LANGUAGES:
        rows = [row for row, example in enumerate(examples) if example.language == language]
        judged = judge(logits[rows], [examples[row] for row in rows], field, model.config.calibration)
        result[language] = round(macro_f1(judged), 2)
    return result | {"average": round(float(np.mean(list(result.values()))), 2)}


def main(
    model: Annotated[Path, typer.Option(help="exported folder")],
    checkpoint: Annotated[Path, typer.Option(help="the checkpoint it was exported from")],
    data: Annotated[Path, typer.Option(help="folder with public/ and real-validation/")],
) -> None:
    """Print and write the evaluation."""
    started = time.perf_counter()
    served = onnx.load(model, threads=1)
    load_seconds = time.perf_counter() - started
    original = torch.load(str(checkpoint), threads=1)
    torch_runtime.set_num_threads(2)
    real, test = real_validation(data), umsab(data, "test")
    real_logits, _ = measure(served, real)
    test_logits, seconds = measure(served, test)
    both = np.concatenate([real_logits, test_logits])
    reference = np.concatenate([measure(original, real)[0], measure(original, test)[0]])
    heads = {"inquiry_type": slice(0, 5), "sentiment": slice(5, 8)}
    agreement = {
        field: round(100 * float((both[:, part].argmax(1) == reference[:, part].argmax(1)).mean()), 2)
        for field, part in heads.items()
    } | {"actionable": round(100 * float(((both[:, 8] > 0) == (reference[:, 8] > 0)).mean()), 2)}
    calibration = served.config.calibration
    report = {
        "model": {"name": served.name, "version": served.version},
        "real_validation": real_report(served, real, real_logits),
        "umsab_test_sentiment": {
            "rows": len(test),
            "macro_f1_by_language": by_language(served, test, test_logits, "sentiment"),
        },
        "against_fp32_checkpoint": {
            "same_label_percent": agreement,
            "macro_f1_change": {
                field: round(
                    macro_f1(judge(real_logits, real, field, calibration))
                    - macro_f1(judge(reference[: len(real)], real, field, calibration)),
                    2,
                )
                for field in FIELDS
            },
            "umsab_test_macro_f1_change": round(
                macro_f1(judge(test_logits, test, "sentiment", calibration))
                - macro_f1(judge(reference[len(real) :], test, "sentiment", calibration)),
                2,
            ),
        },
        "megabytes": round((model / "model.onnx").stat().st_size / 1e6, 1),
        "load_seconds": round(load_seconds, 2),
        "texts_per_second_one_core": round(1 / seconds, 1),
    }
    (model / "evaluation.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    typer.run(main)
