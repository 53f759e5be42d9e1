"""The torch backend: any `AutoModelForSequenceClassification` with our labels, or one for natural language inference.

It serves what was not exported. Unlike the exported file it does not promise equal results whatever the batch: the
last bits of a sum may differ, hence rarely a probability's fourth decimal.
"""

import hashlib
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel
from transformers.utils.hub import cached_file

from services.classify.model import zero_shot
from services.classify.model.backend import BackendModel, Logits, Run, in_runs
from services.classify.model.base import ModelError
from services.classify.model.config import ModelConfig, parse_config
from services.classify.model.folder import TOKENIZER, read_tokenizer
from services.classify.model.labels import NAMES, columns_of
from services.classify.model.template import Template, encode

_MAX_TOKENS = 128  # of a model that does not say: nearly every mention fits
# Some position tables begin after the padding's number.
_UNUSED_POSITIONS = 2


def load(location: str, threads: int) -> BackendModel:
    """The model of a checkpoint folder or hub id. What it says of each label is told apart by `id2label`."""
    try:
        config = AutoConfig.from_pretrained(location)
    except Exception as error:  # OSError, ValueError or a hub client's own, by what is wrong
        raise ModelError(
            f"{location} is neither a folder with a config.json nor a hub id that can be reached ({error}): set "
            "CLASSIFY_MODEL to one of them"
        ) from error
    names: dict[int, str] = config.id2label or {}
    # What does not fit is refused before its weights are read, or fetched.
    inference = zero_shot.Inference.of(names)
    columns = [] if inference else columns_of(names, location)
    tokenizer = _tokenizer(location)
    pad_id = _pad_id(config, tokenizer, location)
    network = _network(location, config)
    triage = _triage(location, config)
    # Runs share the cores, one each: see `BackendModel.threads`.
    torch.set_num_threads(1)
    if inference:
        template = Template.of(tokenizer, location)
        run = _run(network, pad_id, template)
        outputs = in_runs(run, pad_id, len(names))
        model = zero_shot.ZeroShot(tokenizer, template, inference, outputs, triage.max_tokens)
        return BackendModel(triage, model.encode, model.logits, threads)
    of_our_kind = tokenizer.token_to_id("<s>") is not None and tokenizer.token_to_id("</s>") is not None
    other = None if of_our_kind else Template.of(tokenizer, location)
    reader = partial(other.encode if other else encode, tokenizer, max_tokens=triage.max_tokens)
    run = _in_our_order(_run(network, pad_id, other), columns)
    return BackendModel(triage, reader, in_runs(run, pad_id, len(NAMES)), threads)


def _tokenizer(location: str) -> Tokenizer:
    # The file itself where there is one: AutoTokenizer may build another of the class that it guesses.
    path = cached_file(location, TOKENIZER, _raise_exceptions_for_missing_entries=False)
    if path is not None:
        return read_tokenizer(Path(path))
    try:
        tokenizer: Tokenizer = AutoTokenizer.from_pretrained(location).backend_tokenizer
    except Exception as error:  # by what is wrong
        raise ModelError(f"{location} has no tokenizer that can be read ({error}): add its tokenizer.json") from error
    # Where no file says it, the class is made with its special tokens alone.
    if tokenizer.get_vocab_size() <= len(tokenizer.get_added_tokens_decoder()):
        raise ModelError(f"{location} has no tokenizer: add its tokenizer.json")
    return tokenizer


def _pad_id(config: Any, tokenizer: Tokenizer, location: str) -> int:
    known = (getattr(config, "pad_token_id", None), tokenizer.token_to_id("<pad>"), tokenizer.token_to_id("[PAD]"))
    found = next((number for number in known if number is not None), None)
    if found is None:
        raise ModelError(f"{location} has no padding: set `pad_token_id` in its config.json")
    return int(found)


def _network(location: str, config: Any) -> PreTrainedModel:
    try:
        loaded: Any = AutoModelForSequenceClassification.from_pretrained(
            location, config=config, dtype=torch.float32, output_loading_info=True
        )
    except Exception as error:  # by what is wrong
        raise ModelError(
            f"the weights of {location} cannot be loaded as a sequence classification model ({error}): restore them, "
            "or set CLASSIFY_MODEL to such a model"
        ) from error
    network, report = loaded
    if report["missing_keys"]:
        raise ModelError(
            f"{location} has no weights for {', '.join(sorted(report['missing_keys']))}: it was not trained to "
            "classify; fine-tune it first (make train)"
        )
    evaluated: PreTrainedModel = network.eval()
    return evaluated


def _triage(location: str, config: Any) -> ModelConfig:
    """What the checkpoint says of itself; of a foreign one its name, its version, and that nothing is calibrated."""
    said = getattr(config, "triage", None)
    if said is not None:
        return parse_config(said, f"{location}'s config.json")
    positions = getattr(config, "max_position_embeddings", None) or _MAX_TOKENS + _UNUSED_POSITIONS
    return ModelConfig(
        name=re.sub(r"[^\w.-]+", "-", location.rstrip("/").split("/")[-1]) or "model",
        version=_version(location, config),
        max_tokens=min(_MAX_TOKENS, positions - _UNUSED_POSITIONS),
    )


def _version(location: str, config: Any) -> str:
    """The hub's commit, or a hash of the weights: never equal for two models."""
    commit = getattr(config, "_commit_hash", None)
    if commit:
        return str(commit)[:12]
    digest = hashlib.sha256()
    for path in sorted(Path(location).iterdir()):
        if path.suffix in {".safetensors", ".bin"}:
            with path.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()[:12]


def _run(network: PreTrainedModel, pad_id: int, template: Template | None) -> Run:
    """`template`: where token types are to be given, that of the pairs."""
    separator = template.between[0] if template and template.typed else None
    if getattr(network.config, "type_vocab_size", 0) < 2:
        separator = None

    @torch.inference_mode()
    def run(ids: npt.NDArray[np.int64]) -> Logits:
        tokens = torch.from_numpy(ids)
        present = torch.ne(tokens, pad_id)
        given: dict[str, torch.Tensor] = {"input_ids": tokens, "attention_mask": present.long()}
        if separator is not None:
            ends = torch.eq(tokens, separator).long()
            given["token_type_ids"] = (((ends.cumsum(1) - ends) > 0) & present).long()
        logits: Logits = network(**given).logits.numpy()
        return logits

    return run


def _in_our_order(run: Run, columns: list[int | None]) -> Run:
    """The outputs by label. One that the model does not have is 0: undecided, and never trusted when uncalibrated."""
    known = [number for number, column in enumerate(columns) if column is not None]
    taken = [column for column in columns if column is not None]

    def ordered(ids: npt.NDArray[np.int64]) -> Logits:
        logits = np.zeros((len(ids), len(columns)), np.float32)
        logits[:, known] = run(ids)[:, taken]
        return logits

    return ordered
