"""Records as the stages write them, for the commands that read the log."""

import time

from mention_triage.v1.alert_pb2 import (
    SpikeAlert,
    SpikeCause,
    SpikeEvent,
    SpikeEvidence,
    SpikeItem,
    SpikeMix,
    SpikePost,
    SpikeSeries,
)
from mention_triage.v1.classification_pb2 import (
    Classification,
    Confidence,
    ConfidenceLevel,
    InquiryTypePrediction,
    ModelInfo,
    SentimentPrediction,
)
from mention_triage.v1.mention_pb2 import Author, Mention, MentionKind
from mention_triage.v1.routing_pb2 import Reason, RoutedMention, Routing
from services.common.contracts.records import event_record, timestamp
from services.common.log import topics
from services.common.log.port import NewRecord

START_MS = int(time.time()) * 1000 - 3_600_000  # young: retention goes by the records' own time


def mention(
    number: int, *, tenant: str = "demo", brand: str = "Telandia", text: str = "hola", at_ms: int = 0
) -> Mention:
    return Mention(
        mention_id=f"{number:032x}",
        tenant=tenant,
        brand=brand,
        platform="x",
        native_id=f"n-{number}",
        kind=MentionKind.MENTION_KIND_POST,
        text=text,
        author=Author(id=f"a-{number}"),
        received_at=timestamp(START_MS + at_ms),
        customer_key=f"{tenant}/x/a-{number}",
    )


def mention_record(number: int, partition: int, at_ms: int, text: str = "hola") -> NewRecord:
    made = mention(number, text=text, at_ms=at_ms)
    return event_record(
        topics.MENTIONS,
        partition,
        made.customer_key,
        made,
        event_id=made.mention_id,
        source="ingest",
        timestamp_ms=START_MS + at_ms,
    )


def routed_record(
    number: int,
    partition: int,
    at_ms: int,
    *,
    tenant: str = "demo",
    brand: str = "Telandia",
    text: str = "hola",
    queue: str = "complaints-es",
    priority: str = "P3",
    inquiry_type: str = "complaint",
    sentiment: str = "negative",
    language: str = "es",
) -> NewRecord:
    made = RoutedMention(
        mention=mention(number, tenant=tenant, brand=brand, text=text, at_ms=at_ms),
        classification=Classification(
            inquiry_type=InquiryTypePrediction(
                label=f"INQUIRY_TYPE_{inquiry_type.upper()}", probabilities=[0.6, 0.1, 0.1, 0.1, 0.1]
            ),
            sentiment=SentimentPrediction(label=f"SENTIMENT_{sentiment.upper()}", probabilities=[0.8, 0.1, 0.1]),
            actionable=True,
            actionable_probability=0.9,
            language=language,
            confidence=Confidence(
                inquiry_type=ConfidenceLevel.CONFIDENCE_LEVEL_HIGH,
                sentiment=ConfidenceLevel.CONFIDENCE_LEVEL_HIGH,
                actionable=ConfidenceLevel.CONFIDENCE_LEVEL_LOW,
            ),
            model=ModelInfo(name="m", version="1"),
        ),
        routing=Routing(
            priority=f"PRIORITY_{priority}",
            score=40,
            reasons=[Reason(rule="complaint", points=25), Reason(rule="negative sentiment", points=15)],
            queue=queue,
            first_response_due=timestamp(START_MS + at_ms + 900_000),
            resolution_due=timestamp(START_MS + at_ms + 86_400_000),
        ),
    )
    return event_record(
        topics.ROUTED,
        partition,
        made.mention.customer_key,
        made,
        event_id=made.mention.mention_id,
        source="router",
        timestamp_ms=START_MS + at_ms,
    )


def alert_record(brand: str, at_ms: int, *, expected: float = 10.0, planned: str = "") -> NewRecord:
    made = SpikeAlert(
        alert_id=f"alert-{brand}",
        episode_id=f"episode-{brand}",
        event=SpikeEvent.SPIKE_EVENT_STARTED,
        tenant="demo",
        brand=brand,
        at=timestamp(START_MS),
        since=timestamp(START_MS - 240_000),
        severity=8,
        peak_severity=8,
        cause=SpikeCause.SPIKE_CAUSE_VIRALITY,
        evidence=[
            SpikeEvidence(name="top_texts_share", value=0.5, normal=0.125),
            SpikeEvidence(name="x", value=2.0),
        ],
        series=[
            SpikeSeries(observed_per_minute=62.0, expected_per_minute=expected),
            SpikeSeries(platform="x", observed_per_minute=50.0),
        ],
        mentions=1_240,
        authors=900,
        reach=50_000,
        posts=[SpikePost(post_id="77", platform="x", mentions=310, copies=True)],
        links=[SpikeItem(value="https://example.org/a", mentions=12)],
        mix=SpikeMix(
            mentions=1_000,
            inquiry_types=[0.5, 0.25, 0.125, 0.125, 0.0],
            negative=0.5,
            languages={"pt": 0.25, "es": 0.75},
        ),
        planned=planned,
    )
    return event_record(
        topics.ALERTS, 0, "demo", made, event_id=made.alert_id, source="spikes", timestamp_ms=START_MS + at_ms
    )
