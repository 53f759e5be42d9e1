"""Reading the labelled sets (JSON Lines; the folder layout is described in README.md)."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.classify.model.base import ModelInput
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS

UNKNOWN = -1
_SAMPLE_SEED = 2027

# How sure a reader was (3 clear, 1 a coin flip): the share of the label that goes to the second-best type.
SECOND_SHARE = {3: 0.0, 2: 0.15, 1: 0.35}
# What the platforms of the written mentions call a message: their kinds, where the rows do not say.
_REVIEWS, _MESSAGES, _COMMENTS = (
    ("app_store", "web_review"),
    ("whatsapp",),
    ("instagram", "facebook", "youtube", "tiktok", "linkedin"),
)


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text; a label that the source does not give is UNKNOWN and takes no part in the loss.

    `second` is the type that would be defensible too and `second_share` how much of the label it gets (0 to 0.5).
    `draw` says how a real post came into its set: "random" as the stream brings them, "picked" to have the rarer types.
    """

    given: ModelInput
    inquiry_type: int
    sentiment: int
    actionable: int
    language: str
    source: str
    second: int = UNKNOWN
    second_share: float = 0.0
    sure: int = 3
    draw: str = ""


def read(path: Path, source: str) -> list[Example]:
    """All rows of a file."""
    return [_example(row, source) for row in _rows(path)]


def mentions(data: Path) -> list[Example]:
    """The mentions written for this project; the source of each is its file's name."""
    return [example for path in sorted((data / "mentions").glob("*.jsonl")) for example in read(path, path.stem)]


def tweeteval(data: Path, rows: int) -> list[Example]:
    """A fixed sample of TweetEval's sentiment rows: there are more of them than of everything else together."""
    rated = (row for row in _public(data, "tweeteval_en") if row["task"] == "sentiment")
    examples = [_example(row, "tweeteval") for row in rated]
    return random.Random(_SAMPLE_SEED).sample(examples, min(rows, len(examples)))


def ibm(data: Path) -> list[Example]:
    """The customers' turns of real care threads."""
    return [_example(row, "ibm-cdp") for row in _public(data, "ibm_cdp_labelled")]


def real_validation(data: Path) -> list[Example]:
    """Real posts to brands, of all files there: only ever used to choose and to calibrate."""
    paths = sorted((data / "real-validation").glob("*.jsonl"))
    return [example for path in paths for example in read(path, "real-validation")]


def umsab(data: Path, split: str) -> list[Example]:
    """One published split of UMSAB: `train`, `val` (choosing) or `test` (reporting)."""
    rows = _public(data, "umsab_es_pt_en")
    return [_example(row, f"umsab-{split}") for row in rows if row["split"] == split]


def _public(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a public set; none when it is not there, as these sets are not published with the project."""
    path = data / "public" / f"{name}.jsonl"
    return _rows(path) if path.is_file() else iter(())


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _example(row: dict[str, Any], source: str) -> Example:
    inquiry_type, sentiment, actionable = row.get("inquiry_type"), row.get("sentiment"), row.get("actionable")
    second, sure = row.get("second"), row.get("sure") or 3
    platform = row.get("platform") or "x"
    is_reply = bool(row.get("in_reply_to"))
    return Example(
        given=ModelInput(
            row["text"],
            is_reply,
            row.get("parent_text") or "",
            row.get("parent_by_brand"),
            platform,
            row.get("kind") or _kind(platform, is_reply),
        ),
        inquiry_type=INQUIRY_TYPES.index(inquiry_type) if inquiry_type in INQUIRY_TYPES else UNKNOWN,
        sentiment=SENTIMENTS.index(sentiment) if sentiment in SENTIMENTS else UNKNOWN,
        actionable=UNKNOWN if actionable is None else int(actionable),
        language=row["lang"],
        source=source,
        second=INQUIRY_TYPES.index(second) if second in INQUIRY_TYPES else UNKNOWN,
        second_share=SECOND_SHARE[sure],
        sure=sure,
        draw=row.get("draw") or "",
    )


def _kind(platform: str, is_reply: bool) -> str:
    if platform in _REVIEWS:
        return "review"
    if platform in _MESSAGES:
        return "direct_message"
    if platform in _COMMENTS and is_reply:
        return "comment"
    return "reply" if is_reply else "post"
