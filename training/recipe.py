"""The recipe: everything that decides what comes out, in one file (`recipe.toml`)."""

import tomllib
from pathlib import Path
from typing import Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

DEFAULT = Path(__file__).with_name("recipe.toml")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stage(_Part):
    """One fine-tuning, from the base or from what the stage before left."""

    name: str = Field(min_length=1, description="of its folder")
    epochs: PositiveFloat
    rate: PositiveFloat = Field(description="AdamW's, of the encoder's last layer")
    seeds: tuple[int, ...] = Field(min_length=1, description="a run each; their weights are averaged")
    tweeteval_rows: NonNegativeInt
    leave_out: tuple[str, ...] = Field(default=(), description="sources (file names of written mentions) not used")
    repeat: dict[str, PositiveInt] = Field(default={}, description="how often a source's rows count per epoch")
    teachers: tuple[str, ...] = Field(default=(), description="earlier stages; this one learns what their runs say")
    taught: float = Field(
        default=0.5, ge=0, le=1, description="share of a label that comes from the teachers; where there is none, all"
    )
    width: NonNegativeInt = Field(default=0, description="neurons that each feed-forward layer keeps; 0: all")


class Recipe(_Part):
    """How a model is fine-tuned. A share is from 0 to 1."""

    name: str = Field(min_length=1, description="the model's name in every classification")
    max_tokens: int = Field(ge=16, le=512)
    batch: PositiveInt
    head_rate: PositiveFloat = Field(description="of the pooler and the heads, as a multiple of the stage's rate")
    layer_decay: float = Field(gt=0, le=1, description="rate of each layer as a multiple of the next one's")
    warm_up: float = Field(ge=0, lt=1, description="share of the steps")
    weight_decay: NonNegativeFloat
    dropout: float = Field(ge=0, lt=1, description="before the heads; inside the encoder there is none")
    label_smoothing: float = Field(ge=0, lt=0.5, description="share of a label that is spread over all classes")
    altered: float = Field(ge=0, le=1, description="share of the written mentions altered each time they are seen")
    stages: tuple[Stage, ...] = Field(min_length=1)
    averaged: tuple[str, ...] = Field(
        default=(), description="the stages whose results' weights are averaged into the model; none: the last one's"
    )

    @model_validator(mode="after")
    def _names_known_stages(self) -> Self:
        widths: dict[str, int] = {}  # of the networks that the stages so far leave; 0 is the base's
        width = 0
        for stage in self.stages:
            if unknown := set(stage.teachers) - set(widths):
                raise ValueError(f"teachers of {stage.name} are no earlier stages: {', '.join(sorted(unknown))}")
            if stage.width and not widths:
                raise ValueError(f"{stage.name} is the first stage: only what an earlier one has trained has a width")
            if stage.width > width > 0:
                raise ValueError(f"{stage.name} has {stage.width} neurons, and the stage before left only {width}")
            widths[stage.name] = width = stage.width or width
        if unknown := set(self.averaged) - set(widths):
            raise ValueError(f"averaged names no stage: {', '.join(sorted(unknown))}")
        if len({widths[name] for name in self.averaged}) > 1:
            raise ValueError("averaged names stages of different widths: their weights do not correspond")
        return self


def read(path: Path = DEFAULT) -> Recipe:
    """The recipe of a TOML file; pydantic's ValidationError names a field at fault."""
    return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
