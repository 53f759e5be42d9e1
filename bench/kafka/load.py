"""Records for the benchmarks: made as ingest and classify make them, written with a client that is not aiokafka."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, islice
from typing import Any, Final, cast

from confluent_kafka import KafkaError, KafkaException, Producer

from bench.ingest_server import NoAppend
from bench.kafka.cluster import PARTITIONS
from bench.texts import sample_mentions
from mention_triage.v1.classification_pb2 import (
    Classification,
    ClassifiedMention,
    Confidence,
    ConfidenceLevel,
    InquiryTypePrediction,
    ModelInfo,
    SentimentPrediction,
)
from mention_triage.v1.mention_pb2 import Mention
from services.common.contracts.records import event_record
from services.common.contracts.views import INQUIRY_TYPES, SENTIMENTS
from services.common.log.port import Log, NewRecord
from services.common.log.topics import CLASSIFIED
from services.ingest.events import MentionIntake, Received
from services.ingest.settings import IngestSettings

TENANT: Final = "bench"
_ORIGINALS: Final = 10
_SECONDS: Final = 60.0
_HIGH: Final = ConfidenceLevel.CONFIDENCE_LEVEL_HIGH


def copies(kind: str) -> Iterator[dict[str, Any]]:
    """Endless mentions as the API takes them: copies of ten, each by an author of its own. `kind`: part of the ids.

    The model's cache answers all but the first ten.
    """
    samples = sample_mentions()[:_ORIGINALS]
    for n in count():
        yield samples[n % _ORIGINALS] | {"id": f"{kind}-{n}", "author": {"id": f"{kind}-{n}"}}


def mention_records(number: int, received_ms: Callable[[int], int]) -> list[NewRecord]:
    """Records of `mentions.v1`. `received_ms`: of the n-th one."""
    intake = MentionIntake(IngestSettings(), cast(Log, NoAppend(PARTITIONS)))
    posted = islice(copies("waiting"), number)
    return [intake.record(mention, Received(TENANT, received_ms(n)))[1] for n, mention in enumerate(posted)]


def classified_records(number: int, received_ms: Callable[[int], int]) -> list[NewRecord]:
    """Records of `classified.v1`: the same mentions, with every inquiry type and sentiment in turn."""
    labels = [(inquiry_type, sentiment) for inquiry_type in INQUIRY_TYPES.values() for sentiment in SENTIMENTS.values()]
    classifications = [_classification(*each) for each in labels]
    return [
        _classified(record, classifications[n % len(classifications)])
        for n, record in enumerate(mention_records(number, received_ms))
    ]


def _classified(record: NewRecord, classification: Classification) -> NewRecord:
    mention = Mention.FromString(record.value or b"")
    return event_record(
        CLASSIFIED,
        record.partition,
        mention.customer_key,
        ClassifiedMention(mention=mention, classification=classification),
        event_id=mention.mention_id,
        source="classify",
        timestamp_ms=record.timestamp_ms,
    )


def _classification(inquiry_type: str, sentiment: str) -> Classification:
    return Classification(
        inquiry_type=InquiryTypePrediction(
            label=f"INQUIRY_TYPE_{inquiry_type.upper()}", probabilities=[0.2] * len(INQUIRY_TYPES)
        ),
        sentiment=SentimentPrediction(label=f"SENTIMENT_{sentiment.upper()}", probabilities=[0.25, 0.5, 0.25]),
        actionable=True,
        actionable_probability=0.9,
        language="es",
        confidence=Confidence(inquiry_type=_HIGH, sentiment=_HIGH, actionable=_HIGH),
        model=ModelInfo(name="bench", version="1"),
    )


def produce(bootstrap: str, records: Iterable[NewRecord]) -> None:
    """Write records, in order within each partition; all acknowledged on return. Raises `KafkaException`."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 20, "log_level": 0})
    failures: list[KafkaError] = []

    def acknowledged(error: KafkaError | None, _: object) -> None:
        if error is not None:
            failures.append(error)

    for record in records:
        _enqueue(producer, record, acknowledged)
    if producer.flush(_SECONDS):
        raise TimeoutError(f"the brokers have not acknowledged all records within {_SECONDS:g} s")
    if failures:
        raise KafkaException(failures[0])


def _enqueue(producer: Producer, record: NewRecord, acknowledged: Callable[[KafkaError | None, object], None]) -> None:
    headers: Sequence[tuple[str, bytes]] = record.headers
    while True:
        try:
            producer.produce(
                record.topic,
                record.value,
                record.key,
                record.partition,
                on_delivery=acknowledged,
                timestamp=record.timestamp_ms,
                headers=list(headers),
            )
        except BufferError:  # the queue is full: let some out
            producer.poll(0.1)
        else:
            producer.poll(0)
            return
