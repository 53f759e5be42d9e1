"""Records for the counting stages, and what comes out of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.message import Message

from mention_triage.v1.counts_pb2 import MentionCounts, PartialCount
from mention_triage.v1.mention_pb2 import Mention
from services.common.contracts.records import event_record, milliseconds, timestamp
from services.common.log.port import NewRecord, Record
from services.common.log.topics import CLASSIFIED, COUNTS, MENTIONS
from services.common.stage.stage import Result, Stage
from services.common.stage.ticks import tick_record
from services.common.telemetry.metrics import Metrics
from services.router.counting.volume import VolumeState, volume_stage
from tests.unit.router.builders import RECEIVED_MS, make_mention

PARTITION = 3
PARTITIONS = 4
OLD_AFTER_SECONDS = 3_600
START_MS = RECEIVED_MS // 10_000 * 10_000  # of the bucket that ordinary mentions stand in


def mention(native_id: str = "1", *, occurred_ms: int | None = None, **fields: Any) -> Mention:
    """A mention by an author of its own; `fields` as for `make_mention`."""
    made = make_mention(**{"native_id": native_id, "author_id": f"author-{native_id}"} | fields)
    if occurred_ms is not None:
        made.occurred_at.CopyFrom(timestamp(occurred_ms))
    return made


def _record(new: NewRecord, offset: int) -> Record:
    return Record(new.topic, new.partition, offset, new.key, new.value, new.timestamp_ms, new.headers)


def record_of(message: Message, of: Mention, offset: int = 0) -> Record:
    """The record of a mention, alone or with its classification."""
    topic = MENTIONS if message is of else CLASSIFIED
    time_ms = milliseconds(of.received_at)
    key = of.customer_key
    return _record(
        event_record(topic, PARTITION, key, message, event_id=of.mention_id, source="test", timestamp_ms=time_ms),
        offset,
    )


def tick(at_ms: int, offset: int = 0, topic: str = MENTIONS) -> Record:
    """A tick."""
    return _record(tick_record(topic, PARTITION, at_ms), offset)


def broken(offset: int = 0, topic: str = MENTIONS) -> Record:
    """A record that holds no message."""
    return Record(topic, PARTITION, offset, b"acme/x/ana", b"\xff\xff", RECEIVED_MS)


def counts_of(results: Result | Iterable[Result]) -> list[tuple[NewRecord, MentionCounts]]:
    """Counts and marks, with their records."""
    every = [results] if isinstance(results, Result) else results
    outputs = [record for result in every for record in result.outputs if record.topic == COUNTS]
    return [(record, MentionCounts.FromString(record.value or b"")) for record in outputs]


def partials(results: Result | Iterable[Result]) -> list[tuple[str, PartialCount]]:
    """Partial counts with their tenants."""
    return [(message.tenant, each) for _, message in counts_of(results) for each in message.counts]


def lone(results: Result | Sequence[Result]) -> PartialCount:
    """The only partial count."""
    ((_, found),) = partials(results)
    return found


def make_stage(metrics: Metrics | None = None) -> Stage[VolumeState]:
    """The stage `volume`."""
    return volume_stage(metrics or Metrics("router"), 10_000, OLD_AFTER_SECONDS, PARTITIONS)


async def commit(stage: Stage[VolumeState], state: VolumeState, records: Sequence[Record]) -> Result:
    """Process a batch and do what the runner does once it is committed."""
    result = await stage.process(state, records)
    assert stage.restore
    stage.restore(state, [record for record in result.outputs if record.topic == stage.state_topic])
    result.committed()
    return result
