"""The model port: what every backend takes and gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from services.common.errors import TriageError

Confidence = Literal["high", "medium", "low", "abstain"]
Backend = Literal["auto", "openvino", "torch"]
TokenIds = tuple[int, ...]


class ModelError(TriageError):
    """The model cannot be loaded or does not fit this program; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ModelInput:
    """What the model may look at; everything but the text may be unknown.

    `parent_*` describe the message replied to, `platform` is lower case (`x`, `instagram`, …), `kind` one of post,
    reply, comment, review, direct_message ("" and None: unknown).
    """

    text: str
    is_reply: bool = False
    parent_text: str = ""
    parent_by_brand: bool | None = None
    platform: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated probabilities, in the order of `labels`, rounded to 4 decimals; distributions sum to 1."""

    inquiry_type: tuple[float, ...]
    sentiment: tuple[float, ...]
    actionable: float


@dataclass(frozen=True, slots=True)
class Levels:
    """How far each top label can be trusted (thresholds: the model folder's config)."""

    inquiry_type: Confidence
    sentiment: Confidence
    actionable: Confidence


class Model(Protocol):
    """A loaded model. All methods may be called from several threads at once.

    `predict` is blocking; a row's prediction does not depend on the other rows of its batch.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def threads(self) -> int:
        """How many `predict` calls may run at once, one core each."""
        ...

    def encode(self, inputs: Sequence[ModelInput]) -> list[TokenIds]: ...

    def predict(self, batch: Sequence[TokenIds]) -> list[Prediction]: ...

    def levels(self, prediction: Prediction) -> Levels: ...
