"""Records of the pipeline: a Protobuf message with CloudEvents headers (Kafka binding, binary mode)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.log.port import Headers, NewRecord

CONTENT_TYPE: Final = b"application/protobuf"
TRACEPARENT: Final = "traceparent"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_MS: Final = 253_402_300_799_000  # the end of the year 9999: what RFC 3339 can say


def event_record(
    topic: str,
    partition: int,
    key: str,
    message: Message,
    *,
    event_id: str,
    source: str,
    timestamp_ms: int,
    traceparent: bytes | None = None,
) -> NewRecord:
    """A record that carries `message`.

    `event_id` with `source` identifies it; `source` is the service (`ingest`, `classify`, `router`); `timestamp_ms`, in
    milliseconds since the epoch, is when ingest received what it is about.
    """
    headers: Headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", message.DESCRIPTOR.full_name.encode()),
        ("ce_source", b"/mention-triage/" + source.encode()),
        (
            "ce_time",
            datetime.fromtimestamp(min(max(timestamp_ms, 0), _LATEST_MS) / 1000, UTC)
            .isoformat(timespec="milliseconds")
            .encode(),
        ),
        ("content-type", CONTENT_TYPE),
    )
    if traceparent:
        headers += ((TRACEPARENT, traceparent),)
    # Deterministic, so that the same input gives the same bytes.
    value = message.SerializeToString(deterministic=True)
    return NewRecord(topic, partition, key.encode(), value, timestamp_ms, headers)


def headers_of(headers: Headers) -> Mapping[str, bytes]:
    """Headers by name."""
    return dict(headers)


def timestamp(milliseconds: int) -> Timestamp:
    """Milliseconds since the epoch as a Protobuf timestamp."""
    return Timestamp(seconds=milliseconds // 1000, nanos=milliseconds % 1000 * 1_000_000)


def to_timestamp(moment: datetime) -> Timestamp:
    """A time since 1970, to the microsecond, as a Protobuf timestamp."""
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def milliseconds(value: Timestamp) -> int:
    """A Protobuf timestamp as milliseconds since the epoch, rounded down."""
    return value.seconds * 1000 + value.nanos // 1_000_000
