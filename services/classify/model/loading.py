"""Loading a model by location and backend."""

import re
from pathlib import Path
from typing import Final

from services.classify.model import openvino
from services.classify.model.backend import BackendModel
from services.classify.model.base import Backend, ModelError
from services.classify.model.folder import has_served_file

# An organisation or user, and a model of theirs.
_HUB_ID: Final = re.compile(r"[\w-][\w.-]*/[\w.-]+")


def load_model(location: str, backend: Backend, threads: int) -> BackendModel:
    """The model at `location`: a folder, or a hub id (torch only). `auto` takes the exported file if there is one.

    `threads` is the number of runs at once, one core each. Raises ModelError with what to do.
    """
    if threads < 1:
        raise ModelError(f"a model needs at least one thread, not {threads}: set CLASSIFY_THREADS to 1 or more")
    if backend == "auto" and not Path(location).exists() and not _HUB_ID.fullmatch(location):
        raise ModelError(f"there is no model folder {location}: set CLASSIFY_MODEL to one, or to a hub id")
    if backend == "openvino" or (backend == "auto" and has_served_file(Path(location))):
        return openvino.load(Path(location), threads)
    try:
        # Imported here: torch is an extra, and takes seconds to import.
        from services.classify.model import torch  # noqa: PLC0415
    except ImportError as error:
        raise ModelError(
            f"{location} has no exported file, and to serve a checkpoint needs the torch extra: pip install "
            f'"mention-triage[torch]" ({error})'
        ) from error
    return torch.load(location, threads)
