"""What is found in texts, and what is left alone; the figures of the whole test set are in docs/personal-data.md."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.personal_data import marked_texts, score
from mention_triage.v1.classification_pb2 import PersonalDataKind
from services.classify.personal_data.detect import find
from services.classify.personal_data.finding import Kind, redact
from services.classify.personal_data.regions import regions_of

ROWS = list(marked_texts())
MENTIONS = Path(__file__).parents[3] / "data" / "mentions"


def redacted(text: str, tag: str = "es") -> str:
    """The text as it travels on."""
    return redact(text, find(text, regions_of(tag, tag[:2])))


def test_the_kinds_are_the_contracts() -> None:
    names = [f"PERSONAL_DATA_KIND_{kind.name}" for kind in Kind]
    assert PersonalDataKind.keys()[1:] == names


@pytest.mark.parametrize("stated", [True, False], ids=["country stated", "only the language known"])
def test_the_test_set(stated: bool) -> None:
    counts = score(ROWS, stated=stated)
    assert counts.precision() >= 0.98
    assert counts.recall() >= 0.97
    for kind in Kind:
        found, false = counts.right[kind], counts.false[kind]
        assert found / (found + false) >= 0.95, kind
        assert found / (found + counts.missed[kind]) >= 0.95, kind


def test_hardly_anything_is_found_in_mentions_that_hold_hardly_anything() -> None:
    mentions = [json.loads(line) for path in MENTIONS.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    found = [kind for each in mentions for kind, _, _ in find(each["text"], regions_of("", each["lang"]))]
    assert len(found) <= 0.003 * len(mentions)
    assert {Kind.CARD, Kind.IBAN, Kind.BANK_ACCOUNT, Kind.PHONE, Kind.PASSPORT}.isdisjoint(found)


PIECES = st.sampled_from([piece for row in ROWS for piece in re.findall(r"\w+|\W+", row.text)])

ODD = st.sampled_from([*"\u0301\u200b\u202a\u00a0\u2011１９𝟗\t\x01\x00👍🏽", "  ", " – ", "👩\u200d👧"])


@given(pieces=st.lists(st.one_of(PIECES, ODD, st.text(max_size=3)), max_size=25))
def test_findings_are_in_order_without_overlaps_and_nothing_else_changes(pieces: list[str]) -> None:
    text = "".join(pieces)
    findings = find(text, regions_of("", "es"))
    left, end = redact(text, findings), 0
    for each in findings:
        assert end <= each.start < each.end
        end = each.end
        assert f"[{each.kind}]" in left
        left = left.replace(f"[{each.kind}]", text[each.start : each.end], 1)
    assert left == text


@pytest.mark.parametrize(
    ("text", "tag", "expected"),
    [
        # Links, handles and hashtags stay as they are, beside what is found.
        (
            "@banco https://b.example/p?tel=5512345678 #dni30111222 mi cel 55 5512 3478",
            "es-MX",
            "@banco https://b.example/p?tel=5512345678 #dni30111222 mi cel [phone]",
        ),
        # Everybody may know a number that is free of charge, and one that the customer called.
        ("mi fono 0800 555 1234, y llamé al 11 4555-0123", "es-AR", "mi fono 0800 555 1234, y llamé al 11 4555-0123"),
        ("llámenme al 11 4555-0123", "es-AR", "llámenme al [phone]"),
        # The nearest word says what a number is.
        ("dni 30111222, pedido 30111223", "es", "dni [national_id], pedido 30111223"),
        ("pedido 30111223 y mi dni es 30111222", "es", "pedido 30111223 y mi dni es [national_id]"),
        ("30111222 es mi dni", "es", "[national_id] es mi dni"),
        # Check digits decide where there are any.
        ("cpf 529.982.247-25", "pt", "cpf [national_id]"),
        ("cpf 529.982.247-26", "pt", "cpf 529.982.247-26"),
        ("4111 1111 1111 1111", "en", "[card]"),
        ("4111 1111 1111 1112", "en", "4111 1111 1111 1112"),
        # Placeholders are nobody's.
        ("cpf 000.000.000-00, cep 00000-000", "pt", "cpf 000.000.000-00, cep 00000-000"),
        # Words after an IBAN are not part of it.
        ("ES91 2100 0418 4502 0005 1332 es la mía", "es", "[iban] es la mía"),
        # An amount, a date or a round number is no account and no document, whatever is named before it.
        ("en mi cuenta de ahorros tenía 2.500.000 y 12500000 pesos", "es-CO", None),
        ("abrí cuenta bancaria el 20250312 y la cerré el 12-03-2025", "es-AR", None),
        ("me piden cédula para pagar 1.200.000", "es-CO", None),
        ("desembolsaron 11.340.000 de 12 millones", "es", None),
        ("account balance is 123456789 points", "en-US", None),
        # What a form asks stands above the answer; a list needs no names.
        ("DNI:\n28456123\nPedido:\n28456124", "es-AR", "DNI:\n[national_id]\nPedido:\n28456124"),
        ("Mi cel es\n5541239087", "es-MX", "Mi cel es\n[phone]"),
        ("Rosa / 5541239087 / r@example.com", "es-MX", "Rosa / [phone] / [email]"),
        ("dni 30111222 1155667788", "es-AR", "dni [national_id] [phone]"),
        ("3035550142 is my number", "en-US", "[phone] is my number"),
        ("8112345678 ese es mi cel", "es-MX", "[phone] ese es mi cel"),
        ("mi numero d cuenta es 4471-2098-33", "es", "mi numero d cuenta es [bank_account]"),
        # Mexico's mobiles as address books still have them.
        ("+52 1 55 4123 9087", "es-MX", "[phone]"),
        # A tag may say how an app was set up, not where its user is.
        ("mi cel 55 4123 9087", "es-ES", "mi cel [phone]"),
        # Who called is not the customer.
        ("me llaman del 011 4321-0000 para venderme cosas", "es-AR", None),
        ("scam calls from 415-555-2671", "en-US", None),
        # A year, a crossing or a shop is no house.
        ("o R. Silva 2023, en calle Morelos y 5 de Febrero", "es", None),
        ("el AVE 03152 sale tarde, el paseoMar 12 también", "es-ES", None),
        ("to 3 Hill Street stores, a 2 Hour Drive", "en-US", None),
        # A mailbox of a role is a brand's.
        ("de soporte@example.com a ana.p@example.com", "es", "de soporte@example.com a [email]"),
        # A shop's address is everybody's.
        ("su tienda de Calle Mayor 45, yo en Calle Mayor 54", "es", "su tienda de Calle Mayor 45, yo en [address]"),
        # A code by itself is nothing; named as one it opens a booking.
        ("X7K2LM", "es", "X7K2LM"),
        ("localizador X7K2LM", "es", "localizador [booking]"),
    ],
)  # fmt: skip
def test_rules(text: str, tag: str, expected: str | None) -> None:
    """`expected` None: the text as it is."""
    assert redacted(text, tag) == (text if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Accents of their own, joined emoji, flags and skin tones are several characters, and stay where they are.
        ("👨\u200d👩🏽 🇲🇽 n\u0303o: 4111 1111 1111 1111 e\u0301 👍🏽", "👨\u200d👩🏽 🇲🇽 n\u0303o: [card] e\u0301 👍🏽"),
        ("ce\u0301dula 79854123 e\u0301l", "ce\u0301dula [national_id] e\u0301l"),
        ("ma.garci\u0301a@example.com", "[email]"),
        # As banks, address books and keyboards of phones write it.
        ("４１１１\u3000１１１１\u3000１１１１\u3000１１１１！", "[card]！"),
        ("𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏", "[card]"),
        ("4111\u00a01111\u00a01111\u00a01111", "[card]"),
        ("4111\u20131111\u20131111\u20131111", "[card]"),
        ("4111  1111  1111  1111 y 4111 - 1111 - 1111 - 1111", "[card] y [card]"),
        ("4111\u200b1111\ufeff1111\u00ad1111\u200b.", "[card]\u200b."),
        ("tel \u202a+52 55 4123 9087\u202c ya", "tel \u202a[phone]\u202c ya"),
        ("cel\t55\u201141239087", "cel\t[phone]"),
        # What stands for something found already is only that.
        ("dni\x01 30111222", "dni\x01 [national_id]"),
    ],
)  # fmt: skip
def test_a_text_is_redacted_where_it_stands_however_it_is_typed(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize("text", ["", "hola", "👍", "\0\1", "1", "a@b", "@", "calle", "12 ", "١٢٣٤٥٦٧", "²³¹²³⁴⁵"])
def test_nothing_to_find(text: str) -> None:
    assert redacted(text) == text


def test_the_country_of_a_tag_and_those_of_the_language() -> None:
    assert regions_of("es-MX", "pt") == ("MX", "BR", "PT")
    assert set(regions_of("zh-Hant-TW", "und")) > {"TW", "BR", "US"}
    assert regions_of("pt_PT", "pt") == ("PT", "BR")
    assert regions_of("pt", "pt") == ("BR", "PT")
    assert set(regions_of("es-419", "es")) > {"MX", "AR", "ES"}
    assert set(regions_of("", "und")) > {"MX", "BR", "US"}


@pytest.mark.parametrize(
    "text",
    ["1-" * 5000, "1 " * 5000, "w-" * 5000, "a.b.c." * 1700, "tel 5512345678 " * 600, "calle Aa " * 1100, "(1)" * 3000],
)
def test_long_texts_of_nothing_but_marks_end(text: str) -> None:
    findings = find(text, regions_of("", "es"))
    assert len(findings) in (0, 600)
