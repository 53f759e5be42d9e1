"""Writes the served model: an ONNX graph with int8-stored weights and fp32 arithmetic.

    python -m training.export --checkpoint var/training/small --out models/mention-triage-small

Weights are stored as symmetric int8 with one scale per output channel (per row for the embedding) and expanded by
Cast and Mul, which ONNX Runtime folds once at load (it would not fold DequantizeLinear). The arithmetic stays fp32, so
a text's result does not depend on its batch, as it does with dynamically quantised activations.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import torch
import typer
from onnx import TensorProto, helper, numpy_helper

from services.classify.model.config import ModelConfig
from services.classify.model.torch import TriageNetwork
from training.calibrate import version_of

CONTRIB = "com.microsoft"


class Graph:
    """Collects nodes and initializers; every method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        output = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output

    def weight(self, name: str, value: np.ndarray) -> str:
        """A matrix (inputs, outputs) that is int8 in the file and fp32 once loaded."""
        quantised, scale = quantise(value, axis=0)
        stored = self.constant(name, quantised)
        expanded = self.node("Cast", stored, to=TensorProto.FLOAT)
        return self.node("Mul", expanded, self.constant(f"{name}.scale", scale))


def quantise(value: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 and its fp32 scales, one per slice along the other axis."""
    scale = np.maximum(np.abs(value).max(axis=axis, keepdims=True), 1e-8) / 127
    return np.round(value / scale).astype(np.int8), scale.astype(np.float32)


def build(network: TriageNetwork, max_tokens: int) -> onnx.ModelProto:
    """The graph: `input_ids` int64 (batch, length up to max_tokens), pad id where empty -> `logits` (batch, 9)."""
    config = network.config
    state = {name: value.float().numpy() for name, value in network.state_dict().items()}
    g = Graph()

    def norm(prefix: str) -> tuple[str, str]:
        return (
            g.constant(f"{prefix}.weight", state[f"{prefix}.weight"]),
            g.constant(f"{prefix}.bias", state[f"{prefix}.bias"]),
        )

    def skip_norm(added: str, skip: str, bias: str, prefix: str) -> str:
        scale, shift = norm(prefix)
        return g.node(
            "SkipLayerNormalization",
            added,
            skip,
            scale,
            shift,
            g.constant(bias, state[bias]),
            domain=CONTRIB,
            epsilon=config.layer_norm_eps,
        )

    # Embedding: rows stay int8 in memory too, only the rows of a batch are expanded.
    words, word_scale = quantise(state["bert.embeddings.word_embeddings.weight"], axis=1)
    rows = g.node("Gather", g.constant("words", words), "input_ids")
    scales = g.node("Gather", g.constant("words.scale", word_scale), "input_ids")
    embedded = g.node("Mul", g.node("Cast", rows, to=TensorProto.FLOAT), scales)
    # Every token is of type 0, so its embedding belongs to the position's.
    positions = state["bert.embeddings.position_embeddings.weight"][:max_tokens]
    positions = positions + state["bert.embeddings.token_type_embeddings.weight"][0]
    shape = g.node("Shape", "input_ids", start=1, end=2)
    zero = g.constant("zero", np.array([0], np.int64))
    used = g.node("Slice", g.constant("positions", positions), zero, shape, zero)
    scale, shift = norm("bert.embeddings.LayerNorm")
    hidden = g.node("LayerNormalization", g.node("Add", embedded, used), scale, shift, epsilon=config.layer_norm_eps)
    padding = g.constant("padding", np.array(config.pad_token_id, np.int64))
    present = g.node("Not", g.node("Equal", "input_ids", padding))
    mask = g.node("Cast", present, to=TensorProto.INT32)

    for layer in range(config.num_hidden_layers):
        prefix = f"bert.encoder.layer.{layer}"
        attention = f"{prefix}.attention.self"
        names = ("query", "key", "value")
        qkv = np.concatenate([state[f"{attention}.{name}.weight"].T for name in names], axis=1)
        qkv_bias = np.concatenate([state[f"{attention}.{name}.bias"] for name in names])
        context = g.node(
            "Attention",
            hidden,
            g.weight(f"{attention}.qkv", qkv),
            g.constant(f"{attention}.qkv.bias", qkv_bias),
            mask,
            domain=CONTRIB,
            num_heads=config.num_attention_heads,
        )
        projected = f"{prefix}.attention.output.dense"
        out = g.node("MatMul", context, g.weight(projected, state[f"{projected}.weight"].T))
        hidden = skip_norm(out, hidden, f"{projected}.bias", f"{prefix}.attention.output.LayerNorm")
        up, down = f"{prefix}.intermediate.dense", f"{prefix}.output.dense"
        wide = g.node("MatMul", hidden, g.weight(up, state[f"{up}.weight"].T))
        wide = g.node("BiasGelu", wide, g.constant(f"{up}.bias", state[f"{up}.bias"]), domain=CONTRIB)
        narrow = g.node("MatMul", wide, g.weight(down, state[f"{down}.weight"].T))
        hidden = skip_norm(narrow, hidden, f"{down}.bias", f"{prefix}.output.LayerNorm")

    # The heads see tokens and their outputs are averaged, both by matrix products over a text's tokens: equal to heads
    # on the average, as both are linear, but no operation's shape is special for a batch of one text, for which the
    # runtime would sum in another order.
    heads = ("inquiry_type", "sentiment", "actionable")
    weights = np.concatenate([state[f"{head}.weight"] for head in heads]).T
    biases = np.concatenate([state[f"{head}.bias"] for head in heads])
    per_token = g.node("MatMul", hidden, g.constant("heads", weights))
    seen = g.node("Cast", g.node("Unsqueeze", present, g.constant("row", np.array([1]))), to=TensorProto.FLOAT)
    total = g.node("Squeeze", g.node("MatMul", seen, per_token), g.constant("squeezed", np.array([1])))
    count = g.node("ReduceSum", seen, g.constant("length", np.array([2])), keepdims=0)
    mean = g.node("Div", total, count)
    g.nodes.append(helper.make_node("Add", [mean, g.constant("heads.bias", biases)], ["logits"]))

    graph = helper.make_graph(
        g.nodes,
        "mention-triage",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(biases)])],
        g.initializers,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="mention-triage")


def export(checkpoint: Path, out: Path) -> ModelConfig:
    """Write model.onnx, tokenizer.json and config.json of a checkpoint to `out`; its config, with its new version."""
    network = TriageNetwork.from_pretrained(checkpoint, dtype=torch.float32)
    config = ModelConfig.model_validate(network.config.triage)
    content = build(network, config.max_tokens).SerializeToString(deterministic=True)
    tokenizer = (checkpoint / "tokenizer.json").read_bytes()
    version = version_of(content, tokenizer, config.calibration.model_dump_json().encode())
    config = config.model_copy(update={"version": version})
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(content)
    (out / "tokenizer.json").write_bytes(tokenizer)
    (out / "config.json").write_text(json.dumps(config.model_dump(), indent=2) + "\n")
    return config


def main(
    checkpoint: Annotated[Path, typer.Option(help="calibrated checkpoint folder")],
    out: Annotated[Path, typer.Option()] = Path("models/mention-triage-small"),
) -> None:
    """Export a checkpoint."""
    config = export(checkpoint, out)
    print(f"{out}: {config.name} {config.version}, {(out / 'model.onnx').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    typer.run(main)
