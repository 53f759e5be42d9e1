"""The base of every error that a person can do something about, and how any other one is named."""

import traceback
from pathlib import Path


class TriageError(Exception):
    """Something is wrong that a person can put right; the message says what and how. Shown without a traceback."""


def place_of(error: Exception) -> str:
    """Type of an error and the line that raised it; never its text, which may hold a message."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
