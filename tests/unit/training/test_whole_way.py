"""From a tiny base to a served, measured and described folder: all steps, as `make train` takes them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from services.classify.model.base import ModelInput
from training.calibrate import calibrate
from training.data import real_validation
from training.evaluate import evaluate
from training.plan import Plan
from training.progress import Forecast
from training.recipe import Stage
from training.scoring import logits_of, reference, served
from training.steps import run, steps_of


@pytest.mark.slow
def test_the_steps_make_a_model_that_is_served_measured_and_described(
    plan: Plan, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = Stage(
        name="third", epochs=1, rate=1e-3, seeds=(1,), tweeteval_rows=0, teachers=("first", "second"), width=16
    )  # fmt: skip
    plan = replace(plan, recipe=plan.recipe.model_copy(update={"stages": (*plan.recipe.stages, last)}))
    model = Path(run(plan, steps_of(plan, Forecast(0))))
    assert "[9/9] card: done" in capsys.readouterr().out
    files = {path.name for path in model.iterdir()}
    assert {"README.md", "evaluation.json", "model.safetensors", "tokenizer.json", "reliability.svg"} <= files
    one, other = served(model), reference(model, 1)
    assert (one.name, one.version) == ("tiny", other.version)
    assert one.version != "uncalibrated"
    assert one.config.calibration.inquiry_type.bias
    examples = real_validation(data)
    assert logits_of(one, examples) == pytest.approx(logits_of(other, examples), abs=0.3)
    report = json.loads((model / "evaluation.json").read_text())
    assert report["model"]["version"] == one.version
    assert report["real_validation"]["rows"] == 120
    assert set(report["parity"]) == {"model.safetensors", "checkpoint"}
    for parts in report["parity"].values():
        assert set(parts) == {"challenge", "real_validation", "umsab_val", "umsab_test"}
        assert parts["real_validation"]["all"]["same_label"]["sentiment"] > 90
    assert report["data"]["mentions"] == 120

    version = one.version
    (data / "real-validation/validation.jsonl").write_text(
        "\n".join((data / "real-validation/validation.jsonl").read_text().splitlines()[:60])
    )
    calibrate(model, data)
    assert served(model).version != version, "another calibration is another version"
    assert served(model).predict(one.encode([ModelInput("mal hola")]))
    assert set(evaluate(model)) == {"model", "served", "challenge", "parity", "parity_largest_change"}
