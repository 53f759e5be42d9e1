"""Settings of classify."""

import os
from pathlib import Path
from typing import Final

from pydantic import Field

from services.classify.model.base import Backend
from services.common.settings import CommonSettings

_SHIPPED_MODEL: Final = Path(__file__).parents[2] / "models" / "mention-triage-small"


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ClassifySettings(CommonSettings):
    """What classify needs to know beyond the common settings."""

    port: int = Field(8081, ge=1, le=65535, validation_alias="CLASSIFY_PORT")
    # A folder as `training.export` writes it; with the torch extra also any other transformers checkpoint or hub id
    # that names our labels, or a model for natural language inference.
    model: str = Field(str(_SHIPPED_MODEL), validation_alias="CLASSIFY_MODEL")
    # auto: the exported file if the folder has one, else torch.
    backend: Backend = Field("auto", validation_alias="CLASSIFY_BACKEND")
    # Runs of the model at the same time, each on one core. More than the pod's cores only makes each of them slower.
    threads: int = Field(default_factory=_usable_cores, ge=1, le=256, validation_alias="CLASSIFY_THREADS")
    # Predictions remembered by exact input; about a kilobyte each.
    cache_entries: int = Field(20_000, ge=0, validation_alias="CLASSIFY_CACHE_ENTRIES")
    # Mentions remembered per partition to recognise repeats; about 105 bytes each.
    seen_limit: int = Field(200_000, ge=1_000, validation_alias="CLASSIFY_SEEN_LIMIT")
