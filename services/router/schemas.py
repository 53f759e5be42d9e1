"""The JSON of `GET /v1/routed` as OpenAPI describes it. What is sent comes from `services.common.contracts.views`."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from services.common.contracts.schemas import ClassificationJson, Json
from services.common.http.fields import Kind
from services.router.cursor import encode_cursor

PriorityLabel = Literal["P1", "P2", "P3", "P4"]


class AuthorJson(Json):
    """Who wrote the mention, as posted."""

    id: str | None = None
    handle: str | None = None
    followers: int | None = None
    verified: bool | None = None
    tags: list[str] | None = None
    customer_id: str | None = None
    tier: str | None = None
    value: float | None = None


class InReplyToJson(Json):
    """What the mention answers, as posted."""

    id: str
    by_brand: bool | None = None
    text: str | None = None


class MentionJson(Json):
    """The mention as posted, with its identifier and the time of its acceptance. Absent: not posted."""

    mention_id: Annotated[str, Field(description="32 hexadecimal digits, the same for every delivery of the message")]
    brand: str
    platform: str
    id: Annotated[str, Field(description="The platform's identifier of the message")]
    text: str
    received_at: Annotated[datetime, Field(description="When it was accepted; due times count from here")]
    kind: Kind | None = None
    language: str | None = None
    conversation: str | None = None
    url: str | None = None
    occurred_at: datetime | None = None
    author: AuthorJson | None = None
    in_reply_to: InReplyToJson | None = None
    attributes: dict[str, Any] | None = None


class ReasonJson(Json):
    """One rule of the policy that applied, and its points."""

    rule: str
    points: int


class RoutingJson(Json):
    """What the policy decides."""

    priority: PriorityLabel
    score: Annotated[int, Field(description="Sum of the points of all reasons")]
    reasons: list[ReasonJson]
    queue: str
    first_response_due: datetime
    resolution_due: datetime
    tone: str
    length_limit: Annotated[int, Field(description="Longest answer that the platform takes, in characters")]
    policy_version: str


class RoutedJson(Json):
    """One routed mention."""

    mention: MentionJson
    classification: ClassificationJson
    routing: RoutingJson
    customer_key: Annotated[str, Field(description="To be echoed in outcomes")]


class RoutedPage(Json):
    """One page."""

    items: list[RoutedJson]
    next_cursor: Annotated[str, Field(description="Send it for the next page; equal to the one sent: caught up")]


LOG_EXAMPLE: Final = "5d0f6b2c9e8a4173"  # the identity of a log

PAGE_EXAMPLE: Final[dict[str, Any]] = {
    "items": [
        {
            "mention": {
                "mention_id": "6f1d0c0b7a1c4a0e9b3f5d2e8c7a6b51",
                "brand": "RedNorteMX",
                "platform": "x",
                "id": "1861100000000000001",
                "text": "@RedNorteMX llevo tres días sin internet y nadie contesta. Voy a ir a PROFECO.",
                "received_at": "2026-01-31T14:05:09.120Z",
                "kind": "post",
                "author": {"id": "44196397", "handle": "ana", "followers": 12400, "verified": True, "tier": "gold"},
            },
            "classification": {
                "inquiry_type": {
                    "label": "complaint",
                    "probabilities": {
                        "complaint": 0.95,
                        "feedback": 0.02,
                        "recommendation": 0.01,
                        "technical": 0.01,
                        "answer": 0.01,
                    },
                },
                "sentiment": {
                    "label": "negative",
                    "probabilities": {"negative": 0.96, "neutral": 0.03, "positive": 0.01},
                },
                "actionable": True,
                "actionable_probability": 0.98,
                "language": "es",
                "confidence": {"inquiry_type": "high", "sentiment": "high", "actionable": "high"},
                "model": {"name": "triage-es-pt-en", "version": "1"},
                "needs_private_channel": False,
                "personal_data": [],
            },
            "routing": {
                "priority": "P1",
                "score": 80,
                "reasons": [
                    {"rule": "complaint", "points": 25},
                    {"rule": "negative sentiment", "points": 15},
                    {"rule": "legal or consumer agency", "points": 15},
                    {"rule": "reach over 1,000", "points": 5},
                    {"rule": "reach over 10,000", "points": 5},
                    {"rule": "verified account", "points": 5},
                    {"rule": "gold customer", "points": 10},
                ],
                "queue": "complaints-es",
                "first_response_due": "2026-01-31T14:20:09.120Z",
                "resolution_due": "2026-02-02T14:05:09.120Z",
                "tone": "short, direct and human; move details to a direct message",
                "length_limit": 280,
                "policy_version": "1+35276ff5",
            },
            "customer_key": "acme/x/44196397",
        }
    ],
    "next_cursor": encode_cursor(1, LOG_EXAMPLE, [3, 0, 7, 1, 4, 2, 2, 0, 5, 1, 0, 2]),
}
