"""What a model folder says about itself: name, length of inputs, calibration and confidence thresholds."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, model_validator

from services.classify.model.base import ModelError
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldCalibration(_Part):
    """One field: logits are divided by `temperature`, then `bias` is added, a number per class (none: zeros; one number
    for actionable). From `high`, `medium` and `low` on, a top label's probability counts as that confidence level
    (1: never); below `low` the model abstains."""

    temperature: PositiveFloat = 1.0
    bias: tuple[float, ...] = ()
    high: float = Field(default=1.0, ge=0, le=1)
    medium: float = Field(default=1.0, ge=0, le=1)
    low: float = Field(default=1.0, ge=0, le=1)


class Calibration(_Part):
    """The three fields. The defaults are what an uncalibrated checkpoint deserves: no label is trusted."""

    inquiry_type: FieldCalibration = FieldCalibration()
    sentiment: FieldCalibration = FieldCalibration()
    actionable: FieldCalibration = FieldCalibration()

    @model_validator(mode="after")
    def _one_bias_per_class(self) -> Self:
        for field, classes in (("inquiry_type", len(INQUIRY_TYPES)), ("sentiment", len(SENTIMENTS)), ("actionable", 1)):
            given = len(getattr(self, field).bias)
            if given not in (0, classes):
                raise ValueError(f"{field} has {given} numbers in `bias`, not none or {classes}")
        return self


class ModelConfig(_Part):
    """The `triage` part of a model folder's `config.json`; all else in that file is transformers' own."""

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    max_tokens: int = Field(ge=16, le=512)
    calibration: Calibration = Calibration()


def parse_config(triage: Mapping[str, Any] | None, where: str) -> ModelConfig:
    """The validated `triage` part; ModelError names the field at fault and the place."""
    try:
        return ModelConfig.model_validate(triage)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(("triage", *(str(part) for part in first["loc"])))
        raise ModelError(
            f"{where} cannot be used: {field}: {first['msg']}; correct it, or export the model anew"
        ) from error
