"""The command: it refuses what cannot work before it spends time on it, and says what to do."""

from pathlib import Path

import pytest

from training import calibrate, evaluate, recipe
from training.__main__ import main
from training.plan import Plan
from training.progress import Forecast, duration


def start(base: Path, data: Path, out: Path, settings: Path = recipe.DEFAULT, again_from: str = "") -> None:
    main(str(base), data, out, settings, again_from, pieces=50_000, threads=1)


def test_a_base_that_is_none(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match=r"empty is not a base: neither a folder with tokenizer.json"):
        start(tmp_path / "empty", data, tmp_path / "out")
    said = capsys.readouterr().out
    assert "rows to train on, about" in said
    assert "] base: cut the vocabulary" in said


def test_public_sets_that_are_absent_are_named(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "public/umsab_es_pt_en.jsonl").unlink()
    with pytest.raises(SystemExit, match=r"no step finish: --from takes one of base, .*, export, calibrate"):
        start(tmp_path, data, tmp_path / "out", again_from="finish")
    assert "without public/umsab_es_pt_en.jsonl, which is not there" in capsys.readouterr().out


def test_data_that_is_not_there(base: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"error: there is no folder .*nowhere: pass DATA"):
        start(base, tmp_path / "nowhere", tmp_path / "out")


def test_a_recipe_with_a_slip(base: Path, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(recipe.DEFAULT.read_text(encoding="utf-8").replace("warm_up", "warmup"))
    with pytest.raises(SystemExit, match=r"mine.toml: warm_up: Field required; warmup: Extra inputs"):
        start(base, data, tmp_path / "out", settings=path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (({"teachers": ("second",)}, {}), "teachers of first are no earlier stages: second"),
        (({"width": 16}, {}), "first is the first stage: only what an earlier one has trained has a width"),
        (({}, {"width": 16, "averaged": ("first", "second")}), "averaged names stages of different widths"),
        (({}, {"averaged": ("third",)}), "averaged names no stage: third"),
    ],
)
def test_a_recipe_whose_stages_do_not_fit(plan: Plan, changes: tuple[dict[str, object], ...], said: str) -> None:
    averaged = changes[1].pop("averaged", ())
    stages = [stage.model_dump() | change for stage, change in zip(plan.recipe.stages, changes, strict=True)]
    with pytest.raises(ValueError, match=said):
        recipe.Recipe.model_validate(plan.recipe.model_dump() | {"stages": stages, "averaged": averaged})


def test_a_network_does_not_grow_again(plan: Plan) -> None:
    stages = [plan.recipe.stages[0].model_dump()]
    stages += [stages[0] | {"name": name, "width": width} for name, width in (("second", 8), ("third", 16))]
    with pytest.raises(ValueError, match="third has 16 neurons, and the stage before left only 8"):
        recipe.Recipe.model_validate(plan.recipe.model_dump() | {"stages": stages})


def test_calibrating_by_too_few_posts(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"error: .*real-validation has 0 labelled rows.*at least 100"):
        calibrate.main(tmp_path, tmp_path)


def test_what_is_no_exported_folder(tmp_path: Path, data: Path) -> None:
    with pytest.raises(SystemExit, match=r"error: there is no model folder .*nowhere"):
        calibrate.main(tmp_path / "nowhere", data)
    with pytest.raises(SystemExit, match=r"error: there is no model folder .*nowhere"):
        evaluate.main(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (89, "89 s"), (91, "2 min"), (3600, "60 min"), (6000, "1 h 40 min")]
)
def test_durations_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_forecast_is_silent_before_the_first_rows() -> None:
    forecast = Forecast(1000)
    assert forecast.left() == "?"
    forecast.skip(500)
    forecast.add(500)
    assert forecast.left() == "0 s"


def test_a_forecast_counts_what_is_trained_and_not_what_comes_before_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("training.progress.time.monotonic", lambda: now)
    forecast = Forecast(300)
    now = 1_000  # teachers were asked
    forecast.start()
    now = 1_010
    forecast.add(100)
    assert forecast.left() == "20 s"
