"""Examples for `/docs`: invented brands and customers."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Example:
    """One event as it may be posted."""

    name: str
    summary: str
    value: dict[str, Any]


MENTION_EXAMPLES: Final = (
    Example(
        "smallest",
        "The four required fields (Spanish)",
        {
            "brand": "TelAndes",
            "platform": "x",
            "id": "1893120045512",
            "text": "@TelAndes llevo dos días sin internet y nadie contesta",
        },
    ),
    Example(
        "reply",
        "A reply with everything that is known (Portuguese)",
        {
            "brand": "BancoLume",
            "platform": "instagram",
            "id": "17982330455",
            "kind": "reply",
            "text": "já mandei o comprovante três vezes, quando sai meu estorno?",
            "language": "pt-BR",
            "author": {
                "id": "5541998",
                "handle": "marina.exemplo",
                "followers": 1820,
                "verified": False,
                "tags": ["press"],
                "customer_id": "C-88121",
                "tier": "gold",
                "value": 1250.5,
            },
            "conversation": "17982330001",
            "in_reply_to": {
                "id": "17982330400",
                "by_brand": True,
                "text": "Olá! Pode nos enviar o comprovante?",
            },
            "url": "https://social.example/p/17982330455",
            "occurred_at": "2026-03-01T09:30:00-03:00",
            "attributes": {"campaign": "march", "store": 12},
        },
    ),
    Example(
        "review",
        "An app review (English)",
        {
            "brand": "Deskleaf",
            "platform": "play_store",
            "id": "gp:AOqpTOH",
            "kind": "review",
            "text": "Crashes every time I open the calendar since the last update. Please fix!",
            "language": "en",
            "author": {"id": "reviewer-5520"},
            "attributes": {"stars": 2, "app_version": "8.14.0"},
        },
    ),
)

_ROUTED: Final = {"mention_id": "9f86d081884c7d659a2feaa0c55ad015", "customer_key": "acme/instagram/5541998"}

_ECHOED: Final = {
    "mention": {
        "mention_id": _ROUTED["mention_id"],
        "brand": "BancoLume",
        "platform": "instagram",
        "id": "17982330455",
        "kind": "reply",
        "text": "já mandei o comprovante três vezes, quando sai meu estorno?",
        "in_reply_to": {"id": "17982330400", "by_brand": True, "text": "Olá! Pode nos enviar o comprovante?"},
        "received_at": "2026-03-01T12:30:02Z",
    },
    "classification": {
        "inquiry_type": {
            "label": "answer",
            "probabilities": {
                "complaint": 0.33,
                "feedback": 0.02,
                "recommendation": 0.01,
                "technical": 0.19,
                "answer": 0.45,
            },
        },
        "sentiment": {"label": "negative", "probabilities": {"negative": 0.81, "neutral": 0.18, "positive": 0.01}},
        "actionable": True,
        "actionable_probability": 0.97,
        "language": "pt",
        "confidence": {"inquiry_type": "low", "sentiment": "high", "actionable": "high"},
        "model": {"name": "triage-es-pt-en", "version": "1"},
    },
    "customer_key": _ROUTED["customer_key"],
}

CORRECTION_EXAMPLES: Final = (
    Example(
        "corrected",
        "It was a complaint, and the rest was right",
        {
            "id": "ticket-5512/label",
            "labels": {"inquiry_type": "complaint", "sentiment": "negative", "actionable": True},
            **_ECHOED,
            "occurred_at": "2026-03-01T09:46:30-03:00",
            "agent_id": "agent-17",
            "reason": "waits for a refund and says it for the third time",
        },
    ),
    Example(
        "confirmed",
        "The sentiment was right; nothing else was judged",
        {
            "id": "ticket-5512/label-2",
            "labels": {"sentiment": "negative"},
            **_ECHOED,
            "occurred_at": "2026-03-01T10:02:00-03:00",
        },
    ),
)

OUTCOME_EXAMPLES: Final = (
    Example(
        "first_response",
        "An agent answered for the first time",
        {
            "id": "ticket-5512/1",
            "type": "first_response",
            **_ROUTED,
            "occurred_at": "2026-03-01T09:38:12-03:00",
            "agent_id": "agent-17",
            "effort_seconds": 95,
        },
    ),
    Example(
        "moved",
        "The conversation goes on elsewhere",
        {
            "id": "ticket-5512/2",
            "type": "moved",
            **_ROUTED,
            "occurred_at": "2026-03-01T09:45:00-03:00",
            "channel": "whatsapp",
        },
    ),
    Example(
        "surveyed",
        "The customer answered a survey",
        {
            "id": "ticket-5512/3",
            "type": "surveyed",
            **_ROUTED,
            "occurred_at": "2026-03-02T18:00:00-03:00",
            "satisfaction": 4,
        },
    ),
)
