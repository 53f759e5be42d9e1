"""From logits to predictions and confidence levels; plain numpy, the same for every backend."""

import numpy as np
import numpy.typing as npt

from services.classify.model.base import Confidence, Levels, Prediction
from services.classify.model.config import Calibration, FieldCalibration
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS

_TYPES, _FEELINGS = len(INQUIRY_TYPES), len(SENTIMENTS)
LOGITS = _TYPES + _FEELINGS + 1

# Probabilities are kept in units of 1e-4, so that distributions sum to 1 and differences of the last bit vanish.
_UNITS = 10_000


def predictions(logits: npt.NDArray[np.float32], calibration: Calibration) -> list[Prediction]:
    """One prediction per row of `logits` (rows, LOGITS)."""
    wide = logits.astype(np.float64)
    types = _softmax(_scaled(wide[:, :_TYPES], calibration.inquiry_type))
    feelings = _softmax(_scaled(wide[:, _TYPES : _TYPES + _FEELINGS], calibration.sentiment))
    actionable = 1 / (1 + np.exp(-_scaled(wide[:, -1:], calibration.actionable)[:, 0]))
    return [
        Prediction(tuple(row_types), tuple(row_feelings), float(row_actionable))
        for row_types, row_feelings, row_actionable in zip(
            _rounded(types).tolist(), _rounded(feelings).tolist(), np.round(actionable, 4), strict=True
        )
    ]


def levels(prediction: Prediction, calibration: Calibration) -> Levels:
    """How far the top label of each field can be trusted."""
    actionable = max(prediction.actionable, round(1 - prediction.actionable, 4))
    return Levels(
        inquiry_type=_level(max(prediction.inquiry_type), calibration.inquiry_type),
        sentiment=_level(max(prediction.sentiment), calibration.sentiment),
        actionable=_level(actionable, calibration.actionable),
    )


def _level(probability: float, field: FieldCalibration) -> Confidence:
    reached: tuple[tuple[Confidence, float], ...] = (("high", field.high), ("medium", field.medium), ("low", field.low))
    return next((level for level, threshold in reached if threshold < 1 and probability >= threshold), "abstain")


def _scaled(logits: npt.NDArray[np.float64], field: FieldCalibration) -> npt.NDArray[np.float64]:
    scaled = logits / field.temperature
    return scaled + np.array(field.bias) if field.bias else scaled


def _softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result


def _rounded(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """To 4 decimals; the largest takes what rounding left over."""
    units = np.rint(probabilities * _UNITS)
    units[np.arange(len(units)), probabilities.argmax(axis=1)] += _UNITS - units.sum(axis=1)
    result: npt.NDArray[np.float64] = units / _UNITS
    return result
