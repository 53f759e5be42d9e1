import numpy as np
import pytest

from services.classify.model.base import ModelInput
from training.data import UNKNOWN, Example
from training.metrics import (
    Judged,
    cross_fitted,
    expected_calibration_error,
    fit,
    fit_field,
    judge,
    macro_f1,
    threshold,
)


def judged(confidence: list[float], right: list[bool]) -> Judged:
    probabilities = np.array([(p, 1 - p) for p in confidence])
    return Judged(probabilities, np.array([0 if is_right else 1 for is_right in right]))


@pytest.fixture
def overconfident() -> tuple[np.ndarray, list[Example]]:
    """300 rows whose logits are three times as large as they deserve."""
    rng = np.random.default_rng(1)
    true = rng.normal(0, 2.5, (300, 9))
    draw = rng.gumbel(size=(300, 9))
    examples = [
        Example(
            ModelInput("x"),
            int((row + noise)[:5].argmax()),
            int((row + noise)[5:8].argmax()) if n % 2 else UNKNOWN,
            int(row[8] + rng.logistic() > 0),
            "en",
            "made up",
        )
        for n, (row, noise) in enumerate(zip(true, draw, strict=True))
    ]
    return (3 * true).astype(np.float32), examples


def test_macro_f1() -> None:
    assert macro_f1(judged([0.9, 0.9], [True, True])) == 100
    assert macro_f1(Judged(np.array([(0.9, 0.1), (0.9, 0.1)]), np.array([0, 1]))) == pytest.approx(100 / 3)


def test_calibration_error() -> None:
    assert expected_calibration_error(judged([0.75] * 4, [True, True, True, False])) == pytest.approx(0)
    assert expected_calibration_error(judged([0.95] * 4, [True, True, False, False])) == pytest.approx(0.45)


def test_a_threshold_takes_as_many_rows_as_the_precision_allows() -> None:
    rows = judged([0.9] * 20 + [0.8] * 10 + [0.7] * 10, [True] * 20 + [True] * 8 + [False] * 12)
    assert threshold(rows, 0.9) == 0.8
    assert threshold(rows, 0.7) == 0.7
    assert threshold(judged([0.9] * 30, [False] * 30), 0.9) == 1.0


def test_fit_finds_the_temperature_of_each_head(overconfident: tuple[np.ndarray, list[Example]]) -> None:
    logits, examples = overconfident
    calibration = fit(logits, examples)
    for field in ("inquiry_type", "sentiment", "actionable"):
        part = getattr(calibration, field)
        assert 2 < part.temperature < 4.01
        assert 0 < part.medium <= part.high <= 1
        calibrated = judge(logits, examples, field, calibration)
        assert expected_calibration_error(calibrated) < expected_calibration_error(judge(logits, examples, field))


def test_rows_without_a_label_are_not_judged(overconfident: tuple[np.ndarray, list[Example]]) -> None:
    logits, examples = overconfident
    assert len(judge(logits, examples, "sentiment").gold) == 150


def test_cross_fitted_rows_keep_their_order_and_levels_cover_everything(
    overconfident: tuple[np.ndarray, list[Example]],
) -> None:
    logits, examples = overconfident
    together, levels = cross_fitted(logits, examples, "sentiment")
    assert together.gold.tolist() == [e.sentiment for e in examples if e.sentiment != UNKNOWN]
    raw = judge(logits, examples, "sentiment")
    assert (together.top == raw.top).mean() > 0.8
    assert expected_calibration_error(together) < expected_calibration_error(raw)
    assert sum(level.coverage for level in levels.values()) == pytest.approx(1)
    assert levels["high"].precision > levels["medium"].precision


def test_a_level_without_a_threshold_is_never_given() -> None:
    """As served: 1 stands for never, also where a probability is rounded up to 1."""
    certain = np.zeros((100, 9), np.float32)
    certain[:, 0] = 500.0  # too sure for any temperature
    examples = [Example(ModelInput("x"), n % 2, UNKNOWN, UNKNOWN, "en", "made up") for n in range(100)]
    judged_rows, levels = cross_fitted(certain, examples, "inquiry_type")
    calibration = fit_field(certain, examples, "inquiry_type")
    assert (judged_rows.confidence == 1).all()
    assert (calibration.high, calibration.medium, calibration.low) == (1, 1, 1)
    assert set(levels) == {"abstain"}
