"""Which labelled sets are there, and whether they can be used, before hours are spent on them."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.classify.language import SERVED
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS
from services.common.errors import TriageError
from training.data import SECOND_SHARE, ibm, mentions, tweeteval, umsab

PUBLIC: Final = ("ibm_cdp_labelled", "umsab_es_pt_en", "tweeteval_en")
NO_TYPE = "none"  # in validation sets: no type fits; such a row is not counted
_LABELS: Final = {"inquiry_type": (*INQUIRY_TYPES, NO_TYPE), "sentiment": SENTIMENTS}
FEWEST_VALIDATION = 100


class DataError(TriageError):
    """The labelled sets are not fit for a training; the message says where and what to do."""


def check(data: Path) -> list[str]:
    """The public sets that are absent: a training goes on without them.

    Raises DataError for what would stop or spoil a training: no mentions, too few validation posts, rows without text
    or language, labels that do not exist.
    """
    if not data.is_dir():
        raise DataError(f"there is no folder {data}: pass DATA, a folder with mentions/ and real-validation/")
    if not sum(1 for _ in _checked_rows(data, "mentions")):
        raise DataError(
            f"{data / 'mentions'} has no *.jsonl with rows: training needs labelled mentions. This project's "
            "are in data/mentions; copy or link them there, beside your own"
        )
    check_validation(data)
    return absent(data)


def check_validation(data: Path) -> None:
    """Raises DataError when there are too few validation posts to calibrate by, or one that cannot be used."""
    validation = sum(1 for _ in _checked_rows(data, "real-validation"))
    if validation < FEWEST_VALIDATION:
        raise DataError(
            f"{data / 'real-validation'} has {validation} labelled rows in its *.jsonl: at least {FEWEST_VALIDATION} "
            "(better 500) real posts of your own are needed to watch and to calibrate by. They are never trained on; "
            "their form: training/README.md"
        )


def absent(data: Path) -> list[str]:
    """The public sets that are not there."""
    return [name for name in PUBLIC if not (data / "public" / f"{name}.jsonl").is_file()]


def counts(data: Path) -> dict[str, int]:
    """How many rows of each set a training can use."""
    return {
        "mentions": len(mentions(data)),
        "ibm": len(ibm(data)),
        "umsab": len(umsab(data, "train")),
        "tweeteval": len(tweeteval(data, sys.maxsize)),
    }


def fingerprint(data: Path) -> dict[str, str]:
    """A short hash of each file that a training reads."""
    paths = [
        *(data / "mentions").glob("*.jsonl"),
        *(data / "real-validation").glob("*.jsonl"),
        *(path for name in PUBLIC if (path := data / "public" / f"{name}.jsonl").is_file()),
    ]
    return {str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in sorted(paths)}


def _checked_rows(data: Path, name: str) -> Iterator[None]:
    for path in sorted((data / name).glob("*.jsonl")):
        # Not by splitlines: a text may hold other characters that it takes for the end of a line.
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                fault = _fault(line)
                if fault:
                    raise DataError(f"{path}, line {number}: {fault}")
                yield


def _fault(line: str) -> str:
    """What is wrong with a row; "" when nothing is. The row's text is not repeated."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        return f"not JSON ({error.msg}): one JSON object per line is needed"
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not row["text"].strip():
        return "no text: each row is an object with `text`"
    if row.get("lang") not in SERVED:
        return f"lang must be one of {', '.join(SERVED)} (another language: see training/README.md)"
    for field, names in _LABELS.items():
        if row.get(field) is not None and row[field] not in names:
            return f"{field} must be one of {', '.join(names)}, or absent"
    if row.get("sure") not in (None, *SECOND_SHARE):
        return f"sure must be one of {', '.join(map(str, SECOND_SHARE))}, or absent"
    return "" if isinstance(row.get("actionable"), bool | None) else "actionable must be true, false, or absent"
