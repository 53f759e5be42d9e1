"""What a model is made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.common.errors import TriageError
from training import sets
from training.recipe import Recipe


class PlanError(TriageError):
    """A folder holds another training's results, lacks some, or a step does not exist; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is made from what. `pieces` is the vocabulary's size (0: the base is taken as it is)."""

    base: str
    data: Path
    out: Path
    recipe: Recipe
    pieces: int
    threads: int

    def made_from(self) -> dict[str, Any]:
        """All that decides the results."""
        return {
            "base": self.base,
            "pieces": self.pieces,
            "recipe": self.recipe.model_dump(mode="json"),
            "data": sets.fingerprint(self.data),
        }
