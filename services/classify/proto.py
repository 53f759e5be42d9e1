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

_LEVELS: Final = {
    "low": ConfidenceLevel.CONFIDENCE_LEVEL_LOW,
    "medium": ConfidenceLevel.CONFIDENCE_LEVEL_MEDIUM,
    "high": ConfidenceLevel.CONFIDENCE_LEVEL_HIGH,
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
    )


def to_classification(labels: Labels, model: ModelInfo) -> Classification:
    """The contract's form of what the model says."""
    prediction, levels = labels.prediction, labels.levels
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
    )


def model_info(model: Model | Classifier) -> ModelInfo:
    """Name and version as they travel with each classification."""
    return ModelInfo(name=model.name, version=model.version)
