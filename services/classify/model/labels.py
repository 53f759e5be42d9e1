"""The labels, in the order in which the model's outputs and all probability vectors list them."""

from collections.abc import Mapping
from typing import Any, Final

from services.classify.model.base import ModelError

INQUIRY_TYPES: Final = ("complaint", "feedback", "recommendation", "technical", "answer")
SENTIMENTS: Final = ("negative", "neutral", "positive")

# What a checkpoint's `id2label` calls its outputs. The last is a yes or no of its own.
NAMES: Final = (
    *(f"inquiry_type/{name}" for name in INQUIRY_TYPES),
    *(f"sentiment/{name}" for name in SENTIMENTS),
    "actionable/yes",
)
_ACTIONABLE: Final = NAMES[-1]


def columns_of(id2label: Mapping[Any, str], where: str) -> list[int | None]:
    """For each of NAMES the checkpoint's output of that label; None for `actionable` if it has none.

    Labels are told apart by name: upper or lower case, with their field (`sentiment/negative`) or without. Raises
    ModelError when one is missing.
    """
    named = {str(label).lower(): int(number) for number, label in id2label.items()}
    columns = [_column(named, name) for name in NAMES]
    missing = [name for name, found in zip(NAMES, columns, strict=True) if found is None and name != _ACTIONABLE]
    if missing:
        raise ModelError(
            f"{where} has the labels {', '.join(sorted(named))}, but none for {', '.join(missing)}: name its outputs "
            f"in `id2label` of its config.json ({', '.join(NAMES)}), or take an NLI model, which needs no labels"
        )
    return columns


def _column(named: Mapping[str, int], name: str) -> int | None:
    field, label = name.split("/")
    # "yes" by itself says nothing about what is answered; a lone "actionable" does.
    return named.get(name, named.get(field if name == _ACTIONABLE else label))
