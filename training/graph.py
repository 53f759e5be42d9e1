"""The network as an OpenVINO graph: a `BertForSequenceClassification` in fp32, or with 8-bit products of fixed ranges.

Of the last layer only the first token goes on, as only that is classified. Attention stays fp32.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as op

from training.quantise import LEVELS, Floats, Grid, Rounded

# A product's input by the layer's number and its place: what enters attention, what leaves it, and around the GELU.
SITES: Final = ("attention", "attended", "feed", "fed")
_HIDDEN_SCORE: Final = -1e4  # added to the attention scores of padding

Weights = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a BERT's config shapes the graph."""

    layers: int
    heads: int
    hidden: int
    epsilon: float
    pad_id: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Served:
    """What the 8-bit graph has instead of fp32 weights: grids by site, layers and the embedding as whole numbers.

    Attention averages the outputs of the value layers: these must come in terms of the `attended` site's grid (`onto`).
    """

    grids: Mapping[str, Grid]
    layers: Mapping[str, Rounded]
    words: tuple[npt.NDArray[np.int8], Floats]


@dataclass
class Graph:
    """The model, and the activations at each site for calibration."""

    model: ov.Model
    taps: list[str] = field(default_factory=list)


def linear_names(layer: int) -> dict[str, tuple[str, ...]]:
    """The linear layers that a site feeds, by site."""
    prefix = f"bert.encoder.layer.{layer}"
    names = (
        tuple(f"{prefix}.attention.self.{name}" for name in ("query", "key", "value")),
        (f"{prefix}.attention.output.dense",),
        (f"{prefix}.intermediate.dense",),
        (f"{prefix}.output.dense",),
    )
    return {f"{layer}.{site}": own for site, own in zip(SITES, names, strict=True)}


def build(weights: Weights, shape: Shape, served: Served | None = None) -> Graph:
    """`input_ids` int64 (batch, length up to max_tokens), pad id where empty -> `logits` fp32 (batch, labels).

    Without `served` the graph is fp32 and has the sites' activations as further outputs, in the order of `taps`.
    """
    builder = _Builder(weights, shape, served)
    ids = op.parameter([-1, -1], np.int64, "input_ids")
    ids.output(0).set_names({"input_ids"})
    hidden = builder.embedded(ids)
    padding = op.convert(op.equal(ids, _integers(shape.pad_id)), "f32")
    mask = op.unsqueeze(op.multiply(padding, _floats(_HIDDEN_SCORE)), _integers([1, 2]))
    for layer in range(shape.layers):
        hidden = builder.layer(hidden, mask, layer, last=layer == shape.layers - 1)
    first = op.reshape(hidden, _integers([-1, shape.hidden]), False)
    pooled = op.tanh(builder.dense(first, "bert.pooler.dense"))
    result = op.result(builder.dense(pooled, "classifier"))
    result.output(0).set_names({"logits"})
    taps = [] if served else [op.result(node) for node in builder.taps.values()]
    model = ov.Model([result, *taps], [ids], "mention-triage")
    # The library's own names count up over the whole process: equal models must be equal files.
    for number, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{number}")
    return Graph(model, list(builder.taps))


def _floats(value: Any) -> ov.Node:
    return op.constant(np.ascontiguousarray(value, np.float32))


def _integers(value: Any) -> ov.Node:
    return op.constant(np.asarray(value, np.int64))


def _first_token(tokens: ov.Node) -> ov.Node:
    """(batch, length, …) to (batch, 1, …)."""
    return op.slice(tokens, _integers([0]), _integers([1]), _integers([1]), _integers([1]))


