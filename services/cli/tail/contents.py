"""What a record of each topic holds: its message, its facts for filters, and its JSON."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message

from mention_triage.v1.alert_pb2 import SpikeAlert
from mention_triage.v1.classification_pb2 import Classification, ClassifiedMention
from mention_triage.v1.correction_pb2 import Correction
from mention_triage.v1.counts_pb2 import CountSource, MentionCounts, PartialCount
from mention_triage.v1.dead_letter_pb2 import DeadLetter, DeadLetterAction, DeadLetterHandled
from mention_triage.v1.mention_pb2 import Mention
from mention_triage.v1.outcome_pb2 import Outcome
from mention_triage.v1.routing_pb2 import RoutedMention
from services.common.contracts import views
from services.common.contracts.corrections import correction_view
from services.common.contracts.records import headers_of, milliseconds
from services.common.log.port import Record
from services.common.log.topics import ALERTS, CLASSIFIED, CORRECTIONS, COUNTS, DEAD_LETTERS, MENTIONS, OUTCOMES, ROUTED

_MESSAGES: Final[Mapping[str, type[Message]]] = {
    MENTIONS: Mention,
    CLASSIFIED: ClassifiedMention,
    ROUTED: RoutedMention,
    OUTCOMES: Outcome,
    CORRECTIONS: Correction,
    COUNTS: MentionCounts,
    ALERTS: SpikeAlert,
    DEAD_LETTERS: DeadLetter,
}
COUNT_SOURCES: Final[Mapping[int, str]] = {
    CountSource.COUNT_SOURCE_MENTIONS: "mentions",
    CountSource.COUNT_SOURCE_CLASSIFIED: "classified",
}
_HANDLED_TYPE: Final = DeadLetterHandled.DESCRIPTOR.full_name.encode()


@dataclass(frozen=True, slots=True)
class Facts:
    """What filters ask about; "" where the record does not say."""

    tenant: str = ""
    brand: str = ""
    platform: str = ""
    language: str = ""
    inquiry_type: str = ""
    sentiment: str = ""
    queue: str = ""
    priority: str = ""


# A filter on a topic that never has the fact would silently show nothing.
_OF_MENTION: Final = ("tenant", "brand", "platform", "language")
_OF_CLASSIFIED: Final = (*_OF_MENTION, "inquiry_type", "sentiment")
FACTS_OF_TOPIC: Final[Mapping[str, tuple[str, ...]]] = {
    MENTIONS: _OF_MENTION,
    CLASSIFIED: _OF_CLASSIFIED,
    ROUTED: (*_OF_CLASSIFIED, "queue", "priority"),
    OUTCOMES: ("tenant",),
    CORRECTIONS: _OF_CLASSIFIED,
    COUNTS: ("tenant",),
    ALERTS: ("tenant", "brand"),
}


def message_of(record: Record) -> Message | None:
    """The record's message; None for a tombstone, a topic without one, and bytes that are none."""
    kind = _MESSAGES.get(record.topic)
    if kind is None or record.value is None:
        return None
    if kind is DeadLetter and headers_of(record.headers).get("ce_type") == _HANDLED_TYPE:
        kind = DeadLetterHandled  # what was done about a dead letter stands behind it
    message = kind()
    try:
        message.ParseFromString(record.value)
    except DecodeError:
        return None
    return message


def facts_of(message: Message | None) -> Facts:
    """The facts of a message."""
    match message:
        case Mention():
            return Facts(message.tenant, message.brand, message.platform, message.language)
        case ClassifiedMention() | Correction():
            return _classified_facts(message.mention, message.classification)
        case RoutedMention(routing=routing):
            return _classified_facts(
                message.mention, message.classification, routing.queue, views.PRIORITIES.get(routing.priority, "")
            )
        case Outcome() | MentionCounts():
            return Facts(message.tenant)
        case SpikeAlert():
            return Facts(message.tenant, message.brand)
        case _:
            return Facts()


