"""Writes the model folder of a checkpoint: an 8-bit graph for OpenVINO, and the checkpoint beside it in fp16.

    python -m training.export --checkpoint var/training/small/checkpoint --out models/mention-triage-small

The folder is one that transformers and a hub read. Activations are rounded to fixed ranges, which are measured on the
written mentions, so that a text's result does not depend on its batch. The weights of `model.safetensors` are the
rounded ones too: both files hold the same numbers.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import openvino as ov
import torch
import typer
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerFast

from services.classify.model.base import TokenIds
from services.classify.model.batching import runs_of
from services.classify.model.config import ModelConfig, parse_config
from services.classify.model.folder import CONFIG, SERVED, TOKENIZER, read_tokenizer
from services.classify.model.labels import columns_of
from services.classify.model.template import encode
from services.common.errors import TriageError
from training.calibrate import version_of
from training.data import mentions
from training.graph import Served, Shape, Weights, build, linear_names
from training.quantise import Floats, Moments, Rounded, grid_of, onto, rounded, rounded_rows

DATA: Final = Path(__file__).parents[1] / "data"
TEXTS: Final = 800  # for the ranges of activations; twice as many change nothing

_WORDS: Final = "bert.embeddings.word_embeddings.weight"


class ExportError(TriageError):
    """The checkpoint cannot be exported; the message says what to do."""


def export(checkpoint: Path, out: Path, data: Path = DATA) -> ModelConfig:
    """Write the folder `out`; its config, with its new version. `data` has the written mentions."""
    network = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()
    config = parse_config(getattr(network.config, "triage", None), str(checkpoint / CONFIG))
    shape = _shape_of(network, config, checkpoint)
    tokenizer = read_tokenizer(checkpoint / TOKENIZER)
    weights = _weights_of(network, str(checkpoint))
    written = mentions(data)
    texts = [example.given for example in written[:: max(1, len(written) // TEXTS)]]
    served, changed = quantise(weights, shape, encode(tokenizer, texts, config.max_tokens))
    out.mkdir(parents=True, exist_ok=True)
    ov.save_model(build(weights, shape, served).model, out / SERVED[0], compress_to_fp16=False)
    _save_checkpoint(network, changed, out)
    _save_tokenizer(tokenizer, config, out)
    (out / TOKENIZER).write_bytes((checkpoint / TOKENIZER).read_bytes())
    files = sorted(file for file in out.iterdir() if file.name in (*SERVED, TOKENIZER, "model.safetensors"))
    version = version_of(*(file.read_bytes() for file in files), config.calibration.model_dump_json().encode())
    config = config.model_copy(update={"version": version})
    path = out / CONFIG
    content = json.loads(path.read_text(encoding="utf-8")) | {"triage": config.model_dump(mode="json")}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return config


def quantise(weights: Weights, shape: Shape, texts: Sequence[TokenIds]) -> tuple[Served, dict[str, Floats]]:
    """The 8-bit form, and those weights of the checkpoint that it changes."""
    measured = dict(_moments(weights, shape, texts))
    grids, layers = {}, {}
    for number in range(shape.layers):
        for site, names in linear_names(number).items():
            stacked = np.concatenate([weights[f"{name}.weight"] for name in names]).astype(np.float64)
            grids[site] = grid_of(measured[site], stacked, _importance(weights, names[0], len(stacked)))
            for name in names:
                own = (weights[f"{name}.weight"], weights[f"{name}.bias"])
                layers[name] = rounded(*own, grids[site], measured[site])
        value, attended = f"bert.encoder.layer.{number}.attention.self.value", f"{number}.attended"
        layers[value] = onto(layers[value], grids[attended])
    words = rounded_rows(weights[_WORDS])
    changed = {_WORDS: words[0] * words[1]} | dict(_in_checkpoint(layers))
    return Served(grids, layers, words), changed


def _moments(weights: Weights, shape: Shape, texts: Sequence[TokenIds]) -> dict[str, Moments]:
    graph = build(weights, shape)
    compiled = ov.Core().compile_model(graph.model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    moments: dict[str, Moments] = {}
    # Padding must not be measured: only texts of one length share a run.
    for _, positions in runs_of(texts):
        for length in sorted({len(texts[position]) for position in positions}):
            ids = np.array([texts[position] for position in positions if len(texts[position]) == length], np.int64)
            outputs = compiled([ids])
            for number, site in enumerate(graph.taps, start=1):
                values = outputs[number]
                moments.setdefault(site, Moments.none(values.shape[-1])).add(values)
    return moments


def _importance(weights: Weights, name: str, outputs: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """How much an error of each output counts: as the normalisation that follows scales it, if one follows."""
    if not name.endswith(".output.dense"):
        return np.ones(outputs)
    return weights[f"{name.removesuffix('dense')}LayerNorm.weight"].astype(np.float64)


def _in_checkpoint(layers: dict[str, Rounded]) -> Iterator[tuple[str, Floats]]:
    for name, layer in layers.items():
        yield f"{name}.weight", layer.weight
        yield f"{name}.bias", layer.bias


def _shape_of(network: PreTrainedModel, config: ModelConfig, where: Path) -> Shape:
    bert = network.config
    if bert.model_type != "bert" or bert.hidden_act != "gelu":
        raise ExportError(
            f"{where} is a {bert.model_type} with {getattr(bert, 'hidden_act', 'another activation')}: only BERT with "
            "gelu is exported. Serve it as it is, with CLASSIFY_BACKEND=torch"
        )
    return Shape(
        layers=bert.num_hidden_layers,
        heads=bert.num_attention_heads,
        hidden=bert.hidden_size,
        epsilon=bert.layer_norm_eps,
        pad_id=bert.pad_token_id,
        max_tokens=config.max_tokens,
    )


def _weights_of(network: PreTrainedModel, where: str) -> dict[str, Floats]:
    """fp32, the outputs in the order of our labels; an absent one is always 0."""
    weights = {name: value.float().numpy() for name, value in network.state_dict().items()}
    columns = columns_of(network.config.id2label or {}, where)
    for name in ("classifier.weight", "classifier.bias"):
        own = weights[name]
        rows = [np.zeros_like(own[0]) if column is None else own[column] for column in columns]
        weights[name] = np.stack(rows)
    return weights


def _save_checkpoint(network: PreTrainedModel, changed: dict[str, Floats], out: Path) -> None:
    network.load_state_dict({name: torch.from_numpy(value) for name, value in changed.items()}, strict=False)
    network.half().save_pretrained(out)  # type: ignore[no-untyped-call]


def _save_tokenizer(tokenizer: Tokenizer, config: ModelConfig, out: Path) -> None:
    """As transformers wants it, with its special tokens by name."""
    special = {"bos": "<s>", "eos": "</s>", "cls": "<s>", "sep": "</s>", "unk": "<unk>", "pad": "<pad>"}
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=config.max_tokens,
        **{f"{name}_token": token for name, token in special.items()},
    ).save_pretrained(out)


def main(
    checkpoint: Annotated[Path, typer.Option(help="checkpoint folder")],
    out: Annotated[Path, typer.Option()] = Path("models/mention-triage-small"),
    data: Annotated[Path, typer.Option(help="folder with mentions/, for the ranges")] = DATA,
) -> None:
    """Export a checkpoint."""
    try:
        config = export(checkpoint, out, data)
    except TriageError as error:
        sys.exit(f"error: {error}")
    print(f"{out}: {config.name} {config.version}")
    for file in sorted(out.iterdir()):
        print(f"  {file.name} {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    typer.run(main)
