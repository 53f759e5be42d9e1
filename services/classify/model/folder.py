"""Reading a model folder without torch or transformers."""

from pathlib import Path
from typing import Any, Final

import orjson
from tokenizers import Tokenizer

from services.classify.model.base import ModelError

CONFIG: Final = "config.json"
TOKENIZER: Final = "tokenizer.json"
# The names that Optimum gives to a model in OpenVINO's format: the graph, and its weights.
SERVED: Final = ("openvino_model.xml", "openvino_model.bin")


def has_served_file(folder: Path) -> bool:
    """Whether the folder was exported: it has a graph to serve beside the checkpoint, or instead of it."""
    return (folder / SERVED[0]).is_file()


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json`; ModelError if it is not a JSON object."""
    path = folder / CONFIG
    try:
        content = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ModelError(f"{path} is not JSON ({error}): restore it, or export the model anew") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a JSON object: restore it, or export the model anew")
    return content


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`; ModelError if it cannot be read."""
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise ModelError(f"{path} cannot be read ({error}): restore it, or export the model anew") from error
    # Many files carry these settings. Inputs are cut and padded later, each by its own length and not by its batch's.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
