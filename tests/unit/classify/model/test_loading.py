import builtins
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.classify.model.base import ModelError
from services.classify.model.loading import load_model


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def refusal(location: Path | str, backend: str = "onnx") -> str:
    with pytest.raises(ModelError) as caught:
        load_model(str(location), backend, threads=1)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    assert "set CLASSIFY_MODEL" in refusal(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.onnx"])
def test_a_missing_file_is_named(broken: Path, name: str) -> None:
    (broken / name).unlink()
    assert name in refusal(broken)


def test_a_checkpoint_is_not_an_exported_model(checkpoint: Path) -> None:
    assert "CLASSIFY_BACKEND=torch" in refusal(checkpoint)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.onnx"])
def test_a_spoilt_file_is_named(broken: Path, name: str) -> None:
    (broken / name).write_bytes(b"spoilt")
    assert name in refusal(broken)


def test_another_architecture_is_refused(broken: Path) -> None:
    rewrite(broken / "config.json", lambda config: config.update(architecture="BertForMaskedLM"))
    assert "architecture" in refusal(broken)


def test_other_labels_are_refused(broken: Path) -> None:
    rewrite(broken / "config.json", lambda config: config.update(sentiments=["bad", "good"]))
    assert "other labels (complaint, feedback, recommendation, technical, answer; bad, good)" in refusal(broken)


def test_an_unknown_part_of_the_config_is_refused(broken: Path) -> None:
    rewrite(broken / "config.json", lambda config: config.update(temprature=2))
    assert "temprature" in refusal(broken)


def test_no_threads_are_refused(exported: Path) -> None:
    with pytest.raises(ModelError, match="at least one thread"):
        load_model(str(exported), "onnx", threads=0)


def test_torch_without_its_extra(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def no_torch(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "torch":
            raise ImportError("No module named 'torch'")
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "services.classify.model.torch")
    monkeypatch.delattr("services.classify.model.torch")
    monkeypatch.setattr(builtins, "__import__", no_torch)
    assert 'pip install "mention-triage[torch]"' in refusal(checkpoint, "torch")


def test_torch_with_no_such_folder(tmp_path: Path) -> None:
    assert "not a checkpoint folder or hub id" in refusal(tmp_path, "torch")


def test_torch_with_a_checkpoint_of_something_else(checkpoint: Path, tmp_path: Path) -> None:
    for file in checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    rewrite(tmp_path / "config.json", lambda config: config.pop("triage"))
    assert "not a mention-triage model" in refusal(tmp_path, "torch")
