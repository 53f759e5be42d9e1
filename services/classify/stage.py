"""The stage `classify`: mentions in, mentions with their classification out, each once; ticks are handed on."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from mention_triage.v1.classification_pb2 import Classification, ClassifiedMention, ModelInfo
from mention_triage.v1.mention_pb2 import Mention
from services.classify.classifier import Classifier, Labels
from services.classify.proto import model_info, to_classification, to_model_input
from services.common.contracts.records import TRACEPARENT, event_record, headers_of
from services.common.contracts.views import PERSONAL_DATA_KINDS
from services.common.log.port import Record
from services.common.log.topics import CLASSIFIED, MENTIONS, SEEN
from services.common.stage.dedupe import Seen, seen_records, seen_state, split
from services.common.stage.stage import Result, Stage
from services.common.stage.ticks import is_tick, tick_ms, tick_record
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics

NAME: Final = "classify"
_FIELDS: Final = ("inquiry_type", "sentiment", "actionable")


def classify_stage(classifier: Classifier, seen_limit: int, metrics: Metrics) -> Stage[Seen]:
    """The stage. `seen_limit`: mentions remembered per partition."""
    state = seen_state(seen_limit, metrics, defs.CLASSIFY_SEEN_ENTRIES, defs.CLASSIFY_SEEN_CUT)
    return Stage(
        name=NAME,
        source=MENTIONS,
        process=partial(_process, classifier, metrics),
        new_state=state.new_state,
        state_topic=SEEN,
        restore=state.restore,
        # All partitions wait for one model: smaller batches keep each of them moving, and the drain at the end short.
        max_batch_records=64,
    )


async def _process(classifier: Classifier, metrics: Metrics, seen: Seen, records: Sequence[Record]) -> Result:
    found = split(seen, records)
    mentions = [mention for _, mention in found.fresh]
    labels = await classifier.classify(
        [to_model_input(mention) for mention in mentions], [mention.language for mention in mentions]
    )
    # Not in the event loop: the longest texts take it a tenth of a second each.
    classified = await asyncio.to_thread(_classified, mentions, labels, model_info(classifier))
    outputs = {
        record.offset: event_record(
            CLASSIFIED,
            record.partition,
            mention.customer_key,
            ClassifiedMention(mention=mention, classification=classification),
            event_id=mention.mention_id,
            source=NAME,
            timestamp_ms=record.timestamp_ms,
            traceparent=headers_of(record.headers).get(TRACEPARENT),
        )
        for (record, mention), classification in zip(found.fresh, classified, strict=True)
    }
    outputs |= {r.offset: tick_record(CLASSIFIED, r.partition, tick_ms(r)) for r in records if is_tick(r)}
    in_order = [output for _, output in sorted(outputs.items())]
    state = seen_records(SEEN, records[0].partition, found.sightings)
    return Result([*in_order, *state], found.rejected, partial(_count, metrics, labels, classified, found.repeats))


def _classified(mentions: Sequence[Mention], labels: Sequence[Labels], model: ModelInfo) -> list[Classification]:
    return [to_classification(said, model, mention) for mention, said in zip(mentions, labels, strict=True)]


def _count(metrics: Metrics, labels: Sequence[Labels], classified: Sequence[Classification], repeats: int) -> None:
    metrics.counter(defs.CLASSIFY_DUPLICATES).inc(repeats)
    for found, classification in zip(labels, classified, strict=True):
        metrics.counter(
            defs.CLASSIFY_MENTIONS, metrics.language(found.language), found.inquiry_type, found.levels.inquiry_type
        ).inc()
        for field in _FIELDS:
            if getattr(found.levels, field) == "abstain":
                metrics.counter(defs.CLASSIFY_ABSTAINED, field).inc()
        channel = "public" if classification.needs_private_channel else "private"
        for kind in classification.personal_data:
            metrics.counter(defs.CLASSIFY_PERSONAL_DATA, PERSONAL_DATA_KINDS[kind], channel).inc()
