"""Written mentions as they come in real feeds: typed in a hurry, or without their thread."""

import random
import re
import string
import unicodedata
from dataclasses import replace
from typing import Final

from services.classify.model.base import ModelInput
from training.data import Example

# What people write instead, by language; an entry is used in about half of its places.
_SHORT: Final = {
    "es": {
        "que": "q", "qué": "q", "porque": "xq", "por qué": "xq", "también": "tb", "para": "pa", "de": "d",
        "estoy": "toy", "por favor": "x favor", "mucho": "mxo", "te": "t", "me": "m",
    },
    "pt": {
        "que": "q", "você": "vc", "vocês": "vcs", "porque": "pq", "por que": "pq", "também": "tbm", "não": "n",
        "está": "tá", "estou": "to", "para": "pra", "muito": "mt", "quando": "qnd", "hoje": "hj", "comigo": "cmg",
        "mesmo": "msm", "por favor": "pfv", "beleza": "blz", "tudo": "td", "obrigado": "obg", "obrigada": "obg",
    },
    "en": {
        "you": "u", "your": "ur", "are": "r", "please": "pls", "because": "bc", "with": "w/", "thanks": "thx",
        "to": "2", "before": "b4", "people": "ppl", "and": "&", "really": "rly", "don't": "dont", "can't": "cant",
    },
}  # fmt: skip
_PATTERNS: Final = {
    language: re.compile(
        r"\b(" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + r")\b", re.IGNORECASE
    )
    for language, words in _SHORT.items()
}
_STRETCH: Final = re.compile(r"([aeiou])(?=[!?.…]*$|[!?. ])")


def alter(example: Example, rng: random.Random) -> Example:
    """The same mention as it might be typed in a hurry, or as it comes without its thread."""
    return replace(example, given=_unthreaded(replace(example.given, text=_typed(example, rng)), rng))


def _typed(example: Example, rng: random.Random) -> str:
    text = example.given.text
    if rng.random() < 0.25 and example.language in _PATTERNS:
        short = _SHORT[example.language]
        text = _PATTERNS[example.language].sub(
            lambda found: short.get(found[0].lower(), found[0]) if rng.random() < 0.5 else found[0], text
        )
    if rng.random() < 0.35:
        text = text.lower()
    elif rng.random() < 0.06:
        text = text.upper()
    if rng.random() < 0.35:
        decomposed = unicodedata.normalize("NFD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    if rng.random() < 0.3:
        text = _typo(text, rng)
    if rng.random() < 0.06:
        text = _STRETCH.sub(lambda found: found[1] * rng.randint(2, 5), text, count=1)
    if rng.random() < 0.25:
        text = text.rstrip(string.punctuation + "¡¿…") or text
    if rng.random() < 0.2:
        text = f"{'@user ' * rng.choice((1, 1, 1, 2, 3))}{text}"
    if rng.random() < 0.08:
        text = f"{text} http"
    return text


def _unthreaded(given: ModelInput, rng: random.Random) -> ModelInput:
    """Many feeds carry neither the reply flag nor the parent, or not the platform."""
    if given.is_reply and rng.random() < 0.5:
        given = ModelInput(given.text) if rng.random() < 0.6 else replace(given, parent_text="")
    if rng.random() < 0.3:
        given = replace(given, platform="", kind="")
    return given


def _typo(text: str, rng: random.Random) -> str:
    """A swapped, dropped or doubled letter for about every 60 characters."""
    for _ in range(1 + len(text) // 60):
        at = rng.randrange(len(text))
        pair = text[at : at + 2]
        if len(pair) == 2 and pair.isalpha():
            typed = rng.choice((pair[::-1], pair[0], pair[0] * 2 + pair[1]))
            text = text[:at] + typed + text[at + 2 :]
    return text
