"""Between the contracts and the model: what the model may look at, and what it says as a `Classification`."""

from typing import Final

from mention_triage.v1.classification_pb2 import (
    Classification,
    Confidence,
    ConfidenceLevel,
    InquiryTypePrediction,
    ModelInfo,
    SentimentPrediction,
)
from mention_triage.v1.mention_pb2 import Mention, MentionKind
from services.classify.classifier import Classifier, Labels
from services.classify.model.base import Model, ModelInput
from services.classify.personal_data.detect import find
from services.classify.personal_data.finding import Kind, redact
from services.classify.personal_data.regions import regions_of

_LEVELS: Final = {
    "low": ConfidenceLevel.CONFIDENCE_LEVEL_LOW,
    "medium": ConfidenceLevel.CONFIDENCE_LEVEL_MEDIUM,
    "high": ConfidenceLevel.CONFIDENCE_LEVEL_HIGH,
    "abstain": ConfidenceLevel.CONFIDENCE_LEVEL_ABSTAIN,
}
_KINDS: Final = {
    MentionKind.MENTION_KIND_POST: "post",
    MentionKind.MENTION_KIND_REPLY: "reply",
    MentionKind.MENTION_KIND_COMMENT: "comment",
    MentionKind.MENTION_KIND_REVIEW: "review",
    MentionKind.MENTION_KIND_DIRECT_MESSAGE: "direct_message",
}


def to_model_input(mention: Mention) -> ModelInput:
    """What the model may look at. A mention that answers something is a reply, whatever its kind."""
    replied = mention.HasField("in_reply_to")
    parent = mention.in_reply_to
    return ModelInput(
        text=mention.text,
        is_reply=replied or mention.kind == MentionKind.MENTION_KIND_REPLY,
        parent_text=parent.text if replied else "",
        parent_by_brand=parent.by_brand if replied and parent.HasField("by_brand") else None,
        platform=mention.platform.lower(),
        kind=_KINDS.get(mention.kind, ""),
    )


def to_classification(labels: Labels, model: ModelInfo, mention: Mention) -> Classification:
    """The contract's form of what the model says about a mention, and of the personal data in its text.

    What it answers is another message: personal data there is redacted, but this one is not marked for it.
    """
    prediction, levels = labels.prediction, labels.levels
    regions = regions_of(mention.language, labels.language)
    findings = find(mention.text, regions)
    parent = mention.in_reply_to.text
    in_parent = find(parent, regions)
    kinds = {finding.kind for finding in findings}
    return Classification(
        inquiry_type=InquiryTypePrediction(
            label=f"INQUIRY_TYPE_{labels.inquiry_type.upper()}",
            probabilities=prediction.inquiry_type,
        ),
        sentiment=SentimentPrediction(
            label=f"SENTIMENT_{labels.sentiment.upper()}", probabilities=prediction.sentiment
        ),
        actionable=labels.actionable,
        actionable_probability=prediction.actionable,
        language=labels.language,
        confidence=Confidence(
            inquiry_type=_LEVELS[levels.inquiry_type],
            sentiment=_LEVELS[levels.sentiment],
            actionable=_LEVELS[levels.actionable],
        ),
        model=model,
        # A direct message is in private already.
        needs_private_channel=bool(findings) and mention.kind != MentionKind.MENTION_KIND_DIRECT_MESSAGE,
        personal_data=[f"PERSONAL_DATA_KIND_{kind.name}" for kind in Kind if kind in kinds],
        redacted_text=redact(mention.text, findings) if findings else None,
        redacted_in_reply_to_text=redact(parent, in_parent) if in_parent else None,
    )


def model_info(model: Model | Classifier) -> ModelInfo:
    """Name and version as they travel with each classification."""
    return ModelInfo(name=model.name, version=model.version)
