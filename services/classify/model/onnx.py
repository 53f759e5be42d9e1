"""The ONNX Runtime backend: numpy and `tokenizers`, no torch."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import orjson
from tokenizers import Tokenizer

from services.classify.model.backend import BackendModel
from services.classify.model.base import ModelError
from services.classify.model.config import parse_config

_FILES = ("config.json", "tokenizer.json", "model.onnx")


def load(folder: Path, threads: int) -> BackendModel:
    """The model of a folder written by `training.export`.

    Each run uses one core, and a text's result does not depend on its batch: with several cores per run the split of
    the sums would depend on the batch's size.
    """
    if not folder.is_dir():
        raise ModelError(f"there is no model folder {folder}: set CLASSIFY_MODEL to one, or run training.export")
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder} lacks {', '.join(missing)}: it is not an exported model (a transformers checkpoint is served "
            "with CLASSIFY_BACKEND=torch)"
        )
    config = parse_config(_json(folder / "config.json"), str(folder / "config.json"))
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises plain Exception
        raise ModelError(f"{folder / 'tokenizer.json'} cannot be read: {error}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's exceptions share no base but Exception
        raise ModelError(f"{folder / 'model.onnx'} cannot be loaded: {error}") from error

    def run(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        logits: npt.NDArray[np.float32] = session.run(["logits"], {"input_ids": ids})[0]
        return logits

    return BackendModel(config, tokenizer, run, threads)


def _json(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
