"""What a correction says: each judged field beside what the model had said, and its JSON."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from mention_triage.v1.correction_pb2 import Correction
from services.common.contracts.views import (
    CONFIDENCE_LEVELS,
    INQUIRY_TYPES,
    MENTION_KINDS,
    SENTIMENTS,
    in_reply_to_view,
    time_view,
)

Field = Literal["inquiry_type", "sentiment", "actionable", "language"]
# Labels of `actionable`.
YES: Final = "yes"
NO: Final = "no"
FIELDS: Final[tuple[Field, ...]] = ("inquiry_type", "sentiment", "actionable", "language")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judged field: the model's label, the agent's, and how far the model's could be trusted ("" for language)."""

    field: Field
    predicted: str
    judged: str
    confidence: str

    @property
    def agreed(self) -> bool:
        """Whether the agent says the same."""
        return self.predicted == self.judged


def judgements(correction: Correction) -> list[Judgement]:
    """The fields that were judged. Raises `KeyError` for a label that only a later version knows."""
    labels, said = correction.labels, correction.classification
    confidence = said.confidence
    found: list[Judgement] = []
    if labels.inquiry_type:
        found.append(
            Judgement(
                "inquiry_type",
                INQUIRY_TYPES[said.inquiry_type.label],
                INQUIRY_TYPES[labels.inquiry_type],
                CONFIDENCE_LEVELS[confidence.inquiry_type],
            )
        )
    if labels.sentiment:
        found.append(
            Judgement(
                "sentiment",
                SENTIMENTS[said.sentiment.label],
                SENTIMENTS[labels.sentiment],
                CONFIDENCE_LEVELS[confidence.sentiment],
            )
        )
    if labels.HasField("actionable"):
        found.append(
            Judgement(
                "actionable", _yes(said.actionable), _yes(labels.actionable), CONFIDENCE_LEVELS[confidence.actionable]
            )
        )
    if labels.language:
        found.append(Judgement("language", said.language, labels.language, ""))
    return found


def correction_view(correction: Correction) -> dict[str, Any]:
    """A correction as posted, as far as it is kept, with `received_at`."""
    mention, said, labels = correction.mention, correction.classification, correction.labels
    view: dict[str, Any] = {
        "id": correction.id,
        "labels": {judgement.field: judgement.judged for judgement in judgements(correction)},
        "occurred_at": time_view(correction.occurred_at),
        "received_at": time_view(correction.received_at),
        "mention": {
            "mention_id": mention.mention_id,
            "brand": mention.brand,
            "platform": mention.platform,
            "text": mention.text,
        },
        "classification": {
            "inquiry_type": {"label": INQUIRY_TYPES[said.inquiry_type.label]},
            "sentiment": {"label": SENTIMENTS[said.sentiment.label]},
            "actionable": said.actionable,
            "language": said.language,
            "confidence": {
                "inquiry_type": CONFIDENCE_LEVELS[said.confidence.inquiry_type],
                "sentiment": CONFIDENCE_LEVELS[said.confidence.sentiment],
                "actionable": CONFIDENCE_LEVELS[said.confidence.actionable],
            },
            "model": {"name": said.model.name, "version": said.model.version},
        },
        "customer_key": mention.customer_key,
    }
    if labels.HasField("actionable"):
        view["labels"]["actionable"] = labels.actionable
    if mention.kind:
        view["mention"]["kind"] = MENTION_KINDS[mention.kind]
    if mention.language:
        view["mention"]["language"] = mention.language
    if mention.HasField("in_reply_to"):
        view["mention"]["in_reply_to"] = in_reply_to_view(mention.in_reply_to)
    for name in ("agent_id", "reason"):
        if value := getattr(correction, name):
            view[name] = value
    return view


def _yes(actionable: bool) -> str:
    return YES if actionable else NO
