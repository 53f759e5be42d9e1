"""The 2,000 invented mentions that benchmarks and fault tests send."""

from functools import cache
from pathlib import Path
from typing import Any

import orjson

from services.classify.model.base import ModelInput

_FILE = Path(__file__).parent / "data" / "mentions.jsonl"


@cache
def sample_mentions() -> list[dict[str, Any]]:
    """Mentions in the form that the API takes."""
    return [orjson.loads(line) for line in _FILE.read_bytes().splitlines()]


def sample_texts() -> list[str]:
    """Their texts."""
    return [mention["text"] for mention in sample_mentions()]


def sample_inputs() -> list[ModelInput]:
    """What the model sees of them."""
    return [
        ModelInput(
            mention["text"],
            is_reply="in_reply_to" in mention or mention.get("kind") == "reply",
            parent_text=mention.get("in_reply_to", {}).get("text", ""),
            parent_by_brand=mention.get("in_reply_to", {}).get("by_brand"),
            platform=mention.get("platform", ""),
            kind=mention.get("kind", ""),
        )
        for mention in sample_mentions()
    ]
