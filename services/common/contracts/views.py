"""The JSON of the contracts, as HTTP and the command line show them: lower-case labels, RFC 3339 times in UTC."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from mention_triage.v1.alert_pb2 import (
    SpikeAlert,
    SpikeCause,
    SpikeEvent,
    SpikeEvidence,
    SpikeItem,
    SpikeMix,
    SpikeSeries,
)
from mention_triage.v1.classification_pb2 import (
    Classification,
    ConfidenceLevel,
    InquiryType,
    PersonalDataKind,
    Sentiment,
)
from mention_triage.v1.mention_pb2 import Author, InReplyTo, Mention, MentionKind
from mention_triage.v1.outcome_pb2 import Outcome, OutcomeType
from mention_triage.v1.routing_pb2 import Priority, RoutedMention, Routing

Json = dict[str, Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _labels(enum: Any, prefix: str) -> dict[int, str]:
    """Lower-case label by number, without the unspecified one."""
    return {number: name.removeprefix(prefix).lower() for name, number in enum.items() if number}


MENTION_KINDS: Final[Mapping[int, str]] = _labels(MentionKind, "MENTION_KIND_")
INQUIRY_TYPES: Final[Mapping[int, str]] = _labels(InquiryType, "INQUIRY_TYPE_")
SENTIMENTS: Final[Mapping[int, str]] = _labels(Sentiment, "SENTIMENT_")
CONFIDENCE_LEVELS: Final[Mapping[int, str]] = _labels(ConfidenceLevel, "CONFIDENCE_LEVEL_")
PERSONAL_DATA_KINDS: Final[Mapping[int, str]] = _labels(PersonalDataKind, "PERSONAL_DATA_KIND_")
OUTCOME_TYPES: Final[Mapping[int, str]] = _labels(OutcomeType, "OUTCOME_TYPE_")
SPIKE_EVENTS: Final[Mapping[int, str]] = _labels(SpikeEvent, "SPIKE_EVENT_")
SPIKE_CAUSES: Final[Mapping[int, str]] = _labels(SpikeCause, "SPIKE_CAUSE_")
PRIORITIES: Final[Mapping[int, str]] = {number: f"P{number}" for number in Priority.values() if number}


def routed_view(routed: RoutedMention) -> Json:
    """An item of `GET /v1/routed`."""
    return {
        "mention": mention_view(routed.mention),
        "classification": classification_view(routed.classification),
        "routing": routing_view(routed.routing),
        "customer_key": routed.mention.customer_key,
    }


def mention_view(mention: Mention) -> Json:
    """The fields as posted (those that were), with `mention_id` and `received_at`."""
    view: Json = {
        "mention_id": mention.mention_id,
        "brand": mention.brand,
        "platform": mention.platform,
        "id": mention.native_id,
        "text": mention.text,
        "received_at": time_view(mention.received_at),
    }
    if mention.kind:
        view["kind"] = MENTION_KINDS[mention.kind]
    for name in ("language", "conversation", "url"):
        if value := getattr(mention, name):
            view[name] = value
    if mention.HasField("occurred_at"):
        view["occurred_at"] = time_view(mention.occurred_at)
    if mention.HasField("author"):
        view["author"] = _author_view(mention.author)
    if mention.HasField("in_reply_to"):
        view["in_reply_to"] = in_reply_to_view(mention.in_reply_to)
    if mention.HasField("attributes"):
        view["attributes"] = struct_view(mention.attributes)
    return view


def classification_view(classification: Classification) -> Json:
    """What classify finds, with both distributions by label; redacted texts where it found personal data."""
    confidence = classification.confidence
    view: Json = {
        "inquiry_type": {
            "label": INQUIRY_TYPES[classification.inquiry_type.label],
            "probabilities": dict(zip(INQUIRY_TYPES.values(), classification.inquiry_type.probabilities, strict=True)),
        },
        "sentiment": {
            "label": SENTIMENTS[classification.sentiment.label],
            "probabilities": dict(zip(SENTIMENTS.values(), classification.sentiment.probabilities, strict=True)),
        },
        "actionable": classification.actionable,
        "actionable_probability": classification.actionable_probability,
        "language": classification.language,
        "confidence": {
            "inquiry_type": CONFIDENCE_LEVELS[confidence.inquiry_type],
            "sentiment": CONFIDENCE_LEVELS[confidence.sentiment],
            "actionable": CONFIDENCE_LEVELS[confidence.actionable],
        },
        "model": {"name": classification.model.name, "version": classification.model.version},
        "needs_private_channel": classification.needs_private_channel,
        "personal_data": [PERSONAL_DATA_KINDS[kind] for kind in classification.personal_data],
    }
    if classification.HasField("redacted_text"):
        view["redacted_text"] = classification.redacted_text
    if classification.HasField("redacted_in_reply_to_text"):
        view["redacted_in_reply_to_text"] = classification.redacted_in_reply_to_text
    return view


def routing_view(routing: Routing) -> Json:
    """What the policy decides."""
    return {
        "priority": PRIORITIES[routing.priority],
        "score": routing.score,
        "reasons": [{"rule": reason.rule, "points": reason.points} for reason in routing.reasons],
        "queue": routing.queue,
        "first_response_due": time_view(routing.first_response_due),
        "resolution_due": time_view(routing.resolution_due),
        "tone": routing.tone,
        "length_limit": routing.length_limit,
        "policy_version": routing.policy_version,
    }


def outcome_view(outcome: Outcome) -> Json:
    """An outcome as posted, with `received_at`."""
    view: Json = {
        "id": outcome.id,
        "type": OUTCOME_TYPES[outcome.type],
        "mention_id": outcome.mention_id,
        "customer_key": outcome.customer_key,
        "occurred_at": time_view(outcome.occurred_at),
        "received_at": time_view(outcome.received_at),
    }
    for name in ("channel", "agent_id"):
        if value := getattr(outcome, name):
            view[name] = value
    for name in ("effort_seconds", "cost", "satisfaction"):
        if outcome.HasField(name):
            view[name] = getattr(outcome, name)
    return view


def alert_view(alert: SpikeAlert) -> Json:
    """An event of an episode. `ratio` None: the series normally has nothing at that hour."""
    view: Json = {
        "alert_id": alert.alert_id,
        "episode_id": alert.episode_id,
        "event": SPIKE_EVENTS[alert.event],
        "tenant": alert.tenant,
        "brand": alert.brand,
        "at": time_view(alert.at),
        "since": time_view(alert.since),
        "severity": alert.severity,
        "peak_severity": alert.peak_severity,
        "cause": SPIKE_CAUSES[alert.cause],
        "evidence": [_evidence_view(evidence) for evidence in alert.evidence],
        "series": [_series_view(series) for series in alert.series],
        "mentions": alert.mentions,
        "authors": alert.authors,
        "reach": alert.reach,
        "posts": [
            {"id": post.post_id, "platform": post.platform, "mentions": post.mentions, "copies": post.copies}
            for post in alert.posts
        ],
        "links": _items_view(alert.links),
        "tags": _items_view(alert.tags),
        "author_tags": _items_view(alert.author_tags),
    }
    for name in ("mix", "normal_mix"):
        if alert.HasField(name):
            view[name] = _mix_view(getattr(alert, name))
    if alert.planned:
        view["planned"] = alert.planned
    return view


def spike_ratio(series: SpikeSeries) -> float | None:
    """How many times as many mentions as normal; None where the normal is none."""
    return series.observed_per_minute / series.expected_per_minute if series.expected_per_minute else None


def time_view(value: Timestamp) -> str:
    """RFC 3339 in UTC, to the second, millisecond or microsecond, as fine as the value is."""
    moment = _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
    finest = "microseconds" if moment.microsecond % 1000 else "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=finest).removesuffix("+00:00") + "Z"


def struct_view(struct: Struct) -> Json:
    """A Protobuf struct as JSON; whole numbers come back as whole numbers."""
    return {name: _value_view(value) for name, value in struct.fields.items()}


def _value_view(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return struct_view(value.struct_value)
        case "list_value":
            return _list_view(value.list_value)
        case _:
            return None


def _list_view(values: ListValue) -> list[Any]:
    return [_value_view(value) for value in values.values]


def _author_view(author: Author) -> Json:
    view: Json = {name: value for name in ("id", "handle", "customer_id", "tier") if (value := getattr(author, name))}
    for name in ("followers", "verified", "value"):
        if author.HasField(name):
            view[name] = getattr(author, name)
    if author.tags:
        view["tags"] = list(author.tags)
    return view


def in_reply_to_view(in_reply_to: InReplyTo) -> Json:
    """What a mention answers, as posted."""
    view: Json = {"id": in_reply_to.id}
    if in_reply_to.HasField("by_brand"):
        view["by_brand"] = in_reply_to.by_brand
    if in_reply_to.text:
        view["text"] = in_reply_to.text
    return view


def _evidence_view(evidence: SpikeEvidence) -> Json:
    view: Json = {"name": evidence.name, "value": evidence.value}
    if evidence.HasField("normal"):
        view["normal"] = evidence.normal
    return view


def _series_view(series: SpikeSeries) -> Json:
    view: Json = {"platform": series.platform} if series.platform else {}  # without one: all together
    return {
        **view,
        "observed_per_minute": series.observed_per_minute,
        "expected_per_minute": series.expected_per_minute,
        "ratio": spike_ratio(series),
    }


def _items_view(items: Iterable[SpikeItem]) -> list[Json]:
    return [{"value": item.value, "mentions": item.mentions} for item in items]


def _mix_view(mix: SpikeMix) -> Json:
    return {
        "mentions": mix.mentions,
        "inquiry_types": dict(zip(INQUIRY_TYPES.values(), mix.inquiry_types, strict=True)),
        "negative": mix.negative,
        "languages": dict(sorted(mix.languages.items())),
    }
