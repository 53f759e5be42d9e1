import builtins
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from services.classify.model.base import Backend, ModelError, ModelInput
from services.classify.model.loading import load_model


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def refusal(location: Path | str, backend: str = "auto") -> str:
    with pytest.raises(ModelError) as caught:
        load_model(str(location), backend, threads=1)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    assert "set CLASSIFY_MODEL" in refusal(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "openvino_model.bin"])
def test_a_missing_file_is_named(broken: Path, name: str) -> None:
    (broken / name).unlink()
    assert name in refusal(broken)


def test_a_checkpoint_is_not_an_exported_model(checkpoint: Path) -> None:
    assert "CLASSIFY_BACKEND=torch" in refusal(checkpoint, "openvino")


def test_what_is_loaded_by_itself(checkpoint: Path, exported: Path) -> None:
    """The exported file where there is one, else the checkpoint."""
    ids = [(0, 4, 5, 2)]
    for folder, backend in ((exported, "openvino"), (checkpoint, "torch")):
        chosen, named = load_model(str(folder), "auto", 1), load_model(str(folder), backend, 1)  # type: ignore[arg-type]
        assert np.array_equal(chosen.logits(ids), named.logits(ids))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "openvino_model.xml"])
def test_a_spoilt_file_is_named(broken: Path, name: str) -> None:
    (broken / name).write_bytes(b"spoilt")
    assert name in refusal(broken)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda config: config.pop("triage"), "triage: Input should be"),
        (lambda config: config["triage"].pop("name"), "triage.name: Field required"),
        (lambda config: config["triage"].update(temprature=2), "triage.temprature: Extra"),
        (lambda config: config["triage"].update(max_tokens=4), "triage.max_tokens: "),
        (
            lambda config: config["triage"]["calibration"].update(sentiment={"bias": [0.1]}),
            "sentiment has 1 numbers in `bias`, not none or 3",
        ),
        (lambda config: config.pop("pad_token_id"), "no `pad_token_id`"),
    ],
)
def test_a_wrong_config_is_refused(broken: Path, change: Callable[[dict[str, Any]], None], said: str) -> None:
    rewrite(broken / "config.json", change)
    assert said in refusal(broken)


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_a_tokenizer_that_pads_and_cuts_by_itself(broken: Path, backend: Backend) -> None:
    """Many tokenizer.json do: what a text becomes must not depend on the texts beside it, nor on that limit."""
    texts = [ModelInput("tengo un problema"), ModelInput("no " * 10)]
    expected = load_model(str(broken), backend, threads=1).encode(texts)
    tokenizer = Tokenizer.from_file(str(broken / "tokenizer.json"))
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")
    tokenizer.enable_truncation(5)
    tokenizer.save(str(broken / "tokenizer.json"))
    assert load_model(str(broken), backend, threads=1).encode(texts) == expected


def test_a_config_that_is_no_object_is_refused(broken: Path) -> None:
    (broken / "config.json").write_text("[]")
    assert "not a JSON object" in refusal(broken)


def test_no_threads_are_refused(exported: Path) -> None:
    with pytest.raises(ModelError, match="at least one thread"):
        load_model(str(exported), "auto", threads=0)


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
    assert "neither a folder with a config.json nor a hub id" in refusal(tmp_path, "torch")
