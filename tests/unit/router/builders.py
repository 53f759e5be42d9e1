"""Mentions and classifications for the router's tests: what is not said is ordinary."""

from collections.abc import Sequence

from mention_triage.v1.classification_pb2 import (
    Classification,
    ClassifiedMention,
    Confidence,
    InquiryTypePrediction,
    ModelInfo,
    SentimentPrediction,
)
from mention_triage.v1.mention_pb2 import Author, InReplyTo, Mention
from services.common.contracts.identity import customer_key, mention_id
from services.common.contracts.records import timestamp

RECEIVED_MS = 1_768_478_400_250  # 2026-01-15 12:00:00.250 UTC


def make_mention(
    text: str = "hola",
    *,
    tenant: str = "acme",
    brand: str = "RedNorteMX",
    platform: str = "x",
    native_id: str = "1",
    kind: str | None = "post",
    author_id: str = "ana",
    followers: int | None = None,
    verified: bool | None = None,
    tags: Sequence[str] = (),
    tier: str = "",
    value: float | None = None,
    reply_to_brand: bool | None = None,
    received_ms: int = RECEIVED_MS,
) -> Mention:
    """A mention as ingest writes it. `reply_to_brand`: None answers nothing."""
    identifier = mention_id(tenant, brand, platform, native_id)
    author = Author(id=author_id, followers=followers, verified=verified, tags=tags, tier=tier, value=value)
    return Mention(
        mention_id=identifier,
        tenant=tenant,
        brand=brand,
        platform=platform,
        native_id=native_id,
        kind=f"MENTION_KIND_{kind.upper()}" if kind else None,
        text=text,
        author=author,
        in_reply_to=None if reply_to_brand is None else InReplyTo(id="parent", by_brand=reply_to_brand),
        received_at=timestamp(received_ms),
        customer_key=customer_key(tenant, platform, author_id, identifier),
    )


def make_classification(
    inquiry_type: str = "complaint",
    sentiment: str = "negative",
    *,
    actionable: bool = True,
    language: str = "es",
    type_level: str = "high",
    sentiment_level: str = "high",
    actionable_level: str = "high",
    personal_data: Sequence[str] = (),
    needs_private_channel: bool | None = None,
) -> Classification:
    """A classification as classify writes it. `needs_private_channel` None: if there is personal data."""
    return Classification(
        inquiry_type=InquiryTypePrediction(label=f"INQUIRY_TYPE_{inquiry_type.upper()}", probabilities=[0.2] * 5),
        sentiment=SentimentPrediction(label=f"SENTIMENT_{sentiment.upper()}", probabilities=[0.25, 0.5, 0.25]),
        actionable=actionable,
        actionable_probability=0.9,
        language=language,
        confidence=Confidence(
            inquiry_type=_level(type_level), sentiment=_level(sentiment_level), actionable=_level(actionable_level)
        ),
        model=ModelInfo(name="test", version="1"),
        personal_data=[f"PERSONAL_DATA_KIND_{kind.upper()}" for kind in personal_data],
        needs_private_channel=bool(personal_data) if needs_private_channel is None else needs_private_channel,
        redacted_text="[phone]" if personal_data else None,
        redacted_in_reply_to_text="[email]" if personal_data else None,
    )


def make_classified(mention: Mention | None = None, classification: Classification | None = None) -> ClassifiedMention:
    """Both together."""
    return ClassifiedMention(mention=mention or make_mention(), classification=classification or make_classification())


def _level(name: str) -> str:
    return f"CONFIDENCE_LEVEL_{name.upper()}"
