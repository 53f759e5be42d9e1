from pathlib import Path

import pytest

from services.classify.language import identify


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("llevo dos horas esperando y nadie me contesta", "es"),
        ("não consigo entrar na minha conta, alguém me ajuda?", "pt"),
        ("my parcel still has not arrived, where is it", "en"),
        ("QUE VERGÜENZA DE SERVICIO, SEÑORES", "es"),
        ("@Banco_Sol https://example.com/hello-there não funciona de jeito nenhum", "pt"),
    ],
)
def test_the_served_languages(text: str, language: str) -> None:
    assert identify(text) == language


@pytest.mark.parametrize(
    "text", ["", "👍👍", "@TheBank @OtherBank", "https://example.com/this-is-english", "1234 !", "ok"]
)
def test_nothing_to_read(text: str) -> None:
    assert identify(text) == "und"


@pytest.mark.parametrize(
    "text",
    [
        line.split("\t")[1]
        for line in Path(__file__).with_name("data").joinpath("other-languages.tsv").read_text("utf-8").splitlines()
    ],
)
def test_other_languages_are_not_taken_for_a_served_one(text: str) -> None:
    assert identify(text) == "und"


@pytest.mark.parametrize("text", ["literal el worst service ever, nunca más", "gracias bro, u r the best"])
def test_und_rather_than_a_guess_where_languages_mix(text: str) -> None:
    assert identify(text) == "und"


@pytest.mark.parametrize(
    ("hint", "language"),
    [
        ("pt", "pt"),
        ("pt-BR", "pt"),
        ("ES_419", "es"),
        (" en ", "en"),
        ("fr-CA", "fr"),
        ("CA", "ca"),
        ("yue-Hant", "yue"),
    ],
)
def test_what_the_platform_says_wins(hint: str, language: str) -> None:
    assert identify("my parcel still has not arrived", hint) == language


@pytest.mark.parametrize("hint", ["", "und", "zxx", "mul", "qme", "qht", "qam", "art", "???", "Spanish", "e"])
def test_a_hint_that_names_no_language_counts_as_none(hint: str) -> None:
    assert identify("my parcel still has not arrived, where is it", hint) == "en"
