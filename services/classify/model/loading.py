"""Loading a model by location and backend."""

from pathlib import Path
from typing import Literal

from services.classify.model import onnx
from services.classify.model.base import Model, ModelError

Backend = Literal["onnx", "torch"]


def load_model(location: str, backend: Backend, threads: int) -> Model:
    """The model at `location`: an exported folder (onnx), a checkpoint folder or hub id (torch).

    `threads` is the number of runs at once, one core each. Raises ModelError with what to do.
    """
    if threads < 1:
        raise ModelError(f"a model needs at least one thread, not {threads}")
    if backend == "onnx":
        return onnx.load(Path(location), threads)
    try:
        # Imported here: torch is an extra, and takes seconds to import.
        from services.classify.model import torch  # noqa: PLC0415
    except ImportError as error:
        raise ModelError(
            f'CLASSIFY_BACKEND=torch needs the torch extra: pip install "mention-triage[torch]" ({error})'
        ) from error
    return torch.load(location, threads)
