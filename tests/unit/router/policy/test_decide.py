from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mention_triage.v1.routing_pb2 import Reason
from services.common.contracts.records import milliseconds
from services.common.contracts.views import INQUIRY_TYPES, PERSONAL_DATA_KINDS, PRIORITIES, SENTIMENTS
from services.router.policy import DEFAULT_POLICY
from services.router.policy.compiled import Policy
from services.router.policy.decide import decide
from services.router.policy.load import load_policy
from tests.unit.router.builders import RECEIVED_MS, make_classification, make_mention
from tests.unit.router.policy_text import write_policy

LONG = "Llevo con ustedes desde 2015 y esto ya no tiene nombre. " * 10


@dataclass(frozen=True)
class Case:
    text: str
    type: str
    sentiment: str
    language: str
    priority: str
    queue: str
    resolution: int  # minutes
    mention: dict[str, Any] = field(default_factory=dict)
    classification: dict[str, Any] = field(default_factory=dict)


CASES = [
    # Everyday work.
    Case("llevo dos horas sin internet, pésimo servicio", "complaint", "negative", "es", "P3", "complaints-es", 1440),
    Case("a fatura veio errada de novo, que raiva", "complaint", "negative", "pt", "P3", "complaints-pt", 1440),
    Case("my order is two weeks late and nobody answers", "complaint", "negative", "en", "P3", "complaints-en", 1440),
    Case("¿cómo activo el roaming?", "technical", "neutral", "es", "P3", "support-es", 30),
    Case("o app não abre no meu celular, podem ajudar?", "technical", "negative", "pt", "P3", "support-pt", 60),
    Case("bonjour, comment changer mon adresse ?", "technical", "neutral", "fr", "P3", "support-other", 30),
    Case("please bring back the dark theme", "recommendation", "neutral", "en", "P4", "ideas", 1440),
    Case("gracias por la ayuda, muy amables", "feedback", "positive", "es", "P4", "conversations-es", 1440),
    Case("listo, ya te mandé el folio 4412", "answer", "neutral", "es", "P3", "conversations-es", 60,
         {"reply_to_brand": True, "kind": "reply"}),
    # Nothing to do, and what a person decides.
    Case("jajaja el meme del router", "feedback", "neutral", "es", "P4", "listening", 1440, {}, {"actionable": False}),
    Case("otra vez @RedNorteMX siendo @RedNorteMX", "complaint", "negative", "es", "P4", "listening", 1440, {},
         {"actionable": False}),
    Case("pues ahí va la cosa", "feedback", "neutral", "es", "P4", "triage-es", 1440, {},
         {"actionable": False, "actionable_level": "low"}),
    Case("y entonces qué", "feedback", "neutral", "es", "P4", "triage-es", 1440, {},
         {"actionable": False, "actionable_level": "abstain"}),
    Case("e aí, como fica?", "technical", "neutral", "pt", "P3", "support-pt", 30, {}, {"type_level": "low"}),
    Case("e aí???", "feedback", "neutral", "pt", "P3", "triage-pt", 1440, {}, {"type_level": "abstain"}),
    Case("mmm ya veremos", "complaint", "negative", "es", "P3", "triage-es", 1440, {}, {"type_level": "abstain"}),
    Case("jajaja ok", "feedback", "positive", "es", "P4", "triage-es", 1440, {},
         {"type_level": "abstain", "actionable": False}),
    Case("top demais", "recommendation", "positive", "pt", "P3", "triage-pt", 1440, {"followers": 200_000},
         {"type_level": "abstain"}),
    # The model does not know what it is, but the words, the author or the channel say how grave it is.
    Case("sale humo del cargador", "feedback", "neutral", "es", "P2", "triage-es", 1440, {},
         {"type_level": "abstain", "sentiment_level": "abstain"}),
    Case("sale humo del cargador", "complaint", "negative", "es", "P1", "triage-es", 2880, {},
         {"type_level": "abstain", "sentiment_level": "abstain"}),
    Case("me clonaron", "answer", "positive", "es", "P2", "triage-es", 60, {},
         {"type_level": "abstain", "sentiment_level": "abstain"}),
    Case("hablen con mi abogado", "answer", "negative", "es", "P2", "triage-es", 60, {}, {"type_level": "abstain"}),
    Case("tomamos nota", "feedback", "neutral", "es", "P2", "press", 1440, {"tags": ["regulator"]},
         {"type_level": "abstain"}),
    Case("ok", "feedback", "neutral", "es", "P3", "vip-es", 1440, {"tier": "vip"}, {"type_level": "abstain"}),
    Case("ok", "feedback", "neutral", "es", "P3", "private-es", 1440, {"kind": "direct_message"},
         {"type_level": "abstain"}),
    # What it gives away.
    Case("mi cel es [...]", "answer", "neutral", "es", "P3", "conversations-es", 60, {"reply_to_brand": True},
         {"personal_data": ["phone"]}),
    Case("mi tarjeta [...] no pasa, vergüenza", "complaint", "negative", "es", "P2", "complaints-es", 1440, {},
         {"personal_data": ["card"]}),
    Case("jaja mi mail es [...]", "feedback", "neutral", "es", "P4", "triage-es", 1440, {},
         {"personal_data": ["email"], "actionable": False}),
    Case("jaja mi tarjeta es [...]", "feedback", "neutral", "es", "P3", "triage-es", 1440, {},
         {"personal_data": ["card"], "actionable": False}),
    Case("los amo, [...]", "feedback", "positive", "es", "P4", "conversations-es", 1440, {"followers": 25_000},
         {"personal_data": ["email"]}),
    Case("mi tarjeta [...]", "technical", "neutral", "es", "P3", "private-es", 30, {"kind": "direct_message"},
         {"personal_data": ["card"], "needs_private_channel": False}),
    # Who wrote it.
    Case("no me funciona el token", "technical", "neutral", "es", "P3", "vip-es", 30, {"tier": "vip"}),
    Case("perdieron mi equipaje y nadie da la cara", "complaint", "negative", "es", "P2", "vip-es", 1440,
         {"tier": "vip"}),
    Case("meu cartão foi recusado de novo", "complaint", "negative", "pt", "P2", "complaints-pt", 1440,
         {"tier": "gold"}),
    Case("We are writing about your outage. Any comment?", "technical", "neutral", "en", "P2", "press", 60,
         {"tags": ["press"], "followers": 60_000, "verified": True}),
    Case("usuarios denuncian cobros indebidos de @RedNorteMX", "complaint", "negative", "es", "P1", "press", 2880,
         {"tags": ["press"], "followers": 400_000, "verified": True}),
    Case("Requerimos su respuesta por los cobros reportados", "complaint", "negative", "es", "P1", "press", 2880,
         {"tags": ["regulator"]}),
    # Who reads it.
    Case("se me hizo eterno esperar en su tienda", "complaint", "negative", "es", "P2", "complaints-es", 1440,
         {"followers": 15_000}),
    Case("que vergonha essa empresa, 3 dias sem sinal", "complaint", "negative", "pt", "P1", "complaints-pt", 1440,
         {"followers": 1_500_000, "verified": True}),
    Case("amo esta marca, la mejor atención", "feedback", "positive", "es", "P4", "marketing", 1440,
         {"followers": 25_000}, {"actionable": False}),
    # How grave it is.
    Case("el cargador hizo corto circuito y quemó la mesa", "complaint", "negative", "es", "P1", "complaints-es", 2880),
    Case("the heater caught fire last night", "complaint", "negative", "en", "P1", "complaints-en", 2880),
    Case("hay un cargo que NO RECONOZCO de 20 mil pesos", "complaint", "negative", "es", "P2", "complaints-es", 2880),
    Case("caí num golpe pelo app de vocês, vou ao Procon", "complaint", "negative", "pt", "P1", "complaints-pt", 2880),
    Case("mañana voy a PROFECO con mi abogado", "complaint", "negative", "es", "P2", "complaints-es", 2880),
    Case("de golpe se cortó la llamada", "complaint", "negative", "es", "P3", "complaints-es", 1440),
    Case("sigue igual, su solución no sirvió", "complaint", "negative", "es", "P2", "complaints-es", 1440,
         {"reply_to_brand": True, "kind": "reply"}),
    Case(LONG, "complaint", "negative", "es", "P3", "complaints-es", 2880),
    # Channels.
    Case("no puedo entrar a mi cuenta", "technical", "neutral", "es", "P3", "private-es", 30,
         {"kind": "direct_message", "platform": "whatsapp", "followers": 3_000_000}),
    Case("não recomendo, atendimento péssimo", "complaint", "negative", "pt", "P3", "reviews-pt", 1440,
         {"kind": "review", "platform": "app_store"}),
    Case("great app, five stars", "feedback", "positive", "en", "P4", "reviews-en", 1440,
         {"kind": "review", "platform": "play_store"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def default_policy() -> Policy:
    return load_policy(DEFAULT_POLICY)


@pytest.mark.parametrize("case", CASES, ids=[case.text[:50] for case in CASES])
def test_the_default_policy_on_realistic_mentions(default_policy: Policy, case: Case) -> None:
    mention = make_mention(case.text, **case.mention)
    classification = make_classification(case.type, case.sentiment, language=case.language, **case.classification)
    routing = decide(default_policy, mention, classification)
    because = f"score {routing.score}: " + ", ".join(f"{reason.rule} {reason.points:+}" for reason in routing.reasons)
    assert (PRIORITIES[routing.priority], routing.queue) == (case.priority, case.queue), because
    assert milliseconds(routing.first_response_due) == RECEIVED_MS + 15 * 60_000
    assert milliseconds(routing.resolution_due) == RECEIVED_MS + case.resolution * 60_000
    assert routing.score == sum(reason.points for reason in routing.reasons)


def test_personal_data_in_public_never_lowers_the_score(default_policy: Policy) -> None:
    for kind in PERSONAL_DATA_KINDS.values():
        with_it = decide(default_policy, make_mention(), make_classification(personal_data=[kind]))
        assert with_it.score > decide(default_policy, make_mention(), make_classification()).score
        assert "personal data in public: answer in private, hide the post" in {r.rule for r in with_it.reasons}


@pytest.mark.parametrize("actionable", [True, False])
@pytest.mark.parametrize("sentiment", SENTIMENTS.values())
@pytest.mark.parametrize("inquiry_type", INQUIRY_TYPES.values())
def test_where_the_model_does_not_say_what_it_is_no_priority_is_lost(
    default_policy: Policy, inquiry_type: str, sentiment: str, actionable: bool
) -> None:
    for fields in ({}, {"tags": ["regulator"]}, {"tier": "vip", "value": 20_000.0}, {"followers": 2_000_000}):
        for text in ("hola", "explotó la batería", "me clonaron, voy con mi abogado"):
            mention = make_mention(text, **fields)
            sure, unsure = (
                decide(
                    default_policy,
                    mention,
                    make_classification(inquiry_type, sentiment, actionable=actionable, type_level=level),
                )
                for level in ("high", "abstain")
            )
            assert unsure.score >= sure.score
            assert unsure.queue in ("triage-es", "press", "vip-es")
            assert unsure.HasField("first_response_due")
            assert unsure.resolution_due == sure.resolution_due


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return load_policy(write_policy(tmp_path))


def test_every_scoring_rule_that_holds_is_a_reason_in_the_order_of_the_policy(policy: Policy) -> None:
    routing = decide(policy, make_mention(followers=1000), make_classification())
    assert list(routing.reasons) == [Reason(rule="complaint", points=25), Reason(rule="loud", points=30)]
    assert routing.score == 55
    assert routing.policy_version == policy.version


@pytest.mark.parametrize(
    ("points", "priority"), [(80, "P1"), (79, "P2"), (50, "P2"), (49, "P3"), (20, "P3"), (19, "P4")]
)
def test_thresholds_are_lowest_scores(tmp_path: Path, points: int, priority: str) -> None:
    policy = load_policy(write_policy(tmp_path, "points: 25", f"points: {points}"))
    assert PRIORITIES[decide(policy, make_mention(), make_classification()).priority] == priority


def test_placeholders_take_only_values_that_the_policy_names(policy: Policy) -> None:
    request = make_classification("technical", "neutral")
    assert decide(policy, make_mention(tier="vip"), request).queue == "x-technical-vip"
    assert decide(policy, make_mention(tier="Bronze", platform="mastodon"), request).queue == "other-technical-other"
    assert decide(policy, make_mention(), make_classification(language="und")).queue == "all-other"


def test_tone_and_length_limit_are_the_platforms(policy: Policy) -> None:
    def limits(**mention: Any) -> tuple[str, int]:
        routing = decide(policy, make_mention(**mention), make_classification())
        return routing.tone, routing.length_limit

    assert limits(platform="x") == ("short", 280)
    assert limits(platform="x", kind="direct_message") == ("short", 10_000)
    assert limits(platform="mastodon", kind="direct_message") == ("plain", 1000)


def test_the_same_input_gives_the_same_bytes(default_policy: Policy) -> None:
    mention, classification = make_mention("denuncia", followers=5000), make_classification()
    again = load_policy(DEFAULT_POLICY)
    first = decide(default_policy, mention, classification).SerializeToString(deterministic=True)
    assert decide(again, mention, classification).SerializeToString(deterministic=True) == first
