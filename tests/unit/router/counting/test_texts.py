"""Which texts are copies, and what links and tags they hold."""

import pytest

from services.router.counting.texts import features

TEXT = "La factura de este mes está mal otra vez"


@pytest.mark.parametrize(
    "copy",
    [
        f"RT @RedNorteMX: {TEXT}",
        f"rt @red.norte_mx:   {TEXT}",
        f"@RedNorteMX @otra {TEXT}",
        f"@RedNorteMX, {TEXT}",
        TEXT.upper(),
        f"  {TEXT.replace(' ', '   ')}\n",
        f"{TEXT} https://t.co/{'x' * 10}",
        f"https://t.co/a?b=c {TEXT} http://example.com",
    ],
)
def test_copies_share_a_hash(copy: str) -> None:
    assert features(copy).copy == features(TEXT).copy is not None


@pytest.mark.parametrize(
    "other", [f"{TEXT}!", f"No es verdad: {TEXT}", f"{TEXT} @RedNorteMX", TEXT.replace("mes", "año")]
)
def test_other_texts_do_not(other: str) -> None:
    assert features(other).copy not in (None, features(TEXT).copy)


def test_the_hash_is_the_same_in_every_process() -> None:
    assert features(TEXT).copy == "019f30d5bd7c868d"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gracias",
        "😂" * 40,
        "@a @b @c",
        "@RedNorteMX gracias",
        "https://example.com/a-long-path",
        ". . . . . . . . . . . .",
    ],
)
def test_texts_that_say_little_have_no_copies(text: str) -> None:
    assert features(text).copy is None


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("mira https://Example.COM/Nota/1?utm=x#top.", ("https://example.com/Nota/1",)),
        ("(http://example.com/a/), http://example.com/a", ("http://example.com/a",)),
        ("<https://example.com>", ("https://example.com",)),
        (
            "vean https://example.com:) y https://example.com:8443/a",
            ("https://example.com", "https://example.com:8443/a"),
        ),
        ("example.com no es un enlace", ()),
    ],
)
def test_links_lose_what_differs_between_shares(text: str, links: tuple[str, ...]) -> None:
    assert features(text).links == links


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://ana:s3cret@Example.com/a", ("https://example.com/a",)),
        ("https://ana@x:s3cr@t@example.com", ("https://example.com",)),
        ("ftp da https://ana:s3/cret@example.com/a", ()),
        ("https://ana:s3cret@/a", ()),
        ("http://ana:s3cret@[::1/a", ()),
    ],
)
def test_links_tell_no_password(text: str, links: tuple[str, ...]) -> None:
    assert features(text).links == links


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#SinServicio y #sinservicio", ("sinservicio",)),
        ("#Año2026, #sí_o_no!", ("año2026", "sí_o_no")),
        ("el #1 de #2026, a#b", ()),
        ("https://example.com/#ancla", ()),
        ("PROMOÇÃO #PROMOÇÃO", ("promoção",)),
    ],
)
def test_tags_are_casefolded_and_hold_a_letter(text: str, tags: tuple[str, ...]) -> None:
    assert features(text).tags == tags


def test_a_list_of_links_and_tags_does_not_push_out_others() -> None:
    found = features(" ".join(f"#tag{n} https://example.com/{'p' * 300}{n}/{n}" for n in range(100)))
    assert len(found.tags) == 8
    assert all(len(link) <= 200 for link in found.links)
