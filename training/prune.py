"""Cuts a multilingual encoder's vocabulary to the pieces that some languages need.

Most of such a model's file are embeddings of pieces that Spanish, Portuguese and English never use. A Unigram tokenizer
cuts a text along the pieces' likelihoods (Kudo 2018): without the pieces that a text does not use its best cut stays
the best, so its ids name the same pieces and the encoder's output is the same.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel, set_seed
from transformers.utils.hub import cached_file

from services.classify.model.base import ModelError
from services.classify.model.input import normalise

SPACE = "▁"  # what a Unigram piece has in place of a space
CHUNK = 1_000
SEED = 2027
# What a tokenizer of the XLM-R kind calls its special pieces, by the names that transformers gives to their parts.
_ROLES = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>",
          "unk_token": "<unk>", "mask_token": "<mask>"}  # fmt: skip


def prune(base: str, texts: Iterable[str], out: Path, pieces: int) -> str:
    """Where a base with about `pieces` pieces lies: in `out`, written now, or `base` itself when it is small enough.

    Kept are the special pieces, single characters, the pieces that the texts use (the most frequent when there is no
    room for all), then the likeliest others that are made of the kept characters. Raises ModelError for a tokenizer
    that is not a Unigram one.
    """
    path = tokenizer_of(base)
    tokenizer = Tokenizer.from_file(str(path))
    if tokenizer.get_vocab_size() <= pieces:
        return base
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["model"].get("type") != "Unigram":
        raise ModelError(
            f"the vocabulary of {base} cannot be cut: its tokenizer is {content['model'].get('type')}, not Unigram. "
            "Take a base of the XLM-R kind, such as intfloat/multilingual-e5-small, or skip this step with --pieces 0"
        )
    kept = _choose(content, _usage(tokenizer, texts), pieces)
    set_seed(SEED)  # a base without a pooler gets a fresh one here
    network = AutoModel.from_pretrained(base, dtype="auto")
    words = network.get_input_embeddings()
    cut = nn.Embedding(len(kept), words.embedding_dim, dtype=words.weight.dtype)
    cut.weight.data.copy_(words.weight.data[torch.tensor(kept)])
    network.set_input_embeddings(cut)
    new_of = {old: new for new, old in enumerate(kept)}
    network.config.vocab_size = len(kept)
    for role in ("pad_token_id", "bos_token_id", "eos_token_id"):
        old = getattr(network.config, role, None)
        setattr(network.config, role, new_of.get(old) if old is not None else None)
    network.save_pretrained(out)
    _write_settings(content, network.config, out)
    (out / "tokenizer.json").write_text(json.dumps(_renumbered(content, new_of), ensure_ascii=False), encoding="utf-8")
    return str(out)


def tokenizer_of(base: str) -> Path:
    """The base's tokenizer.json; ModelError when there is none to be had."""
    try:
        return Path(str(cached_file(base, "tokenizer.json")))
    except OSError as error:
        raise ModelError(
            f"{base} is not a base: neither a folder with tokenizer.json, config.json and weights, nor a hub id that "
            f"can be fetched from here ({str(error).splitlines()[0]})"
        ) from error


def texts_of(data: Path) -> Iterator[str]:
    """The texts of all sets but those that only measure: their pieces must be found as those of unseen posts are."""
    for path in sorted([*(data / "mentions").glob("*.jsonl"), *(data / "public").glob("*.jsonl")]):
        with path.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                if row.get("split") not in ("val", "test"):
                    yield from (row[key] for key in ("text", "parent_text") if row.get(key))


def _usage(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[int]:
    used: Counter[int] = Counter()
    rest = map(normalise, texts)
    while chunk := list(islice(rest, CHUNK)):
        for encoded in tokenizer.encode_batch_fast(chunk, add_special_tokens=False):
            used.update(encoded.ids)
    return used


def _choose(content: dict[str, Any], used: Counter[int], pieces: int) -> list[int]:
    """The kept pieces' numbers, in their old order, so that the special ones stay in front."""
    vocabulary: list[tuple[str, float]] = content["model"]["vocab"]
    special = {added["id"] for added in content["added_tokens"]} | {content["model"]["unk_id"]}
    kept = {number for number in special if number < len(vocabulary)}
    singles = [number for number, (piece, _) in enumerate(vocabulary) if len(piece.strip(SPACE)) <= 1]
    kept.update(number for number in singles if number in used or _of_any_text(vocabulary[number][0]))
    characters = {character for number in kept - special for character in vocabulary[number][0]}
    frequent = [number for number, _ in used.most_common()]
    likely = sorted(
        (number for number, (piece, _) in enumerate(vocabulary) if characters.issuperset(piece)),
        key=lambda number: -vocabulary[number][1],
    )
    for number in (*frequent, *likely):
        if len(kept) >= pieces:
            break
        kept.add(number)
    return sorted(kept)


def _of_any_text(piece: str) -> bool:
    """Whether a single character may turn up in a text in Latin script: not another script's letter."""
    return all(
        unicodedata.category(character)[0] not in "LM" or unicodedata.name(character, "").startswith("LATIN")
        for character in piece
    )


def _renumbered(content: dict[str, Any], new_of: dict[int, int]) -> dict[str, Any]:
    model = content["model"]
    vocabulary = [model["vocab"][old] for old in new_of]
    processor = content.get("post_processor")
    if processor and "special_tokens" in processor:
        named = {
            name: part | {"ids": [new_of[old] for old in part["ids"]]}
            for name, part in processor["special_tokens"].items()
        }
        processor = processor | {"special_tokens": named}
    return content | {
        "model": model | {"vocab": vocabulary, "unk_id": new_of[model["unk_id"]]},
        "added_tokens": [
            added | {"id": new_of[added["id"]]} for added in content["added_tokens"] if added["id"] in new_of
        ],
        "post_processor": processor,
    }


def _write_settings(content: dict[str, Any], config: Any, out: Path) -> None:
    """What transformers needs to read the tokenizer by itself."""
    present = {added["content"] for added in content["added_tokens"]}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": config.max_position_embeddings,
        **{role: piece for role, piece in _ROLES.items() if piece in present},
    }
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