def record_view(record: Record, message: Message | None) -> dict[str, Any]:
    """A record as one JSON object: where it stands, its key and headers as text, its value as JSON."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": rfc3339(record.timestamp_ms),
        "key": _text(record.key),
        "headers": {name: _text(value) for name, value in record.headers},
        "value": _value_view(record.value, message),
    }


def rfc3339(timestamp_ms: int) -> str:
    """Milliseconds since the epoch as RFC 3339 in UTC."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _classified_facts(mention: Mention, said: Classification, queue: str = "", priority: str = "") -> Facts:
    return Facts(
        mention.tenant,
        mention.brand,
        mention.platform,
        said.language,
        views.INQUIRY_TYPES.get(said.inquiry_type.label, ""),
        views.SENTIMENTS.get(said.sentiment.label, ""),
        queue,
        priority,
    )


def _value_view(value: bytes | None, message: Message | None) -> Any:
    view = _VIEWS.get(type(message))
    try:
        if view:
            return view(message)
    except (KeyError, ValueError):  # it parses, but holds labels that no service writes
        pass
    return None if value is None else _base64(value)


def _mention_view(mention: Mention) -> dict[str, Any]:
    return {**views.mention_view(mention), "tenant": mention.tenant, "customer_key": mention.customer_key}


def _classified_view(classified: ClassifiedMention) -> dict[str, Any]:
    return {
        "mention": views.mention_view(classified.mention),
        "classification": views.classification_view(classified.classification),
        "customer_key": classified.mention.customer_key,
    }


def _counts_view(counts: MentionCounts) -> dict[str, Any]:
    return {
        "source": COUNT_SOURCES[counts.source],
        "source_partition": counts.source_partition,
        "until": rfc3339(counts.until * 1000),
        "tenant": counts.tenant,
        "counts": [_count_view(count) for count in counts.counts],
    }


def _count_view(count: PartialCount) -> dict[str, Any]:
    view: dict[str, Any] = {
        "brand": count.brand,
        "platform": count.platform,
        "bucket": rfc3339(count.bucket * 1000),
        "mentions": count.mentions,
        "old_mentions": count.old_mentions,
    }
    if count.HasField("sketches"):
        view["sketches"] = MessageToDict(count.sketches, preserving_proto_field_name=True)
    if count.HasField("mix"):
        view["mix"] = {
            "inquiry_types": dict(zip(views.INQUIRY_TYPES.values(), count.mix.inquiry_types, strict=True)),
            "sentiments": dict(zip(views.SENTIMENTS.values(), count.mix.sentiments, strict=True)),
            "languages": dict(sorted(count.mix.languages.items())),
        }
    return view


def handled_action(handled: DeadLetterHandled) -> str:
    """`replayed` or `dropped`; `handled` for a way that only a later version knows."""
    actions = {
        DeadLetterAction.DEAD_LETTER_ACTION_REPLAYED: "replayed",
        DeadLetterAction.DEAD_LETTER_ACTION_DROPPED: "dropped",
    }
    return actions.get(handled.action, "handled")


def _handled_view(handled: DeadLetterHandled) -> dict[str, Any]:
    return {
        "dead_letter_offset": handled.dead_letter_offset,
        "action": handled_action(handled),
        "handled_at": rfc3339(milliseconds(handled.handled_at)),
    }


def _dead_letter_view(letter: DeadLetter) -> dict[str, Any]:
    return {
        "source_topic": letter.source_topic,
        "source_partition": letter.source_partition,
        "source_offset": letter.source_offset,
        "source_time": rfc3339(milliseconds(letter.source_time)),
        "stage": letter.stage,
        "reason": letter.reason,
        "detail": letter.detail,
        "attempts": letter.attempts,
        "key": _text(letter.key) if letter.HasField("key") else None,
        "value": _base64(letter.value) if letter.HasField("value") else None,
        "headers": {header.name: _text(header.value) for header in letter.headers},
    }


_VIEWS: Final[Mapping[type[Any], Callable[[Any], dict[str, Any]]]] = {
    Mention: _mention_view,
    ClassifiedMention: _classified_view,
    RoutedMention: views.routed_view,
    Outcome: views.outcome_view,
    Correction: correction_view,
    MentionCounts: _counts_view,
    SpikeAlert: views.alert_view,
    DeadLetter: _dead_letter_view,
    DeadLetterHandled: _handled_view,
}


def _text(value: bytes | None) -> Any:
    """Bytes as text where they are text."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return _base64(value or b"")


def _base64(value: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(value).decode()}
