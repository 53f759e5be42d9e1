from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mention_triage.v1.routing_pb2 import Reason
from services.common.contracts.records import milliseconds
from services.common.contracts.views import PRIORITIES
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
    # Nothing to do, and unsure ones.
    Case("jajaja el meme del router", "feedback", "neutral", "es", "P4", "listening", 1440, {}, {"actionable": False}),
    Case("otra vez @RedNorteMX siendo @RedNorteMX", "complaint", "negative", "es", "P4", "listening", 1440, {},
         {"actionable": False}),
    Case("pues ahí va la cosa", "feedback", "neutral", "es", "P4", "unsure-es", 1440, {},
         {"actionable": False, "actionable_level": "low"}),
    Case("e aí, como fica?", "technical", "neutral", "pt", "P3", "unsure-pt", 30, {}, {"type_level": "low"}),
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
