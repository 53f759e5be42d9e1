"""Fixed 8-bit ranges for activations and rounded weights: how the served file keeps near the checkpoint.

An activation x (K,) that enters a matrix product becomes y = round((x - low) / step), 0 to 255, with a `low` and a
`step` per channel. The steps are moved into the weights ("SmoothQuant", Xiao et al. 2023), which are rounded to -127 to
127 with one scale per output, each rounding error made up for by the columns that are still to be rounded ("GPTQ",
Frantar et al. 2023). What remains of the error on average goes into the bias.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

LEVELS: Final = 255
_WEIGHT_LEVELS: Final = 127
_LEAST_RANGE: Final = 1e-5
# Added to the diagonal of GPTQ's second moments, as a share of its mean: channels that never vary must stay solvable.
_DAMPING: Final = 0.01
_BLOCK: Final = 64
# How far the steps follow the channels' ranges: 0 one step for all, 1 each channel's own.
_EXPONENTS: Final = tuple(exponent / 10 for exponent in range(11))


@dataclass
class Moments:
    """What calibration texts show of one activation of K channels."""

    low: Doubles
    high: Doubles
    sums: Doubles
    products: Doubles
    rows: int

    @classmethod
    def none(cls, channels: int) -> "Moments":
        """Of no rows."""
        infinite = np.full(channels, np.inf)
        return cls(infinite, -infinite, np.zeros(channels), np.zeros((channels, channels)), 0)

    def add(self, values: Floats) -> None:
        """Count in `values` (…, K)."""
        rows = values.reshape(-1, values.shape[-1])
        self.low = np.minimum(self.low, rows.min(axis=0))
        self.high = np.maximum(self.high, rows.max(axis=0))
        self.sums += rows.sum(axis=0, dtype=np.float64)
        self.products += rows.T @ rows
        self.rows += len(rows)

    @property
    def mean(self) -> Doubles:
        """(K,)"""
        return self.sums / self.rows

    @property
    def covariance(self) -> Doubles:
        """(K, K)"""
        return self.products / self.rows - np.outer(self.mean, self.mean)


@dataclass(frozen=True, slots=True)
class Grid:
    """The 8-bit grid of one activation: x = low + step * y, both (K,)."""

    low: Doubles
    step: Doubles


@dataclass(frozen=True, slots=True)
class Rounded:
    """A linear layer of N outputs: y is multiplied by `levels` int8 (N, K) times `scale` (N, 1), then
    `served_bias` (N,) is added.

    `weight` and `bias` are the same layer in terms of x.
    """

    levels: npt.NDArray[np.int8]
    scale: Floats
    served_bias: Floats
    weight: Floats
    bias: Floats


def grid_of(moments: Moments, weights: Doubles, importance: Doubles) -> Grid:
    """The grid with the least expected error of the products with `weights` (N, K), weighted by `importance` (N,).

    Small steps need large weights on the other side, whose rounding errs more: the exponent between the two is
    searched.
    """
    ranges = np.maximum(moments.high - moments.low, _LEAST_RANGE)
    variance = np.maximum(np.diag(moments.covariance), 0)
    column = (importance[:, None] ** 2 * weights**2).sum(axis=0)
    best, best_error = ranges, np.inf
    for exponent in _EXPONENTS:
        # Each channel's range stays covered: the widest in proportion sets the factor.
        tried = ranges**exponent * (ranges ** (1 - exponent)).max()
        step = tried / LEVELS
        scale = np.abs(weights * step).max(axis=1) / _WEIGHT_LEVELS
        # The variance of rounding is a twelfth of a step squared.
        error = (step**2 * column).sum() + (importance**2 * scale**2).sum() * (variance / step**2).sum()
        if error < best_error:
            best, best_error = tried, error
    return Grid((moments.high + moments.low - best) / 2, best / LEVELS)


def rounded(weight: Floats, bias: Floats, grid: Grid, moments: Moments) -> Rounded:
    """The layer `weight` (N, K), `bias` (N,) for inputs on `grid`."""
    scaled = weight.astype(np.float64) * grid.step
    second = moments.covariance / np.outer(grid.step, grid.step)
    levels, scale = _gptq(scaled, second)
    restored = levels * scale / grid.step
    corrected = bias + (weight - restored) @ moments.mean
    return Rounded(
        levels.astype(np.int8),
        scale.astype(np.float32),
        (corrected + restored @ grid.low).astype(np.float32),
        restored.astype(np.float32),
        corrected.astype(np.float32),
    )


def onto(layer: Rounded, grid: Grid) -> Rounded:
    """The layer with its served outputs in terms of `grid`, which is that of what is made of them."""
    bias = (layer.served_bias - grid.low) / grid.step
    scale = layer.scale / grid.step[:, None]
    return replace(layer, scale=scale.astype(np.float32), served_bias=bias.astype(np.float32))


def rounded_rows(table: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """A table (rows, K) as int8 with one scale per row (rows, 1)."""
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / _WEIGHT_LEVELS
    return np.rint(table / scale).astype(np.int8), scale.astype(np.float32)


def _gptq(weight: Doubles, second: Doubles) -> tuple[Doubles, Doubles]:
    """Whole numbers (N, K) and scales (N, 1); `second` (K, K) are the second moments of what the weights multiply."""
    channels = weight.shape[1]
    scale = np.maximum(np.abs(weight).max(axis=1, keepdims=True), 1e-12) / _WEIGHT_LEVELS
    # Channels that matter most are rounded first, when all others can still make up for it.
    order = np.argsort(-np.diag(second), kind="stable")
    left = weight[:, order]
    damped = second[np.ix_(order, order)] + np.eye(channels) * (_DAMPING * np.diag(second).mean() + 1e-12)
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    levels = np.zeros_like(weight)
    for start in range(0, channels, _BLOCK):
        end = min(start + _BLOCK, channels)
        errors = np.zeros((len(weight), end - start))
        for k in range(start, end):
            levels[:, k] = np.clip(np.rint(left[:, k] / scale[:, 0]), -_WEIGHT_LEVELS, _WEIGHT_LEVELS)
            error = (left[:, k] - levels[:, k] * scale[:, 0]) / upper[k, k]
            left[:, k:end] -= np.outer(error, upper[k, k:end])
            errors[:, k - start] = error
        left[:, end:] -= errors @ upper[start:end, end:]
    in_place = np.empty_like(levels)
    in_place[:, order] = levels
    return in_place, scale
