"""From a posted correction to the contract: what is kept of the echoed mention, and what the model had said."""

from google.protobuf.timestamp_pb2 import Timestamp

from mention_triage.v1.classification_pb2 import (
    Classification,
    Confidence,
    InquiryTypePrediction,
    ModelInfo,
    SentimentPrediction,
)
from mention_triage.v1.correction_pb2 import Correction, MentionLabels
from mention_triage.v1.mention_pb2 import InReplyTo, Mention
from services.common.contracts.records import to_timestamp
from services.ingest.models import EchoedClassification, EchoedMention, PostedCorrection, PostedLabels


def correction_of(posted: PostedCorrection, tenant: str, received_at: Timestamp) -> Correction:
    """The correction. Nothing about the author is kept, nor what the redacted texts hide: it is there for a year."""
    mention = _mention(posted.mention)
    mention.tenant, mention.customer_key = tenant, posted.customer_key
    if posted.classification.redacted_text is not None:
        mention.text = posted.classification.redacted_text
    if posted.mention.in_reply_to and posted.classification.redacted_in_reply_to_text is not None:
        mention.in_reply_to.text = posted.classification.redacted_in_reply_to_text
    return Correction(
        id=posted.id,
        mention=mention,
        classification=_classification(posted.classification),
        labels=_labels(posted.labels),
        occurred_at=to_timestamp(posted.occurred_at),
        received_at=received_at,
        agent_id=posted.agent_id,
        reason=posted.reason,
    )


def _mention(echoed: EchoedMention) -> Mention:
    parent = echoed.in_reply_to
    return Mention(
        mention_id=echoed.mention_id,
        brand=echoed.brand,
        platform=echoed.platform,
        kind=f"MENTION_KIND_{echoed.kind.upper()}" if echoed.kind else None,
        text=echoed.text,
        language=echoed.language,
        in_reply_to=InReplyTo(id=parent.id, by_brand=parent.by_brand, text=parent.text) if parent else None,
    )


def _classification(echoed: EchoedClassification) -> Classification:
    confidence = echoed.confidence
    return Classification(
        inquiry_type=InquiryTypePrediction(label=f"INQUIRY_TYPE_{echoed.inquiry_type.label.upper()}"),
        sentiment=SentimentPrediction(label=f"SENTIMENT_{echoed.sentiment.label.upper()}"),
        actionable=echoed.actionable,
        language=echoed.language,
        confidence=Confidence(
            inquiry_type=f"CONFIDENCE_LEVEL_{confidence.inquiry_type.upper()}",
            sentiment=f"CONFIDENCE_LEVEL_{confidence.sentiment.upper()}",
            actionable=f"CONFIDENCE_LEVEL_{confidence.actionable.upper()}",
        ),
        model=ModelInfo(name=echoed.model.name, version=echoed.model.version),
    )


def _labels(posted: PostedLabels) -> MentionLabels:
    return MentionLabels(
        inquiry_type=f"INQUIRY_TYPE_{posted.inquiry_type.upper()}" if posted.inquiry_type else None,
        sentiment=f"SENTIMENT_{posted.sentiment.upper()}" if posted.sentiment else None,
        actionable=posted.actionable,
        language=posted.language.lower().partition("-")[0] if posted.language else None,
    )
