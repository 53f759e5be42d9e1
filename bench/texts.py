"""The 2,000 invented mentions that benchmarks and fault tests send."""

from functools import cache
from pathlib import Path
from typing import Any

import orjson

_FILE = Path(__file__).parent / "data" / "mentions.jsonl"


@cache
def sample_mentions() -> list[dict[str, Any]]:
    """Mentions in the form that the API takes."""
    return [orjson.loads(line) for line in _FILE.read_bytes().splitlines()]


def sample_texts() -> list[str]:
    """Their texts."""
    return [mention["text"] for mention in sample_mentions()]
