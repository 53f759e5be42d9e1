import numpy as np
import pytest

from services.classify.model.base import Levels, Prediction
from services.classify.model.config import Calibration, FieldCalibration
from services.classify.model.decode import LOGITS, levels, predictions


def test_probabilities_are_in_the_order_of_the_labels_and_sum_to_one() -> None:
    logits = np.random.default_rng(1).normal(0, 3, (200, LOGITS)).astype(np.float32)
    for row, prediction in zip(logits, predictions(logits, Calibration()), strict=True):
        assert np.argmax(prediction.inquiry_type) == row[:5].argmax()
        assert np.argmax(prediction.sentiment) == row[5:8].argmax()
        assert (prediction.actionable > 0.5) == (row[8] > 0)
        assert sum(prediction.inquiry_type) == pytest.approx(1, abs=1e-9)
        assert sum(prediction.sentiment) == pytest.approx(1, abs=1e-9)
        assert all(p == round(p, 4) and p >= 0 for p in (*prediction.inquiry_type, prediction.actionable))


def test_differences_of_the_last_bits_vanish() -> None:
    logits = np.random.default_rng(2).normal(0, 3, (50, LOGITS)).astype(np.float32)
    nudged = np.nextafter(logits, np.float32(10))
    assert predictions(logits, Calibration()) == predictions(nudged, Calibration())


def test_temperature_softens_one_field_only() -> None:
    logits = np.array([[2, 0, 0, 0, 0, 2, 0, 0, 2]], np.float32)
    (plain,) = predictions(logits, Calibration())
    (soft,) = predictions(logits, Calibration(sentiment=FieldCalibration(temperature=4)))
    assert soft.sentiment[0] < plain.sentiment[0]
    assert soft.inquiry_type == plain.inquiry_type
    assert soft.actionable == plain.actionable


def test_levels() -> None:
    limits = FieldCalibration(high=0.9, medium=0.7, low=0.5)
    calibration = Calibration(inquiry_type=limits, sentiment=limits, actionable=limits)
    prediction = Prediction((0.9, 0.1, 0, 0, 0), (0.1, 0.2, 0.7), 0.4)
    assert levels(prediction, calibration) == Levels("high", "medium", "low")
    sure_that_not = Prediction((0.6, 0.4, 0, 0, 0), (1, 0, 0), 0.05)
    assert levels(sure_that_not, calibration) == Levels("low", "high", "high")
    torn = Prediction((0.4, 0.3, 0.3, 0, 0), (0.45, 0.45, 0.1), 0.5)
    assert levels(torn, calibration) == Levels("abstain", "abstain", "low")


def test_a_bias_shifts_its_classes_only() -> None:
    logits = np.array([[0, 0, 0, 0, 0, 1, 0, 0, 2]], np.float32)
    calibration = Calibration(
        inquiry_type=FieldCalibration(bias=(0, 0, 1.5, 0, 0)), actionable=FieldCalibration(temperature=2, bias=(-1,))
    )
    (plain,), (shifted,) = predictions(logits, Calibration()), predictions(logits, calibration)
    assert np.argmax(shifted.inquiry_type) == 2
    assert shifted.sentiment == plain.sentiment
    assert shifted.actionable == 0.5  # 2 / 2 - 1


def test_an_uncalibrated_model_is_not_trusted() -> None:
    prediction = Prediction((0.99, 0.01, 0, 0, 0), (0.99, 0.01, 0), 0.99)
    assert levels(prediction, Calibration()) == Levels("abstain", "abstain", "abstain")
    certain = Prediction((1.0, 0, 0, 0, 0), (1.0, 0, 0), 1.0)
    assert levels(certain, Calibration()) == Levels("abstain", "abstain", "abstain")