class _Builder:
    def __init__(self, weights: Weights, shape: Shape, served: Served | None) -> None:
        self._weights = weights
        self._shape = shape
        self._served = served
        self.taps: dict[str, ov.Node] = {}

    def embedded(self, ids: ov.Node) -> ov.Node:
        axis = _integers(0)
        if self._served:
            # Rows stay int8 in memory too: only those of a batch are expanded.
            words, scales = self._served.words
            rows = op.convert(op.gather(op.constant(words), ids, axis), "f32")
            embedded = op.multiply(rows, op.gather(op.constant(scales), ids, axis))
        else:
            embedded = op.gather(_floats(self._weights["bert.embeddings.word_embeddings.weight"]), ids, axis)
        # Every token is of type 0, so its embedding belongs to the position's.
        positions = self._weights["bert.embeddings.position_embeddings.weight"][: self._shape.max_tokens]
        positions = positions + self._weights["bert.embeddings.token_type_embeddings.weight"][0]
        length = op.gather(op.shape_of(ids, "i64"), _integers([1]), axis)
        used = op.slice(_floats(positions), _integers([0]), length, _integers([1]), _integers([0]))
        return self._norm(op.add(embedded, op.unsqueeze(used, axis)), "bert.embeddings.LayerNorm")

    def layer(self, hidden: ov.Node, mask: ov.Node, number: int, last: bool) -> ov.Node:
        shape, prefix = self._shape, f"bert.encoder.layer.{number}"
        names = linear_names(number)
        width = shape.hidden // shape.heads
        split, heads_first = _integers([0, 0, shape.heads, width]), _integers([0, 2, 1, 3])
        site = f"{number}.attention"
        entering = self._on_grid(hidden, site)
        queries = _first_token(entering) if last else entering
        query, key, value = (
            op.transpose(op.reshape(self._linear(given, name), split, True), heads_first)
            for given, name in zip((queries, entering, entering), names[site], strict=True)
        )
        attended = op.transpose(op.scaled_dot_product_attention(query, key, value, mask), heads_first)
        attended = op.reshape(attended, _integers([0, 0, shape.hidden]), True)
        if last:
            hidden = _first_token(hidden)
        attended = self._site(attended, f"{number}.attended", names)
        hidden = self._norm(op.add(attended, hidden), f"{prefix}.attention.output.LayerNorm")
        wide = op.gelu(self._site(hidden, f"{number}.feed", names), "ERF")
        return self._norm(op.add(self._site(wide, f"{number}.fed", names), hidden), f"{prefix}.output.LayerNorm")

    def dense(self, values: ov.Node, name: str) -> ov.Node:
        product = op.matmul(values, _floats(self._weights[f"{name}.weight"]), False, True)
        return op.add(product, _floats(self._weights[f"{name}.bias"][None]))

    def _site(self, values: ov.Node, site: str, names: Mapping[str, tuple[str, ...]]) -> ov.Node:
        (name,) = names[site]
        return self._linear(self._on_grid(values, site), name)

    def _on_grid(self, values: ov.Node, site: str) -> ov.Node:
        self.taps[site] = values
        if not self._served:
            return values
        if not site.endswith(".attended"):  # the values are in its grid's terms already, and so are their averages
            grid = self._served.grids[site]
            scaled = op.multiply(values, _floats((1 / grid.step)[None, None]))
            values = op.add(scaled, _floats((-grid.low / grid.step)[None, None]))
        low, high = _floats(0), _floats(LEVELS)
        return op.fake_quantize(values, low, high, low, high, LEVELS + 1)

    def _linear(self, values: ov.Node, name: str) -> ov.Node:
        if not self._served:
            weight, bias = _floats(self._weights[f"{name}.weight"]), self._weights[f"{name}.bias"]
        else:
            layer = self._served.layers[name]
            weight = op.multiply(op.convert(op.constant(layer.levels), "f32"), op.constant(layer.scale))
            bias = layer.served_bias
        return op.add(op.matmul(values, weight, False, True), _floats(bias[None, None]))

    def _norm(self, values: ov.Node, name: str) -> ov.Node:
        normed = op.mvn(values, _integers([-1]), True, self._shape.epsilon, "INSIDE_SQRT")
        scaled = op.multiply(normed, _floats(self._weights[f"{name}.weight"][None, None]))
        return op.add(scaled, _floats(self._weights[f"{name}.bias"][None, None]))
