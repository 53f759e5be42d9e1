"""Kinds of posts that are measured apart: what a text looks like, and how it stands in its thread."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.classify.model.input import normalise
from training.data import Example

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_PLACEHOLDER = re.compile(r"@user|\bhttp\b")
_EMOJI = re.compile("[\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001faff]")
_FEWEST_CAPITALS, _SHARE_OF_CAPITALS = 8, 0.6


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the rows, by what can be seen of them without their labels."""

    name: str
    says: str
    holds: Callable[[Example], bool]


def word_count(text: str) -> int:
    """Words as they are read: no handles, no links."""
    return len(_WORD.findall(_PLACEHOLDER.sub(" ", normalise(text))))


def all_caps(text: str) -> bool:
    """Whether a text of some letters is mostly capitals."""
    letters = [character for character in _PLACEHOLDER.sub(" ", normalise(text)) if character.isalpha()]
    capitals = sum(character.isupper() for character in letters)
    return len(letters) >= _FEWEST_CAPITALS and capitals >= _SHARE_OF_CAPITALS * len(letters)


SLICES: Final = (
    Slice("short", "at most five words", lambda row: word_count(row.given.text) <= 5),
    Slice("long", "more than 30 words", lambda row: word_count(row.given.text) > 30),
    Slice("all caps", "mostly capital letters", lambda row: all_caps(row.given.text)),
    Slice("emoji", "with an emoji", lambda row: bool(_EMOJI.search(row.given.text))),
    Slice(
        "reply without parent",
        "known to be a reply, the message replied to is not known",
        lambda row: row.given.is_reply and not row.given.parent_text,
    ),
    Slice("no reply mark", "not known to be a reply", lambda row: not row.given.is_reply),
    Slice(
        "to another user",
        "begins with the handle of somebody who is not the brand",
        lambda row: row.given.text.startswith("@user") or row.given.parent_by_brand is False,
    ),
)
