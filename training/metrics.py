"""What is fitted and measured on labelled logits; numpy, scipy and scikit-learn."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold

from services.classify.model.config import Calibration, FieldCalibration
from services.classify.model.decode import predictions
from training.data import UNKNOWN, Example
from training.targets import FEELINGS, TYPES, Floats

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FIELDS = ("inquiry_type", "sentiment", "actionable")
# What the levels promise, share of right labels; below `low` the model abstains. Thresholds fitted on few rows are a
# point optimistic, hence the margin.
PRECISION = {"high": 0.93, "medium": 0.75, "low": 0.6}
MARGIN = 0.01
FEWEST = 20  # rows from which a level's precision is taken seriously
# How strongly class offsets are drawn to zero: about the weight of so many rows.
OFFSET_PENALTY = 4.0
FOLDS, SEED = 10, 2027
BINS = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """One field over the rows that carry its label: probabilities (rows, classes) and the right classes (rows,)."""

    probabilities: Doubles
    gold: Ints

    @property
    def top(self) -> Ints:
        """The predicted classes."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def confidence(self) -> Doubles:
        """The top label's probabilities."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Where the top label is right."""
        return np.equal(self.top, self.gold)

    def only(self, rows: npt.NDArray[np.bool_] | Ints) -> "Judged":
        """Some of the rows, by mask or by number."""
        return Judged(self.probabilities[rows], self.gold[rows])


def gold_of(examples: list[Example], field: str) -> Ints:
    """The labels of a field, UNKNOWN where a row has none."""
    return np.array([getattr(example, field) for example in examples])


def judge(logits: Floats, examples: list[Example], field: str, calibration: Calibration | None = None) -> Judged:
    """What the model says about one field of the rows that have its label, as it would be served."""
    gold = gold_of(examples, field)
    known = gold != UNKNOWN
    predicted = predictions(logits[known], calibration or Calibration())
    if field == "actionable":
        return Judged(np.array([(1 - p.actionable, p.actionable) for p in predicted]).reshape(-1, 2), gold[known])
    return Judged(np.array([getattr(p, field) for p in predicted]), gold[known])


def macro_f1(judged: Judged) -> float:
    """Percent."""
    return 100 * float(f1_score(judged.gold, judged.top, average="macro"))


def accuracy(judged: Judged) -> float:
    """Percent."""
    return 100 * float(judged.right.mean())


def expected_calibration_error(judged: Judged) -> float:
    """Mean distance of the top label's probability from its precision, in five equal bins (Guo et al. 2017)."""
    return float(sum(abs(precision - confidence) * share for confidence, precision, share in reliability(judged)))


def reliability(judged: Judged) -> list[tuple[float, float, float]]:
    """Mean confidence, precision and share of the rows, of each bin that has any."""
    bin_of = np.minimum((judged.confidence * BINS).astype(int), BINS - 1)
    return [
        (float(judged.confidence[own].mean()), float(judged.right[own].mean()), float(own.mean()))
        for own in (bin_of == b for b in np.unique(bin_of))
    ]


def fit(logits: Floats, examples: list[Example]) -> Calibration:
    """Temperature, class offsets and confidence thresholds of each head."""
    return Calibration(**{field: fit_field(logits, examples, field) for field in FIELDS})


def fit_field(logits: Floats, examples: list[Example], field: str) -> FieldCalibration:
    """Temperature, class offsets and confidence thresholds of one head."""
    scaling = _scaling(logits, examples, field)
    judged = judge(logits, examples, field, Calibration(**{field: scaling}))
    high = threshold(judged, PRECISION["high"] + MARGIN)
    below = judged.only(judged.confidence < high)
    medium = min(threshold(below, PRECISION["medium"] + MARGIN), high)
    low = min(threshold(below.only(below.confidence < medium), PRECISION["low"] + MARGIN), medium)
    return scaling.model_copy(update={"high": high, "medium": medium, "low": low})


def _scaling(logits: Floats, examples: list[Example], field: str) -> FieldCalibration:
    """Vector scaling with one temperature (Guo et al. 2017): least negative log-likelihood, offsets drawn to zero."""
    gold = gold_of(examples, field)
    known = gold != UNKNOWN
    truth, wide = gold[known], logits[known].astype(np.float64)
    if field == "actionable":
        wide = np.stack([np.zeros(len(truth)), wide[:, -1]], axis=1)
    else:
        wide = wide[:, :TYPES] if field == "inquiry_type" else wide[:, TYPES : TYPES + FEELINGS]
    classes = wide.shape[1]

    def loss(parameters: Doubles) -> float:
        offsets = np.append(0.0, parameters[1:]) if classes == 2 else parameters[1:]
        likelihood = log_softmax(wide / np.exp(parameters[0]) + offsets, axis=1)[np.arange(len(truth)), truth]
        return float(-likelihood.sum() + OFFSET_PENALTY * (parameters[1:] ** 2).sum())

    start = np.zeros(1 + (1 if classes == 2 else classes))
    best = minimize(loss, start, method="L-BFGS-B", bounds=[(-1.0, 2.0)] + [(-2.0, 2.0)] * (len(start) - 1)).x
    return FieldCalibration(
        temperature=round(float(np.exp(best[0])), 4), bias=tuple(round(float(value), 4) for value in best[1:])
    )


def threshold(judged: Judged, precision: float) -> float:
    """The lowest probability from which on the top labels are right that often; 1 when there is none."""
    if len(judged.gold) < FEWEST:
        return 1.0
    order = np.argsort(-judged.confidence)
    confidence, ranks = judged.confidence[order], np.arange(1, len(order) + 1)
    right = np.cumsum(judged.right[order]) / ranks
    # Rows of equal probability are taken together or not at all.
    last_of_equals = np.append(confidence[1:] != confidence[:-1], True)
    enough = np.flatnonzero((right >= precision) & (ranks >= FEWEST) & last_of_equals)
    return round(float(confidence[enough[-1]]), 4) if len(enough) else 1.0


@dataclass(frozen=True, slots=True)
class Level:
    """How often a confidence level is given (share of rows) and how often its labels are right."""

    coverage: float
    precision: float


def cross_fitted(logits: Floats, examples: list[Example], field: str) -> tuple[Judged, dict[str, Level]]:
    """The labelled rows in their order, each judged by what was fitted on the other folds; and the levels' worth."""
    gold = gold_of(examples, field)
    known = np.flatnonzero(gold != UNKNOWN)
    labelled = [examples[row] for row in known]
    own = logits[known]
    probabilities = np.empty((len(known), 0))
    given = np.zeros(len(known), int)
    for train, test in KFold(FOLDS, shuffle=True, random_state=SEED).split(own):
        limits = fit_field(own[train], [labelled[row] for row in train], field)
        judged = judge(own[test], [labelled[row] for row in test], field, Calibration(**{field: limits}))
        if not probabilities.size:
            probabilities = np.empty((len(known), judged.probabilities.shape[1]))
        probabilities[test] = judged.probabilities
        # As they are served: a threshold of 1 stands for a level that is never given.
        given[test] = sum(
            (judged.confidence >= limit).astype(int) for limit in (limits.low, limits.medium, limits.high) if limit < 1
        )
    together = Judged(probabilities, gold[known])
    return together, {
        name: Level(float((given == level).mean()), float(together.right[given == level].mean()))
        for level, name in ((3, "high"), (2, "medium"), (1, "low"), (0, "abstain"))
        if (given == level).any()
    }
