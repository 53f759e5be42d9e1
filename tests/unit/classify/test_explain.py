from collections.abc import Sequence

import pytest

from services.classify.explain import MAX_SPANS, explain, spans
from services.classify.model.base import ModelInput, Prediction
from services.classify.model.input import MAX_CHARACTERS
from tests.support.word_model import WordModel


def words(text: str, most: int = MAX_SPANS) -> list[str]:
    return [text[span.start : span.end] for span in spans(text, most)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@TelAndes ¿nadie contesta?", ["@TelAndes", "¿", "nadie", "contesta", "?"]),
        ("it's v8.4.22, ok!!!", ["it's", "v8.4.22", ",", "ok", "!!!"]),
        ("ver https://a.example/b?c=1 #SinLuz 😡😡 ya", ["ver", "https://a.example/b?c=1", "#SinLuz", "😡😡", "ya"]),
        ("HTTPS://A.EXAMPLE/B", ["HTTPS://A.EXAMPLE/B"]),
        ("atencio\u0301n, man\u0303ana", ["atencio\u0301n", ",", "man\u0303ana"]),  # as some keyboards compose
        ("", []),
        (" \n ", []),
    ],
)
def test_words_links_handles_and_rows_of_signs_stand_alone(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_many_words_go_together_and_none_is_left_out() -> None:
    text = " ".join(f"w{number}" for number in range(150))
    grouped = words(text)
    assert grouped[0] == "w0 w1 w2"
    assert " ".join(grouped) == text
    assert len(grouped) == 50
    assert len(words(" ".join("a" * 128))) == MAX_SPANS


def test_what_the_model_does_not_read_is_not_tried() -> None:
    assert spans("a " * MAX_CHARACTERS)[-1].end <= MAX_CHARACTERS


async def explained(given: ModelInput, model: WordModel) -> list[tuple[str, float, float]]:
    async def predict(variants: Sequence[ModelInput]) -> list[Prediction]:
        return model.predict(model.encode(variants))

    (prediction,) = await predict([given])
    found = await explain(given, prediction, predict)
    parts = [(given.text[span.start : span.end], part) for span, part in found.words]
    if found.parent is not None:
        parts.append(("(parent)", found.parent))
    return [(name, part.inquiry_type, part.sentiment) for name, part in parts]


async def test_each_word_gets_what_it_adds_to_the_predicted_labels() -> None:
    model = WordModel()
    found = await explained(ModelInput("Nadie arregla mi internet , gracias"), model)
    assert found == [
        ("Nadie", 1.0, 1.5),
        ("arregla", 0.0, 0.0),
        ("mi", 0.0, 0.0),
        ("internet", 2.0, 0.5),
        (",", 0.0, 0.0),
        ("gracias", -1.5, -2.0),
    ]
    assert len(model.asked) == 7


async def test_words_against_the_label_count_below_zero() -> None:
    gracias, internet = await explained(ModelInput("gracias internet"), WordModel())
    assert gracias == ("gracias", -1.5, 2.0)  # neutral: what speaks against negative speaks for it
    assert internet == ("internet", 2.0, -0.5)


async def test_the_message_replied_to_is_a_part_of_its_own() -> None:
    given = ModelInput("internet", is_reply=True, parent_text="¿cuándo? gracias")
    assert (await explained(given, WordModel()))[-1] == ("(parent)", -2.0, 2.0)


async def test_a_certain_label_has_finite_parts() -> None:
    async def predict(variants: Sequence[ModelInput]) -> list[Prediction]:
        return [Prediction((0.0, 1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 1.0) for _ in variants]

    certain = Prediction((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0), 1.0)
    ((_, part),) = (await explain(ModelInput("ya"), certain, predict)).words
    assert (part.inquiry_type, part.sentiment) == (19.81, 0.0)


async def test_nothing_to_read_is_nothing_to_explain() -> None:
    assert await explained(ModelInput(""), WordModel()) == []
