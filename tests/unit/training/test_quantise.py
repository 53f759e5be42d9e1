"""The numbers behind the 8-bit graph."""

import numpy as np
import pytest

from training.quantise import Floats, Grid, Moments, Rounded, grid_of, onto, rounded, rounded_rows


@pytest.fixture
def inputs() -> Floats:
    """Correlated channels, one of them far larger than the others and none with mean 0."""
    rng = np.random.default_rng(1)
    mixed = rng.normal(0, 1, (4_000, 8)) @ rng.normal(0, 1, (8, 24)) + rng.normal(0, 0.3, (4_000, 24)) + 2
    mixed[:, 3] *= 30
    return mixed.astype(np.float32)


@pytest.fixture
def weight() -> Floats:
    weight = np.random.default_rng(2).normal(0, 1, (16, 24))
    weight[:, 3] /= 30  # large channels have small weights, as networks learn it
    return weight.astype(np.float32)


def measured(inputs: Floats) -> Moments:
    moments = Moments.none(inputs.shape[1])
    for part in np.array_split(inputs, 3):
        moments.add(part[None])
    return moments


def served(layer: Rounded, grid: Grid, inputs: Floats) -> Floats:
    """What the 8-bit graph computes."""
    y = np.clip(np.rint((inputs - grid.low) / grid.step), 0, 255)
    return np.asarray((y @ (layer.levels * layer.scale).T + layer.served_bias).astype(np.float32))


def test_moments_are_those_of_all_rows(inputs: Floats) -> None:
    moments = measured(inputs)
    assert moments.mean == pytest.approx(inputs.mean(axis=0), rel=1e-4)
    assert moments.covariance == pytest.approx(np.cov(inputs.T, bias=True), rel=1e-3, abs=1e-2)
    assert np.array_equal(moments.low, inputs.min(axis=0))
    assert np.array_equal(moments.high, inputs.max(axis=0))


def test_the_grid_covers_what_was_seen(inputs: Floats, weight: Floats) -> None:
    grid = grid_of(measured(inputs), weight.astype(np.float64), np.ones(16))
    assert (grid.low <= inputs.min(axis=0) + 1e-6).all()
    assert (grid.low + 255 * grid.step >= inputs.max(axis=0) - 1e-3).all()


def test_products_on_the_grid_are_near_the_true_ones(inputs: Floats, weight: Floats) -> None:
    moments, bias = measured(inputs), np.arange(16, dtype=np.float32)
    true = inputs @ weight.T + bias
    searched = grid_of(moments, weight.astype(np.float64), np.ones(16))
    ranges = moments.high - moments.low
    same_step = Grid((moments.high + moments.low - ranges.max()) / 2, np.full(24, ranges.max() / 255))
    errors = [
        float((served(rounded(weight, bias, grid, moments), grid, inputs) - true).std())
        for grid in (searched, same_step)
    ]
    assert errors[0] < 0.02 * true.std()
    assert errors[0] < errors[1] / 2


def test_rounding_makes_up_for_itself(inputs: Floats, weight: Floats) -> None:
    moments, bias = measured(inputs), np.zeros(16, np.float32)
    grid = grid_of(moments, weight.astype(np.float64), np.ones(16))
    layer = rounded(weight, bias, grid, moments)
    levels, scale = rounded_rows((weight * grid.step).astype(np.float32))
    nearest = levels * scale / grid.step
    off = inputs - inputs.mean(axis=0)
    assert (off @ (layer.weight - weight).T).std() < 0.7 * (off @ (nearest - weight).T).std()
    # Nothing is left of the error on average.
    assert (inputs @ layer.weight.T + layer.bias).mean(axis=0) == pytest.approx(
        (inputs @ weight.T).mean(axis=0), abs=1e-2
    )


def test_both_forms_of_a_layer_say_the_same(inputs: Floats, weight: Floats) -> None:
    moments, bias = measured(inputs), np.ones(16, np.float32)
    grid = grid_of(moments, weight.astype(np.float64), np.ones(16))
    layer = rounded(weight, bias, grid, moments)
    on_grid = (np.rint((inputs - grid.low) / grid.step) * grid.step + grid.low).astype(np.float32)
    assert served(layer, grid, inputs) == pytest.approx(on_grid @ layer.weight.T + layer.bias, abs=1e-2)


def test_outputs_in_terms_of_another_grid(inputs: Floats, weight: Floats) -> None:
    moments = measured(inputs)
    grid = grid_of(moments, weight.astype(np.float64), np.ones(16))
    layer = rounded(weight, np.ones(16, np.float32), grid, moments)
    outputs = served(layer, grid, inputs)
    other = Grid(outputs.min(axis=0).astype(np.float64), (np.ptp(outputs, axis=0) / 255).astype(np.float64))
    moved = served(onto(layer, other), grid, inputs)
    assert moved * other.step + other.low == pytest.approx(outputs, abs=1e-2)


def test_rows_of_a_table() -> None:
    table = np.array([[0.5, -1.0], [0.0, 0.0], [100.0, 1.0]], np.float32)
    levels, scale = rounded_rows(table)
    assert np.abs(levels * scale - table).max() <= 0.5 * scale.max()
    assert levels.tolist() == [[64, -127], [0, 0], [127, 1]]
