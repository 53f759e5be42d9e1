"""The stage `classify`: mentions in, mentions with their classification out, each once."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final
from weakref import WeakSet

from mention_triage.v1.classification_pb2 import ClassifiedMention
from mention_triage.v1.mention_pb2 import Mention
from services.classify.classifier import Classifier, Labels
from services.classify.dedupe import Seen, Sighting, seen_records
from services.classify.proto import model_info, to_classification, to_model_input
from services.common.contracts.records import TRACEPARENT, event_record, headers_of, milliseconds
from services.common.log.port import Record
from services.common.log.topics import CLASSIFIED, MENTIONS, SEEN
from services.common.stage.decoding import decode
from services.common.stage.stage import Rejected, Result, Stage, StateRecord
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics

NAME: Final = "classify"
_MENTION_ID: Final = re.compile("[0-9a-f]{32}")


def classify_stage(classifier: Classifier, seen_limit: int, metrics: Metrics) -> Stage[Seen]:
    """The stage. `seen_limit`: mentions remembered per partition."""
    states: WeakSet[Seen] = WeakSet()  # of the partitions worked on here: one that was given up drops out by itself

    def new_state() -> Seen:
        states.add(seen := Seen(seen_limit))
        return seen

    metrics.gauge(defs.CLASSIFY_SEEN_ENTRIES).set_function(lambda: sum(map(len, states)))
    return Stage(
        name=NAME,
        source=MENTIONS,
        process=partial(_process, classifier, metrics),
        new_state=new_state,
        state_topic=SEEN,
        restore=partial(_restore, metrics),
        # All partitions wait for one model: smaller batches keep each of them moving, and the drain at the end short.
        max_batch_records=64,
    )


async def _process(classifier: Classifier, metrics: Metrics, seen: Seen, records: Sequence[Record]) -> Result:
    fresh: list[tuple[Record, Mention]] = []
    rejected: list[Rejected] = []
    output_at: dict[str, int] = {}
    repeats = 0
    for record in records:
        mention = _mention_of(record)
        if isinstance(mention, Rejected):
            rejected.append(mention)
            continue
        received_ms = milliseconds(mention.received_at)
        earlier_ms = output_at.get(mention.mention_id)
        if seen.has(mention.mention_id, received_ms) or (
            earlier_ms is not None and seen.within_window(earlier_ms, received_ms)
        ):
            repeats += 1
        else:
            fresh.append((record, mention))
            output_at[mention.mention_id] = received_ms

    mentions = [mention for _, mention in fresh]
    labels = await classifier.classify(
        [to_model_input(mention) for mention in mentions], [mention.language for mention in mentions]
    )
    info = model_info(classifier)
    outputs = [
        event_record(
            CLASSIFIED,
            record.partition,
            mention.customer_key,
            ClassifiedMention(mention=mention, classification=to_classification(found, info)),
            event_id=mention.mention_id,
            source=NAME,
            timestamp_ms=record.timestamp_ms,
            traceparent=headers_of(record.headers).get(TRACEPARENT),
        )
        for (record, mention), found in zip(fresh, labels, strict=True)
    ]
    sightings = [
        Sighting(mention.customer_key.encode(), mention.mention_id, milliseconds(mention.received_at))
        for mention in mentions
    ]
    outputs += seen_records(records[0].partition, sightings)
    return Result(outputs, rejected, partial(_count, metrics, labels, repeats))


def _mention_of(record: Record) -> Mention | Rejected:
    mention = decode(record, Mention)
    if isinstance(mention, Mention) and not _MENTION_ID.fullmatch(mention.mention_id):
        return Rejected(record, "invalid", "the mention has no mention_id of 32 lower-case hexadecimal digits")
    return mention


def _restore(metrics: Metrics, seen: Seen, records: Sequence[StateRecord]) -> None:
    cut = seen.cut
    seen.restore(records)
    metrics.counter(defs.CLASSIFY_SEEN_CUT).inc(seen.cut - cut)


def _count(metrics: Metrics, labels: Sequence[Labels], repeats: int) -> None:
    metrics.counter(defs.CLASSIFY_DUPLICATES).inc(repeats)
    for found in labels:
        metrics.counter(
            defs.CLASSIFY_MENTIONS, metrics.language(found.language), found.inquiry_type, found.levels.inquiry_type
        ).inc()
