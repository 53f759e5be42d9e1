"""The card: every figure from the evaluation, and readable by a hub."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from services.classify.model.config import Calibration
from training import card, recipe
from training.challenge import challenge_report, read_challenge
from training.data import Example, real_validation, umsab
from training.parity import largest_changes, parity
from training.plots import draw
from training.reports import Report, sentiment_report, validation_report
from training.sets import counts
from training.targets import WIDTH, Floats


def logits_for(examples: list[Example], seed: int) -> Floats:
    """What a middling model says: the right label is ahead in most rows."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(examples), WIDTH)).astype(np.float32)
    for row, example in enumerate(examples):
        if example.inquiry_type >= 0:
            logits[row, example.inquiry_type] += 2
        if example.sentiment >= 0:
            logits[row, 5 + example.sentiment] += 2
        logits[row, 8] += 2 * example.actionable - 1
    return logits


@pytest.fixture
def report(data: Path) -> Report:
    calibration = Calibration()
    challenge, real, public = read_challenge(), real_validation(data), umsab(data, "test")
    said = logits_for(real, 2)
    against = {"real_validation": parity(said, said + np.float32(0.01), real, calibration)}
    both = {"model.safetensors": against, "checkpoint": against}
    return {
        "model": {
            "name": "tiny", "version": "2026.01.02-abc", "max_tokens": 32, "parameters": 1234567, "layers": 1,
            "hidden_size": 32, "feed_forward": 960, "vocabulary": 12,
        },
        "served": {
            "megabytes": 1.5, "checkpoint_megabytes": 3.1, "load_seconds": 0.2, "texts_per_second_one_core": 321.0,
            "machine": "a processor",
        },
        "challenge": challenge_report(logits_for(challenge.examples, 1), challenge, calibration),
        "real_validation": validation_report(said, real),
        "umsab_test": sentiment_report(logits_for(public, 3), public, calibration),
        "parity": both,
        "parity_largest_change": {name: largest_changes(parts) for name, parts in both.items()},
        "data": counts(data),
    }  # fmt: skip


def test_the_card_is_rendered_from_the_folder_alone(report: Report, tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text(json.dumps(report))
    card.write_card(tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "$" not in text.replace("US$", "")
    for picture in re.findall(r"\]\((\w+\.svg)\)", text):
        assert (tmp_path / picture).read_text(encoding="utf-8").startswith("<?xml")
    own = report["real_validation"]["inquiry_type"]["all"]
    assert f"**{own['macro_f1']:.1f} [{own['macro_f1_95'][0]} – {own['macro_f1_95'][1]}]**" in text
    assert "1.2 M parameters" in text
    assert report["challenge"]["mistakes"][0]["text"] in text
    widths = [line.count("|") - line.count("\\|") for line in text.splitlines() if line.startswith("|")]
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) >= 15
    assert sum(len(table.splitlines()) for table in tables) == len(widths)
    for table in tables:
        assert len({line.count("|") - line.count("\\|") for line in table.splitlines()}) == 1, table


def test_a_hub_reads_its_front_matter(report: Report) -> None:
    _, front, _ = card.render(report, [], recipe.read()).split("---\n", 2)
    read = yaml.safe_load(front)
    assert read["language"] == ["es", "pt", "en"]
    assert (read["license"], read["pipeline_tag"]) == ("apache-2.0", "text-classification")
    index = read["model-index"][0]
    assert index["name"] == "tiny"
    values = {(r["dataset"]["split"], m["type"]): m["value"] for r in index["results"] for m in r["metrics"]}
    assert values["validation", "accuracy"] == report["real_validation"]["inquiry_type"]["all"]["accuracy"]
    assert len(index["results"]) == 3


def test_sets_that_were_not_at_hand_are_said_to_be_missing(report: Report) -> None:
    del report["real_validation"], report["umsab_test"]
    text = card.render(report, draw(report, Path()), recipe.read())
    assert text.count(card.NOT_MEASURED) >= 5
    assert "not measured" in text


def test_aims_are_judged_by_the_figures(report: Report) -> None:
    aims = [
        {"says": "size", "figure": "served.megabytes", "at_most": 1.0, "note": "Halve it."},
        {"says": "speed", "figure": "served.texts_per_second_one_core", "at_least": 300},
        {"says": "other", "figure": "real_validation.inquiry_type.nothing es.accuracy", "at_least": 1},
    ]
    assert card.missed(report, aims) == "- size: misses by 0.5. Halve it."
    size, speed, other = card.aims_table(report, aims).splitlines()[2:]
    assert "**no**" in size
    assert "| yes |" in speed
    assert "not measured" in other


def test_every_aim_names_a_figure_that_evaluations_have(report: Report) -> None:
    unknown = [aim["figure"] for aim in card.listed("aims") if card.figure_of(report, aim["figure"]) is None]
    levels = [figure for figure in unknown if ".levels." in figure]
    assert unknown == levels, "a level that no row got has no figures"


def test_pictures_are_the_same_for_the_same_figures(report: Report, tmp_path: Path) -> None:
    names = draw(report, tmp_path)
    before = [(tmp_path / name).read_bytes() for name in names]
    draw(report, tmp_path)
    assert [(tmp_path / name).read_bytes() for name in names] == before
    assert names == ["reliability.svg", "confusion.svg", "f1.svg"]


def test_sources_are_told_with_their_rows() -> None:
    sources: list[Report] = [
        {"name": name, "rows": rows, "labels": "all", "licence": "MIT"} for name, rows in (("a", "ibm"), ("b", "gone"))
    ]
    table = card.sources_table({"data": {"ibm": 1070}}, [*sources, {"name": "c", "labels": "–", "licence": "MIT"}])
    assert [line.split(" | ")[1] for line in table.splitlines()[2:]] == ["1,070", "–", "–"]
