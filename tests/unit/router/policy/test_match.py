from typing import Any

import pytest

from mention_triage.v1.classification_pb2 import Classification
from mention_triage.v1.mention_pb2 import Mention
from services.router.policy.match import compile_condition, facts_of, fold
from services.router.policy.schema import Condition
from tests.unit.router.builders import make_classification, make_mention


def holds(when: dict[str, Any], mention: Mention, classification: Classification | None = None) -> bool:
    condition = Condition.model_validate(when)
    named = {"loud": compile_condition(Condition.model_validate({"followers_at_least": 1000}), {})}
    return compile_condition(condition, named)(facts_of(mention, classification or make_classification()))


PRESS = make_mention(
    "Mañana publicamos. ¿Qué opina @RedNorteMX de la DENUNCIA?",
    followers=50_000,
    verified=True,
    tags=["press", "tv"],
    tier="gold",
    value=1200.5,
    reply_to_brand=True,
    kind="reply",
)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"tenant": "acme"}, True),
        ({"tenant": "globex"}, False),
        ({"brand": ("Otra", "rednortemx")}, True),
        ({"platform": "x"}, True),
        ({"platform": ("facebook", "instagram")}, False),
        ({"kind": ("reply", "comment")}, True),
        ({"kind": "post"}, False),
        ({"language": "es"}, True),
        ({"language": "pt"}, False),
        ({"inquiry_type": "complaint"}, True),
        ({"inquiry_type": ("answer", "feedback")}, False),
        ({"sentiment": "negative"}, True),
        ({"actionable": True}, True),
        ({"actionable": False}, False),
        ({"public": True}, True),
        ({"author_tags": ("regulator", "press")}, True),
        ({"author_tags": "regulator"}, False),
        ({"verified": True}, True),
        ({"verified": False}, False),
        ({"tier": ("vip", "gold")}, True),
        ({"tier": "vip"}, False),
        ({"followers_at_least": 50_000}, True),
        ({"followers_at_least": 50_001}, False),
        ({"value_at_least": 1200.5}, True),
        ({"value_at_least": 1201}, False),
        ({"text_at_least": 57}, True),
        ({"text_at_least": 58}, False),
        ({"reply_to_brand": True}, True),
        ({"confidence": {"inquiry_type": "low"}}, False),
        ({"confidence": {"inquiry_type": ("medium", "high"), "sentiment": "high"}}, True),
        ({"confidence": {"inquiry_type": "high", "sentiment": "low"}}, False),
        ({"needs_private_channel": False}, True),
        ({"needs_private_channel": True}, False),
        ({"personal_data": "phone"}, False),
        ({"is": "loud"}, True),
        ({"not": {"is": "loud"}}, False),
        ({"not": {"inquiry_type": "complaint", "tier": "vip"}}, True),
        ({"any": ({"tier": "vip"}, {"verified": True})}, True),
        ({"any": ({"tier": "vip"}, {"verified": False})}, False),
        ({"inquiry_type": "complaint", "tier": "vip"}, False),
        ({"inquiry_type": "complaint", "tier": "gold"}, True),
        ({"text_contains": "denuncia"}, True),
    ],
)
def test_conditions(when: dict[str, Any], expected: bool) -> None:
    assert holds(when, PRESS) is expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"confidence": {"inquiry_type": "abstain"}}, True),
        ({"confidence": {"inquiry_type": ("low", "medium", "high")}}, False),
        ({"needs_private_channel": True}, True),
        ({"needs_private_channel": False}, False),
        ({"personal_data": "phone"}, True),
        ({"personal_data": ("iban", "card")}, True),
        ({"personal_data": ("iban", "email")}, False),
    ],
)
def test_conditions_on_what_classify_found(when: dict[str, Any], expected: bool) -> None:
    found = make_classification(type_level="abstain", personal_data=["card", "phone"])
    assert holds(when, PRESS, found) is expected


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        ("denuncia", "Hice una DENÚNCIA.", True),
        ("denuncia", "denunciaré", False),
        ("denuncia*", "denunciaré", True),
        ("denuncia*", "predenuncia", False),
        ("denúncia", "denuncia", True),
        ("no reconozco", "un cargo que NO\n  reconozco!", True),
        ("no reconozco", "no lo reconozco", False),
        ("me robaron", "¡me robaron!", True),
        ("profeco*", "cc @Profeco_oficial", True),
        ("procon", "#procon", True),
        ("golpe", "golpes", False),
        ("🤬", "jajaja 🤬🤬", True),
        ("ação judicial", "AÇAO JUDICIAL", True),
        ("estafa", "", False),
    ],
)
def test_text_contains_looks_for_whole_words(words: str, text: str, expected: bool) -> None:
    assert holds({"text_contains": words}, make_mention(text)) is expected


def test_what_is_unknown_falls_back() -> None:
    bare = facts_of(Mention(tenant="acme", brand="b", platform="x"), make_classification())
    assert (bare.kind, bare.reach, bare.verified, bare.tier, bare.value) == ("post", 0, False, "", 0)
    assert (bare.public, bare.reply_to_brand, bare.author_tags) == (True, False, frozenset())
    reply = facts_of(make_mention(kind=None, reply_to_brand=False), make_classification())
    assert (reply.kind, reply.reply_to_brand) == ("reply", False)


def test_a_direct_message_is_not_public_and_has_no_reach() -> None:
    direct = make_mention(kind="direct_message", followers=2_000_000)
    assert holds({"public": False, "not": {"followers_at_least": 1}}, direct)


def test_fold_drops_case_and_accents() -> None:
    assert fold("ÑANDÚ Ação Straße") == "nandu acao strasse"
