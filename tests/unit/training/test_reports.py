import numpy as np
import pytest
from sklearn.metrics import f1_score

from services.classify.model.base import ModelInput
from services.classify.model.config import Calibration, FieldCalibration
from training import intervals
from training.data import UNKNOWN, Example
from training.metrics import FIELDS, SEED, Judged, accuracy, macro_f1
from training.parity import largest_changes, parity
from training.reports import groups_of, sentiment_report, validation_report
from training.slices import SLICES, all_caps, word_count
from training.targets import Floats


def example(text: str = "hola", language: str = "es", **given: object) -> Example:
    defaults: dict[str, object] = {"inquiry_type": 0, "sentiment": 0, "actionable": 1, "source": "made up"}
    return Example(ModelInput(text), language=language, **(defaults | given))  # type: ignore[arg-type]


@pytest.fixture
def measured() -> tuple[Floats, list[Example]]:
    """180 rows, a third per language, most of them right; 20 have no inquiry type."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (180, 9)).astype(np.float32)
    examples = [
        example(
            "hola que tal" if n % 2 else "uno dos tres cuatro cinco seis",
            ("es", "pt", "en")[n % 3],
            inquiry_type=UNKNOWN if n < 20 else int((row[:5] + rng.gumbel(size=5)).argmax()),
            sentiment=int((row[5:8] + rng.gumbel(size=3)).argmax()),
            actionable=int(row[8] + rng.logistic() > 0),
            sure=3 if n % 4 else 1,
            draw="random" if n % 2 else "picked",
        )
        for n, row in enumerate(logits)
    ]
    return logits, examples


def test_the_validation_report_counts_the_labelled_rows(measured: tuple[Floats, list[Example]]) -> None:
    report = validation_report(*measured)
    types = report["inquiry_type"]
    assert (report["rows"], types["all"]["rows"], report["sentiment"]["all"]["rows"]) == (180, 160, 180)
    assert sum(types[language]["rows"] for language in ("es", "pt", "en")) == 160
    assert sum(map(sum, types["confusion"])) == 160
    assert [part["rows"] for part in types["classes"].values()] == [sum(row) for row in types["confusion"]]
    matrices = [np.array(part["confusion"]) for part in types["languages"].values()]
    assert np.array_equal(sum(matrices), types["confusion"])
    assert types["sure"]["rows"] == 120
    assert (
        types["random es"]["rows"] + types["random pt"]["rows"] + types["random en"]["rows"] == types["random"]["rows"]
    )
    low, high = types["all"]["macro_f1_95"]
    assert low < types["all"]["macro_f1"] < high
    assert sum(level["coverage"] for level in types["levels"].values()) == pytest.approx(100, abs=0.3)
    assert sum(share for _, _, share in types["reliability"]["cross_fitted"]) == pytest.approx(1, abs=0.001)
    assert report["actionable"]["all"]["yes_f1"]["value"] == pytest.approx(
        report["actionable"]["classes"]["yes"]["f1"], abs=0.06
    )


def test_slices_have_figures_when_there_are_enough_rows(measured: tuple[Floats, list[Example]]) -> None:
    slices = validation_report(*measured)["slices"]
    assert slices["short"]["sentiment"]["rows"] == 90
    assert "inquiry_type" not in slices["emoji"]


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("short", ModelInput("@user no sirve http"), ModelInput("uno dos tres cuatro cinco seis")),
        ("long", ModelInput("no " * 31), ModelInput("no " * 30)),
        ("all caps", ModelInput("YA DEVUÉLVANME MI DINERO @marca"), ModelInput("mi TARJETA VISA no pasa")),
        ("emoji", ModelInput("qué rico 😍"), ModelInput("qué rico :)")),
        ("reply without parent", ModelInput("sí", True), ModelInput("sí", True, "¿ya?")),
        ("no reply mark", ModelInput("sí"), ModelInput("sí", True)),
        ("to another user", ModelInput("@user mira @marca"), ModelInput("@marca mira @user")),
        ("to another user", ModelInput("jaja", True, "hola", False), ModelInput("jaja", True, "hola", True)),
    ],
)
def test_who_is_in_a_slice(name: str, inside: ModelInput, outside: ModelInput) -> None:
    part = next(part for part in SLICES if part.name == name)
    row = example()
    assert part.holds(Example(inside, *[getattr(row, field) for field in Example.__slots__[1:]]))
    assert not part.holds(Example(outside, *[getattr(row, field) for field in Example.__slots__[1:]]))


def test_handles_and_links_are_no_words() -> None:
    assert word_count("@marca no me dejan http://a.b/c don't") == 4
    assert not all_caps("OK")


def test_groups_that_hold_all_rows_say_nothing() -> None:
    assert set(groups_of([example(), example(language="pt")])) == {"es", "pt"}
    assert set(groups_of([example(sure=1), example()])) == {"es", "sure", "sure es"}


def test_intervals_from_counts_are_those_of_drawn_rows() -> None:
    rng = np.random.default_rng(5)
    judged = Judged(rng.dirichlet(np.ones(3), 60), rng.integers(0, 3, 60))
    same = np.random.default_rng(SEED)
    by_row = [judged.only(same.integers(0, 60, 60)) for _ in range(intervals.DRAWS)]
    for counted, score in (
        (intervals.macro_f1, macro_f1),
        (intervals.accuracy, accuracy),
        (intervals.f1_of_last, lambda rows: 100 * f1_score(rows.gold, rows.top, average=None, labels=[0, 1, 2])[2]),
    ):
        expected = np.percentile([score(rows) for rows in by_row], (2.5, 97.5))
        assert intervals.interval([judged], counted) == pytest.approx(tuple(expected))


def test_public_sentiment_is_measured_as_served() -> None:
    rows = [example(language=code, sentiment=s) for code in ("es", "pt") for s in (0, 1, 2)]
    logits = np.zeros((6, 9), np.float32)
    logits[range(6), [5, 6, 7] * 2] = 1
    shifted = Calibration(sentiment=FieldCalibration(bias=(9.0, 0.0, 0.0)))
    report = sentiment_report(logits, rows, shifted)
    assert report["average"]["uncalibrated"] == 100
    assert report["average"]["macro_f1"] == pytest.approx(100 / 6, abs=0.01)
    assert set(report["languages"]) == {"es", "pt"}


def test_parity_counts_changed_labels_and_points() -> None:
    rows = [example(language=code, inquiry_type=n, sentiment=UNKNOWN) for code in ("es", "en") for n in (0, 1)]
    reference = np.zeros((4, 9), np.float32)
    reference[range(4), [0, 1, 0, 1]] = 2
    served = reference.copy()
    served[0, 1] = 5
    report = parity(served, reference, rows, Calibration())
    assert report["all"]["same_label"] == {"inquiry_type": 75, "sentiment": 100, "actionable": 100}
    assert report["en"]["same_label"]["inquiry_type"] == 100
    assert report["es"]["macro_f1_change"]["inquiry_type"] == pytest.approx(-100 + 100 / 3, abs=0.01)
    assert set(report["all"]["macro_f1_change"]) == set(FIELDS) - {"sentiment"}
    changes = largest_changes({"made up": report})
    assert changes["languages"] > changes["sets"] > 0
