"""Reading the labelled sets (JSON Lines; the folder layout is described in README.md)."""

import json
import random
import string
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.classify.model.base import ModelInput
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text; a label that the source does not give is UNKNOWN and takes no part in the loss."""

    given: ModelInput
    inquiry_type: int
    sentiment: int
    actionable: int
    language: str
    source: str


def read(path: Path, source: str) -> list[Example]:
    """All rows of a file."""
    return [_example(row, source) for row in _rows(path)]


def training_set(data: Path, tweeteval_cap: int, seed: int) -> list[Example]:
    """What the model is trained on. Never the real validation posts, never UMSAB's val or test."""
    examples = [example for path in sorted((data / "mentions").glob("*.jsonl")) for example in read(path, "mentions")]
    examples += read(data / "public/ibm_cdp_labelled.jsonl", "ibm-cdp")
    examples += umsab(data, "train")
    tweeteval = [
        _example(row, "tweeteval") for row in _rows(data / "public/tweeteval_en.jsonl") if row["task"] == "sentiment"
    ]
    # English sentiment has more rows than everything else together: a sample, or it drowns the rest.
    return examples + random.Random(seed).sample(tweeteval, min(tweeteval_cap, len(tweeteval)))


def real_validation(data: Path) -> list[Example]:
    """Real posts to brands: only ever used to choose and to calibrate."""
    return read(data / "real-validation/validation.jsonl", "real-validation")


def umsab(data: Path, split: str) -> list[Example]:
    """One published split of UMSAB: `train`, `val` (choosing) or `test` (reporting)."""
    rows = _rows(data / "public/umsab_es_pt_en.jsonl")
    return [_example(row, f"umsab-{split}") for row in rows if row["split"] == split]


def alter(example: Example, rng: random.Random) -> Example:
    """The same mention as it might be typed in a hurry, or as it comes without its thread."""
    text = example.given.text
    if rng.random() < 0.35:
        text = text.lower()
    elif rng.random() < 0.06:
        text = text.upper()
    if rng.random() < 0.35:
        decomposed = unicodedata.normalize("NFD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    if rng.random() < 0.3:
        text = _typo(text, rng)
    if rng.random() < 0.25:
        text = text.rstrip(string.punctuation + "¡¿…") or text
    if rng.random() < 0.15:
        text = f"@user {text}"
    if rng.random() < 0.08:
        text = f"{text} http"
    given = replace(example.given, text=text)
    if given.is_reply and rng.random() < 0.5:
        # Many feeds carry neither the reply flag nor the parent.
        given = ModelInput(text) if rng.random() < 0.6 else replace(given, parent_text="")
    return replace(example, given=given)


def _typo(text: str, rng: random.Random) -> str:
    """A swapped, dropped or doubled letter for about every 60 characters."""
    for _ in range(1 + len(text) // 60):
        at = rng.randrange(len(text))
        pair = text[at : at + 2]
        if len(pair) == 2 and pair.isalpha():
            typed = rng.choice((pair[::-1], pair[0], pair[0] * 2 + pair[1]))
            text = text[:at] + typed + text[at + 2 :]
    return text


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _example(row: dict[str, Any], source: str) -> Example:
    inquiry_type, sentiment, actionable = row.get("inquiry_type"), row.get("sentiment"), row.get("actionable")
    return Example(
        given=ModelInput(row["text"], bool(row.get("in_reply_to")), row.get("parent_text") or ""),
        inquiry_type=INQUIRY_TYPES.index(inquiry_type) if inquiry_type in INQUIRY_TYPES else UNKNOWN,
        sentiment=SENTIMENTS.index(sentiment) if sentiment in SENTIMENTS else UNKNOWN,
        actionable=UNKNOWN if actionable is None else int(actionable),
        language=row["lang"],
        source=source,
    )
