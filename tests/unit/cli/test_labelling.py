import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from services.classify.model.base import Levels, ModelInput, Prediction, TokenIds
from services.cli import labelling
from tests.unit.cli.conftest import Run


class CountingModel:
    """Says complaint for texts of an even length, feedback for odd ones; knows what it was asked."""

    name, version, threads = "counting", "1", 1

    def __init__(self) -> None:
        self.seen: list[ModelInput] = []

    def encode(self, inputs: Sequence[ModelInput]) -> list[TokenIds]:
        self.seen += inputs
        return [(len(given.text),) for given in inputs]

    def predict(self, batch: Sequence[TokenIds]) -> list[Prediction]:
        even, odd = (0.6, 0.1, 0.1, 0.1, 0.1), (0.1, 0.6, 0.1, 0.1, 0.1)
        return [Prediction(odd if ids[0] % 2 else even, (0.2, 0.7, 0.1), 0.9) for ids in batch]

    def levels(self, prediction: Prediction) -> Levels:
        return Levels("high", "medium", "low")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> CountingModel:
    made = CountingModel()
    monkeypatch.setattr(labelling, "load_model", lambda *_: made)
    return made


@pytest.fixture
def label(run: Run, tmp_path: Path) -> Any:
    """Label lines; gives the command's result."""

    def label_lines(*lines: str, options: Sequence[str] = ()) -> Any:
        file = tmp_path / "lines.jsonl"
        file.write_text("\n".join(lines))
        return run("classify", str(file), *options)

    return label_lines


def test_every_line_gets_what_the_api_says(label: Any, model: CountingModel) -> None:
    done = label('{"id": "a", "text": "hola"}', '{"text": "hey", "language": "en"}')
    assert done.exit_code == 0, done.stderr
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert (first["index"], first["id"]) == (0, "a")
    assert (second["index"], second["id"]) == (1, None)
    assert first["classification"]["inquiry_type"] == {
        "label": "complaint",
        "probabilities": {"complaint": 0.6, "feedback": 0.1, "recommendation": 0.1, "technical": 0.1, "answer": 0.1},
    }
    assert first["classification"]["model"] == {"name": "counting", "version": "1"}
    assert first["classification"]["confidence"] == {"inquiry_type": "high", "sentiment": "medium", "actionable": "low"}
    assert second["classification"]["inquiry_type"]["label"] == "feedback"
    assert second["classification"]["language"] == "en"


def test_the_model_sees_what_is_replied_to(label: Any, model: CountingModel) -> None:
    label(
        '{"text": "hecho", "in_reply_to": {"id": "1", "by_brand": true, "text": "¿Reiniciaste?"}}',
        '{"text": "listo", "kind": "reply", "platform": "instagram"}',
        '{"text": "nada", "kind": null, "author": {"id": "a"}, "anything": [1]}',
    )
    assert model.seen[-3:] == [  # what was before is the warm-up
        ModelInput("hecho", is_reply=True, parent_text="¿Reiniciaste?", parent_by_brand=True),
        ModelInput("listo", is_reply=True, platform="instagram", kind="reply"),
        ModelInput("nada"),
    ]


def test_wrong_lines_are_named_and_do_not_stop_the_rest(label: Any, model: CountingModel) -> None:
    done = label("no json", "", '{"id": "x"}', '{"text": 5}', "[]", '{"id": "y", "text": "hola"}')
    assert done.exit_code == 1
    assert [(row["index"], row["id"]) for row in map(json.loads, done.stdout.splitlines())] == [(4, "y")]
    for part in (
        "line 1: Invalid JSON",
        "line 3: text: Field required",
        "line 4: text: Input",
        "line 5:",
        "4 lines could not",
    ):
        assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_many_lines_keep_their_order(label: Any, model: CountingModel) -> None:
    done = label(*(json.dumps({"id": n, "text": "x" * (n % 60 + 1)}) for n in range(1_000)))
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == list(range(1_000))


def test_a_readable_table(label: Any, model: CountingModel) -> None:
    done = label('{"id": "a", "text": "hola\\u001b[2J"}', options=["--table"])
    assert done.stdout.split() == [
        "a",
        "complaint",
        "60%",
        "high",
        "neutral",
        "70%",
        "to",
        "act",
        "on",
        "und",
        "hola",
        "[2J",
    ]


def test_a_missing_model_is_one_clear_line(label: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLASSIFY_MODEL", str(tmp_path / "nothing"))
    done = label('{"text": "hola"}')
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert str(tmp_path / "nothing") in done.stderr
