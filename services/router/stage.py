"""The stage `route`: classified mentions in, routed mentions out."""

import time
from collections.abc import Callable, Sequence

from mention_triage.v1.classification_pb2 import Classification, ClassifiedMention
from mention_triage.v1.mention_pb2 import Mention
from mention_triage.v1.routing_pb2 import RoutedMention
from services.common.contracts.records import TRACEPARENT, event_record, headers_of
from services.common.contracts.views import (
    CONFIDENCE_LEVELS,
    INQUIRY_TYPES,
    MENTION_KINDS,
    PERSONAL_DATA_KINDS,
    PRIORITIES,
    SENTIMENTS,
)
from services.common.log.port import NewRecord, Record
from services.common.log.topics import CLASSIFIED, ROUTED
from services.common.stage.decoding import decode
from services.common.stage.stage import Rejected, Result, Stage
from services.common.stage.ticks import is_tick
from services.common.telemetry.metric_defs import (
    ROUTER_MENTIONS,
    ROUTER_QUEUED,
    ROUTER_RECEIVED_TO_ROUTED,
    ROUTER_SENTIMENTS,
)
from services.common.telemetry.metrics import Metrics
from services.router.policy.compiled import Policy
from services.router.policy.decide import decide


def route_stage(policy: Policy, metrics: Metrics, clock: Callable[[], float] = time.time) -> Stage[None]:
    """The stage that applies `policy`. `clock` (seconds since the epoch) only measures how long routing took."""

    async def process(_: None, records: Sequence[Record]) -> Result:
        outputs: list[NewRecord] = []
        rejected: list[Rejected] = []
        done: list[RoutedMention] = []
        for record in records:
            if is_tick(record):
                continue
            classified = _decode(record)
            if isinstance(classified, Rejected):
                rejected.append(classified)
                continue
            mention, classification = classified.mention, classified.classification
            routing = decide(policy, mention, classification)
            routed = RoutedMention(mention=mention, classification=classification, routing=routing)
            done.append(routed)
            outputs.append(
                event_record(
                    ROUTED,
                    record.partition,
                    mention.customer_key,
                    routed,
                    event_id=mention.mention_id,
                    source="router",
                    timestamp_ms=record.timestamp_ms,
                    traceparent=headers_of(record.headers).get(TRACEPARENT),
                )
            )
        return Result(outputs, rejected, committed=lambda: _count(metrics, done, outputs, clock()))

    return Stage("route", CLASSIFIED, process, new_state=lambda: None)


def _decode(record: Record) -> ClassifiedMention | Rejected:
    classified = decode(record, ClassifiedMention)
    if isinstance(classified, Rejected):
        return classified
    fault = _mention_fault(classified.mention) or _classification_fault(classified.classification)
    return Rejected(record, "invalid", fault) if fault else classified


def _mention_fault(mention: Mention) -> str | None:
    for name in ("mention_id", "tenant", "brand", "platform", "customer_key"):
        if not getattr(mention, name):
            return f"mention.{name} is not set"
    if not mention.HasField("received_at"):
        return "mention.received_at is not set"
    if mention.kind and mention.kind not in MENTION_KINDS:
        return f"mention.kind {mention.kind} is unknown here"
    return None


def _classification_fault(classification: Classification) -> str | None:
    inquiry_type, sentiment, confidence = (
        classification.inquiry_type,
        classification.sentiment,
        classification.confidence,
    )
    for name, value, labels in (
        ("inquiry_type.label", inquiry_type.label, INQUIRY_TYPES),
        ("sentiment.label", sentiment.label, SENTIMENTS),
        ("confidence.inquiry_type", confidence.inquiry_type, CONFIDENCE_LEVELS),
        ("confidence.sentiment", confidence.sentiment, CONFIDENCE_LEVELS),
        ("confidence.actionable", confidence.actionable, CONFIDENCE_LEVELS),
    ):
        if value not in labels:
            return f"classification.{name} is {f'unknown here ({value})' if value else 'not set'}"
    for name, probabilities, labels in (
        ("inquiry_type", inquiry_type.probabilities, INQUIRY_TYPES),
        ("sentiment", sentiment.probabilities, SENTIMENTS),
    ):
        if len(probabilities) != len(labels):
            return f"classification.{name} has {len(probabilities)} probabilities instead of {len(labels)}"
    for kind in classification.personal_data:
        if kind not in PERSONAL_DATA_KINDS:
            return f"classification.personal_data {kind} is unknown here"
    return None


def _count(metrics: Metrics, done: Sequence[RoutedMention], outputs: Sequence[NewRecord], now: float) -> None:
    seconds = metrics.histogram(ROUTER_RECEIVED_TO_ROUTED)
    for routed, output in zip(done, outputs, strict=True):
        mention, classification, routing = routed.mention, routed.classification, routed.routing
        tenant, brand = mention.tenant, metrics.brand(mention.tenant, mention.brand)
        inquiry_type = INQUIRY_TYPES[classification.inquiry_type.label]
        sentiment = SENTIMENTS[classification.sentiment.label]
        metrics.counter(ROUTER_MENTIONS, tenant, brand, metrics.platform(tenant, mention.platform), inquiry_type).inc()
        metrics.counter(ROUTER_SENTIMENTS, tenant, brand, inquiry_type, sentiment).inc()
        metrics.counter(ROUTER_QUEUED, tenant, routing.queue, PRIORITIES[routing.priority]).inc()
        seconds.observe(max(0.0, now - output.timestamp_ms / 1000))
