"""Bootstrap 95 % intervals, computed on counts instead of rows: a report needs hundreds of them."""

from collections.abc import Callable, Sequence

import numpy as np

from training.metrics import SEED, Doubles, Ints, Judged

DRAWS = 1000
# From confusion matrices (draws, right label, label said) to a score per draw, percent.
Score = Callable[[Ints], Doubles]


def accuracy(matrices: Ints) -> Doubles:
    """Share of right labels."""
    right = np.trace(matrices, axis1=1, axis2=2)
    return np.asarray(100 * right / matrices.sum(axis=(1, 2)))


def macro_f1(matrices: Ints) -> Doubles:
    """Mean F1 of the classes that occur, as right label or as label said."""
    f1, occurs = _f1(matrices)
    return np.asarray(100 * f1.sum(axis=1) / occurs.sum(axis=1))


def f1_of_last(matrices: Ints) -> Doubles:
    """F1 of the last class: of "yes"."""
    return np.asarray(100 * _f1(matrices)[0][:, -1])


def interval(parts: Sequence[Judged], score: Score) -> tuple[float, float]:
    """The interval of a score's mean over the parts; each part's rows are drawn from it with replacement."""
    rng = np.random.default_rng(SEED)
    values = np.mean([score(_drawn(part, rng)) for part in parts], axis=0)
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def _drawn(judged: Judged, rng: np.random.Generator) -> Ints:
    rows, classes = judged.probabilities.shape
    cells = judged.gold * classes + judged.top
    counts = [
        np.bincount(cells[rng.integers(0, rows, rows)], minlength=classes * classes).astype(np.int64)
        for _ in range(DRAWS)
    ]
    return np.stack(counts).reshape(DRAWS, classes, classes)


def _f1(matrices: Ints) -> tuple[Doubles, Ints]:
    """F1 of each class (draws, classes), 0 to 1, and whether it occurs at all."""
    right = np.diagonal(matrices, axis1=1, axis2=2)
    both = matrices.sum(axis=1) + matrices.sum(axis=2)
    return 2 * right / np.maximum(both, 1), (both > 0).astype(np.int64)
