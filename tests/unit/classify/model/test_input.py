from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from services.classify.model.base import ModelError, ModelInput
from services.classify.model.input import MAX_CHARACTERS, normalise, segments
from services.classify.model.template import encode


@pytest.fixture
def tokenizer(checkpoint: Path) -> Tokenizer:
    return Tokenizer.from_file(str(checkpoint / "tokenizer.json"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("  two\n\n lines\tand   more ", "two lines and more"),
        ("see https://example.com/a?b=c#d now", "see http now"),
        ("see www.example.com", "see http"),
        ("@Banco_Sol y @tu.amiga: hola", "@user y @user: hola"),
        ("write to ana@example.com", "write to ana@example.com"),
        ("ca\u0301lido", "cálido"),
        ("fish &amp; chips &lt;3", "fish & chips <3"),
        ("❤\ufe0f ok\u200b", "❤ ok"),
        ("@ 5pm", "@ 5pm"),
        ("", ""),
    ],
)
def test_normalise(written: str, read: str) -> None:
    assert normalise(written) == read


def test_normalise_is_stable_and_bounded() -> None:
    once = normalise("@Sol &amp; https://example.com " * 200)
    assert normalise(once) == once
    assert len(normalise("x" * (MAX_CHARACTERS + 1))) == MAX_CHARACTERS


@pytest.mark.parametrize(
    ("given", "context"),
    [
        (ModelInput("hi"), ""),
        (ModelInput("hi", parent_text="ignored, as it is no reply"), ""),
        (ModelInput("hi", is_reply=True), "reply:"),
        (ModelInput("hi", True, "What is @your order?"), "reply: What is @user order?"),
        (ModelInput("hi", True, "What is it?", parent_by_brand=True), "reply: What is it?"),
        (ModelInput("hi", True, "same here", parent_by_brand=False), "to user: same here"),
        (ModelInput("hi", platform="x", kind="post"), ""),
        (ModelInput("hi", platform="twitter", kind="post"), ""),
        (ModelInput("hi", platform="app_store", kind="review"), "app store review:"),
        (
            ModelInput("hi", True, "New colours!", platform="instagram", kind="comment"),
            "instagram comment reply: New colours!",
        ),
        (ModelInput("hi", platform="whatsapp", kind="direct_message"), "whatsapp message:"),
    ],
)
def test_context(given: ModelInput, context: str) -> None:
    assert segments(given) == ("hi", context)


def test_ids_of_a_text_and_of_a_reply(tokenizer: Tokenizer) -> None:
    the, app = tokenizer.token_to_id("the"), tokenizer.token_to_id("app")
    inputs = [ModelInput("the app"), ModelInput("app", True, "the"), ModelInput("")]
    plain, reply, empty = encode(tokenizer, inputs, 16)
    assert plain == (0, the, app, 2)
    assert reply == (0, app, 2, 2, tokenizer.token_to_id("<unk>"), the, 2)  # "reply:" is one word
    assert empty == (0, 2)


def test_the_text_has_priority_over_its_context(tokenizer: Tokenizer) -> None:
    (long_text,) = encode(tokenizer, [ModelInput("the " * 30, True, "app " * 30)], 16)
    assert len(long_text) == 16
    assert tokenizer.token_to_id("app") not in long_text
    (long_context,) = encode(tokenizer, [ModelInput("the " * 5, True, "app " * 30)], 16)
    assert len(long_context) == 16
    assert long_context.count(tokenizer.token_to_id("the")) == 5


def test_a_tokenizer_of_another_kind_is_refused() -> None:
    other = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    with pytest.raises(ModelError, match="no <s>"):
        encode(other, [ModelInput("hi")], 16)
