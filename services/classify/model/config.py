"""What a model folder says about itself: labels, calibration and confidence thresholds."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from services.classify.model.base import ModelError
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldCalibration(_Part):
    """One head: logits are divided by `temperature`; from `high` and `medium` on, a top label's probability counts
    as that confidence level."""

    temperature: PositiveFloat = 1.0
    high: float = Field(default=1.0, ge=0, le=1)
    medium: float = Field(default=1.0, ge=0, le=1)


class Calibration(_Part):
    """The three heads. The defaults are what an uncalibrated checkpoint deserves: no label is trusted."""

    inquiry_type: FieldCalibration = FieldCalibration()
    sentiment: FieldCalibration = FieldCalibration()
    actionable: FieldCalibration = FieldCalibration()


class ModelConfig(_Part):
    """`config.json` of an ONNX folder; the `triage` part of a transformers checkpoint's `config.json`."""

    architecture: Literal["mention-triage"] = "mention-triage"
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    max_tokens: int = Field(ge=16, le=512)
    inquiry_types: tuple[str, ...] = INQUIRY_TYPES
    sentiments: tuple[str, ...] = SENTIMENTS
    calibration: Calibration = Calibration()


def parse_config(content: Any, where: str) -> ModelConfig:
    """The validated config; ModelError names the field at fault and the place."""
    try:
        config = ModelConfig.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ModelError(f"{where} is not a mention-triage model: {field}: {first['msg']}") from error
    if config.inquiry_types != INQUIRY_TYPES or config.sentiments != SENTIMENTS:
        raise ModelError(
            f"{where} has other labels ({', '.join(config.inquiry_types)}; {', '.join(config.sentiments)}) than this "
            f"version of the program ({', '.join(INQUIRY_TYPES)}; {', '.join(SENTIMENTS)})"
        )
    return config
