"""Which words decided: occlusion. The text is read again without each word, and what that changes is the word's part.

The contribution of a word is the log-odds of a predicted label with it minus those without it: above 0 it speaks for
the label, below 0 against it, and 0.7 doubles the odds. Source: Li, Monroe and Jurafsky, "Understanding Neural Networks
through Representation Erasure" (2016). It is a statement about the model, not about the world; of two words that say
the same either one alone seems to matter little.
"""

import math
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.classify.model.base import ModelInput, Prediction
from services.classify.model.input import MAX_CHARACTERS

# How often the model may run for one explanation beside the text as it is: a post's words each, a long text's in spans.
MAX_SPANS: Final = 64
# A letter with its accents, which some keyboards send as characters of their own.
_LETTERS: Final = r"\w[\w\u0300-\u036f]*"
# Links, handles and hashtags are one word each, and so are a row of punctuation or of emojis.
_WORD: Final = re.compile(rf"(?:https?://|www\.)\S+|[@#]?{_LETTERS}(?:['’.,:/-]{_LETTERS})*|[^\w\s]+", re.IGNORECASE)
# Probabilities come in steps of 1e-4: one of 0 or 1 is taken for half a step from it.
_LEAST: Final = 5e-5

Predict = Callable[[Sequence[ModelInput]], Awaitable[Sequence[Prediction]]]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text by its characters (Unicode code points), `end` exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a part adds to the log-odds of the predicted inquiry type and of the predicted sentiment."""

    inquiry_type: float
    sentiment: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The parts in the order of the text; `parent`: of the message replied to, None where there is none."""

    words: Sequence[tuple[Span, Contribution]]
    parent: Contribution | None


def spans(text: str, most: int = MAX_SPANS) -> list[Span]:
    """The words of the text that the model reads; of more than `most`, as many neighbours in one span as it takes."""
    words = [Span(*match.span()) for match in _WORD.finditer(text, 0, MAX_CHARACTERS)]
    size = max(1, math.ceil(len(words) / most))
    groups = [words[start : start + size] for start in range(0, len(words), size)]
    return [Span(group[0].start, group[-1].end) for group in groups]


async def explain(given: ModelInput, prediction: Prediction, predict: Predict) -> Explanation:
    """What decided about `prediction`, which is the model's for `given`. Raises what `predict` raises."""
    parts = spans(given.text)
    # A blank instead of the word: its neighbours must not grow together.
    variants = [replace(given, text=f"{given.text[: part.start]} {given.text[part.end :]}") for part in parts]
    if given.parent_text:
        variants.append(replace(given, parent_text=""))
    without = await predict(variants) if variants else ()
    found = [_contribution(prediction, each) for each in without]
    return Explanation(
        list(zip(parts, found, strict=False)),
        found[-1] if given.parent_text else None,
    )


def _contribution(whole: Prediction, without: Prediction) -> Contribution:
    return Contribution(_part(whole.inquiry_type, without.inquiry_type), _part(whole.sentiment, without.sentiment))


def _part(whole: Sequence[float], without: Sequence[float]) -> float:
    top = max(range(len(whole)), key=whole.__getitem__)
    return round(_log_odds(whole[top]) - _log_odds(without[top]), 2) + 0.0  # no -0.0


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(bounded / (1 - bounded))
