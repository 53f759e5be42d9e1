"""What is fitted and measured on labelled logits; plain numpy and scikit-learn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold

from services.classify.model.config import Calibration, FieldCalibration
from services.classify.model.decode import predictions
from training.data import UNKNOWN, Example

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FIELDS = ("inquiry_type", "sentiment", "actionable")
# The levels mean "right nine times in ten" and "three in four"; thresholds fitted on few rows are a point optimistic.
HIGH_PRECISION, MEDIUM_PRECISION = 0.91, 0.76
FEWEST = 20  # rows from which a level's precision is taken seriously
FOLDS, SEED = 5, 2027


@dataclass(frozen=True, slots=True)
class Judged:
    """One field over the rows that carry its label: probabilities (rows, classes) and the right classes (rows,)."""

    probabilities: Floats
    gold: Ints

    @property
    def top(self) -> Ints:
        """The predicted classes."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def confidence(self) -> Floats:
        """The top label's probabilities."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Where the top label is right."""
        return np.equal(self.top, self.gold)


def gold_of(examples: list[Example], field: str) -> Ints:
    """The labels of a field, UNKNOWN where a row has none."""
    return np.array([getattr(example, field) for example in examples])


def judge(
    logits: npt.NDArray[np.float32], examples: list[Example], field: str, calibration: Calibration | None = None
) -> Judged:
    """What the model says about one field of the rows that have its label, as it would be served."""
    gold = gold_of(examples, field)
    known = gold != UNKNOWN
    predicted = predictions(logits[known], calibration or Calibration())
    if field == "actionable":
        return Judged(np.array([(1 - p.actionable, p.actionable) for p in predicted]), gold[known])
    return Judged(np.array([getattr(p, field) for p in predicted]), gold[known])


def macro_f1(judged: Judged) -> float:
    """Percent."""
    return 100 * float(f1_score(judged.gold, judged.top, average="macro"))


def expected_calibration_error(judged: Judged, bins: int = 10) -> float:
    """Mean distance of the top label's probability from its precision, in ten equal bins (Guo et al. 2017)."""
    bin_of = np.minimum((judged.confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(judged.right[bin_of == b].mean() - judged.confidence[bin_of == b].mean()) * (bin_of == b).mean()
        for b in np.unique(bin_of)
    ]
    return float(sum(gaps))


def fit(logits: npt.NDArray[np.float32], examples: list[Example]) -> Calibration:
    """Temperature (least negative log-likelihood) and confidence thresholds of each head."""
    fields = {}
    for field in FIELDS:
        candidates = [_with(field, FieldCalibration(temperature=t)) for t in np.geomspace(0.5, 4, 60).round(3)]
        best = min(candidates, key=lambda c: _loss(judge(logits, examples, field, c)))
        judged = judge(logits, examples, field, best)
        high = threshold(judged, HIGH_PRECISION)
        rest = judged.confidence < high
        medium = threshold(Judged(judged.probabilities[rest], judged.gold[rest]), MEDIUM_PRECISION)
        temperature = getattr(best, field).temperature
        fields[field] = FieldCalibration(temperature=temperature, high=high, medium=min(medium, high))
    return Calibration(**fields)


def threshold(judged: Judged, precision: float) -> float:
    """The lowest probability from which on the top labels are right that often; 1 when there is none."""
    for candidate in np.unique(judged.confidence):
        above = judged.confidence >= candidate
        if above.sum() >= FEWEST and judged.right[above].mean() >= precision:
            return round(float(candidate), 4)
    return 1.0


@dataclass(frozen=True, slots=True)
class Level:
    """How often a confidence level is given (share of rows) and how often its labels are right."""

    coverage: float
    precision: float


def cross_fitted(
    logits: npt.NDArray[np.float32], examples: list[Example], field: str
) -> tuple[float, dict[str, Level]]:
    """Calibration error and confidence levels with every row judged by what was fitted on the other folds."""
    probabilities, gold, given = [], [], []
    for train, test in KFold(FOLDS, shuffle=True, random_state=SEED).split(logits):
        fitted = fit(logits[train], [examples[row] for row in train])
        judged = judge(logits[test], [examples[row] for row in test], field, fitted)
        limits: FieldCalibration = getattr(fitted, field)
        probabilities.append(judged.probabilities)
        gold.append(judged.gold)
        given.append((judged.confidence >= limits.medium).astype(int) + (judged.confidence >= limits.high))
    together = Judged(np.concatenate(probabilities), np.concatenate(gold))
    levels = np.concatenate(given)
    return expected_calibration_error(together), {
        name: Level(float((levels == level).mean()), float(together.right[levels == level].mean()))
        for level, name in ((2, "high"), (1, "medium"), (0, "low"))
        if (levels == level).any()
    }


def interval(judged: Judged, score: Callable[[Judged], float], draws: int = 500) -> tuple[float, float]:
    """Bootstrap 95 % interval of a score."""
    rng = np.random.default_rng(SEED)
    values = []
    for _ in range(draws):
        rows = rng.integers(0, len(judged.gold), len(judged.gold))
        values.append(score(Judged(judged.probabilities[rows], judged.gold[rows])))
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def _with(field: str, value: FieldCalibration) -> Calibration:
    return Calibration(**{field: value})


def _loss(judged: Judged) -> float:
    likelihood = judged.probabilities[np.arange(len(judged.gold)), judged.gold]
    return float(-np.log(np.maximum(likelihood, 1e-4)).mean())
