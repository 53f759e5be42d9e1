"""The stage `mix`: counts what the model says about mentions: inquiry type, sentiment, language."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

from mention_triage.v1.classification_pb2 import Classification, ClassifiedMention
from mention_triage.v1.counts_pb2 import CountSource, Mix, PartialCount
from services.common.contracts.views import INQUIRY_TYPES, SENTIMENTS
from services.common.log.port import Record
from services.common.log.topics import CLASSIFIED
from services.common.stage.decoding import decode
from services.common.stage.stage import Rejected, Result, Stage
from services.common.stage.ticks import is_tick
from services.router.counting.partial import (
    BATCH_RECORDS,
    BATCH_SECONDS,
    Batch,
    Counted,
    Series,
    fault_of,
    is_old,
    outputs_of,
)
from services.router.counting.progress import Progress

NAME: Final = "mix"


def mix_stage(old_after_seconds: int, partitions: int) -> Stage[Progress]:
    """The stage. `partitions`: of each topic. Repeats do not come so far: classify drops them.

    What was written more than `old_after_seconds` before it was received is counted apart.
    """
    return Stage(
        NAME,
        CLASSIFIED,
        partial(_process, old_after_seconds, partitions),
        new_state=Progress,
        max_batch_records=BATCH_RECORDS,
        batch_seconds=BATCH_SECONDS,
    )


class _Mix:
    """What was said about the mentions of a series in a batch; enums count from 1."""

    def __init__(self) -> None:
        self.mentions = 0
        self.old = 0
        self.inquiry_types = [0] * len(INQUIRY_TYPES)
        self.sentiments = [0] * len(SENTIMENTS)
        self.languages: Counter[str] = Counter()

    def to_proto(self, series: Series) -> PartialCount:
        """See `Count.to_proto`."""
        return PartialCount(
            brand=series.brand,
            platform=series.platform,
            bucket=series.bucket,
            mentions=self.mentions,
            old_mentions=self.old,
            mix=Mix(inquiry_types=self.inquiry_types, sentiments=self.sentiments, languages=self.languages)
            if self.mentions
            else None,
        )


async def _process(old_after_seconds: int, partitions: int, progress: Progress, records: Sequence[Record]) -> Result:
    rejected: list[Rejected] = []
    counted = Counted(_Mix)
    for record in records:
        if is_tick(record):
            continue
        classified = decode(record, ClassifiedMention)
        if isinstance(classified, Rejected):
            rejected.append(classified)
            continue
        mention, said = classified.mention, classified.classification
        if fault := fault_of(mention) or _said_fault(said):
            rejected.append(Rejected(record, "invalid", fault))
            continue
        mix = counted.of(mention)
        if is_old(mention, old_after_seconds):
            mix.old += 1
            continue
        mix.mentions += 1
        mix.inquiry_types[said.inquiry_type.label - 1] += 1
        mix.sentiments[said.sentiment.label - 1] += 1
        mix.languages[said.language] += 1
    batch = Batch(NAME, CountSource.COUNT_SOURCE_CLASSIFIED, records, progress.after(records))
    outputs = outputs_of(batch, counted.by_series, progress, partitions)
    return Result(outputs, rejected, partial(progress.committed, batch.moment))


def _said_fault(said: Classification) -> str | None:
    if said.inquiry_type.label not in INQUIRY_TYPES:
        return "classification.inquiry_type.label is not set, or unknown here"
    if said.sentiment.label not in SENTIMENTS:
        return "classification.sentiment.label is not set, or unknown here"
    return None
