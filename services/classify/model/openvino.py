"""The OpenVINO backend: int8 with fixed ranges, as `training.export` writes it. It needs no torch."""

from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from openvino import Core, InferRequest

from services.classify.model.backend import BackendModel, Logits, in_runs
from services.classify.model.base import ModelError
from services.classify.model.config import parse_config
from services.classify.model.decode import LOGITS
from services.classify.model.folder import CONFIG, SERVED, TOKENIZER, read_config, read_tokenizer
from services.classify.model.template import encode

# Processors that multiply bytes into 32-bit sums. Older ones add pairs in 16 bits first, which overflows.
_BYTE_PRODUCTS: Final = {"avx512_vnni", "avx_vnni", "amx_int8"}


def load(folder: Path, threads: int) -> BackendModel:
    """The model of a folder written by `training.export`.

    Each run uses one core, and a text's result does not depend on its batch: with several cores per run the split of
    the sums would depend on the batch's size.
    """
    if not folder.is_dir():
        raise ModelError(f"there is no model folder {folder}: set CLASSIFY_MODEL to one, or run training.export")
    missing = [name for name in (CONFIG, TOKENIZER, *SERVED) if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder} lacks {', '.join(missing)}: it is not an exported model. Run training.export, or serve it as a "
            "transformers checkpoint with CLASSIFY_BACKEND=torch"
        )
    content = read_config(folder)
    config = parse_config(content.get("triage"), str(folder / CONFIG))
    tokenizer = read_tokenizer(folder / TOKENIZER)
    pad_id = content.get("pad_token_id")
    if not isinstance(pad_id, int):
        raise ModelError(f"{folder / CONFIG} has no `pad_token_id`: restore it, or export the model anew")
    requests = _requests(folder / SERVED[0], threads)

    def run(ids: npt.NDArray[np.int64]) -> Logits:
        request = requests.get()
        try:
            request.infer([ids], share_inputs=True)
            logits: Logits = request.get_output_tensor().data.copy()
        finally:
            requests.put(request)
        return logits

    return BackendModel(
        config,
        partial(encode, tokenizer, max_tokens=config.max_tokens),
        in_runs(run, pad_id, LOGITS),
        threads,
    )


def _requests(graph: Path, threads: int) -> "SimpleQueue[InferRequest]":
    """As many requests as may run at once, each on a core of its own."""
    properties: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,
        # Else several processes on one machine would all sit on its first cores.
        "ENABLE_CPU_PINNING": False,
        # Enough for all shapes (`batching`) of all layers: what is pushed out is compiled again, for 5 % of the time.
        "CPU_RUNTIME_CACHE_CAPACITY": 50_000,
        # The same arithmetic on every processor: none of the shorter number formats that some of them have.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    if not _multiplies_bytes():
        # The graph's rounding is carried out in fp32: slower, and of a hundred labels about one differs.
        properties |= {"LP_TRANSFORMS_MODE": False, "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
    try:
        compiled = Core().compile_model(str(graph), "CPU", properties)
        requests: SimpleQueue[InferRequest] = SimpleQueue()
        for _ in range(threads):
            requests.put(compiled.create_infer_request())
    except RuntimeError as error:
        raise ModelError(f"{graph} cannot be loaded ({error}): export the model anew") from error
    return requests


def _multiplies_bytes() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.is_file() and not _BYTE_PRODUCTS.isdisjoint(cpuinfo.read_text().split())
