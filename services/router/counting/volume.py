"""The stage `volume`: counts mentions before the model sees them, each once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from mention_triage.v1.counts_pb2 import CountSource, PartialCount
from mention_triage.v1.mention_pb2 import Mention, MentionKind
from services.common.contracts.records import milliseconds
from services.common.log.port import Record
from services.common.log.topics import MENTIONS, SEEN_VOLUME
from services.common.stage.dedupe import Seen, Sighting, seen_records, seen_state, split
from services.common.stage.stage import Rejected, Result, Stage, StateRecord
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics
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
from services.router.counting.progress import Moment, Progress
from services.router.counting.sketches import Summary
from services.router.counting.texts import Features, features

NAME: Final = "volume"
_DIRECT_MESSAGE: Final = MentionKind.MENTION_KIND_DIRECT_MESSAGE


@dataclass(frozen=True, slots=True)
class VolumeState:
    """What the stage knows of one partition."""

    seen: Seen
    """The mentions that it has counted."""
    progress: Progress = field(default_factory=Progress)
    """In no state topic: another process finds out anew how far the partition has come."""


def volume_stage(metrics: Metrics, seen_limit: int, old_after_seconds: int, partitions: int) -> Stage[VolumeState]:
    """The stage. `seen_limit`: mentions remembered per partition. `partitions`: of each topic.

    What was written more than `old_after_seconds` before it was received is counted apart.
    """
    kept = seen_state(seen_limit, metrics, defs.VOLUME_SEEN_ENTRIES, defs.VOLUME_SEEN_CUT)

    def restore(state: VolumeState, records: Sequence[StateRecord]) -> None:
        kept.restore(state.seen, records)

    return Stage(
        NAME,
        MENTIONS,
        partial(_process, metrics, old_after_seconds, partitions),
        new_state=lambda: VolumeState(kept.new_state()),
        state_topic=SEEN_VOLUME,
        restore=restore,
        max_batch_records=BATCH_RECORDS,
        batch_seconds=BATCH_SECONDS,
    )


class _Volume:
    """The mentions of a series in a batch."""

    __slots__ = ("mentions", "old", "summary")

    def __init__(self) -> None:
        self.mentions = 0
        self.old = 0
        self.summary: Summary | None = None

    def to_proto(self, series: Series) -> PartialCount:
        """See `Count.to_proto`."""
        return PartialCount(
            brand=series.brand,
            platform=series.platform,
            bucket=series.bucket,
            mentions=self.mentions,
            old_mentions=self.old,
            sketches=self.summary.to_proto() if self.summary else None,
        )


async def _process(
    metrics: Metrics, old_after_seconds: int, partitions: int, state: VolumeState, records: Sequence[Record]
) -> Result:
    found = split(state.seen, records)
    rejected = list(found.rejected)
    sightings: list[Sighting] = []
    counted = Counted(_Volume)
    known: dict[str, Features] = {}
    for record, mention in found.fresh:
        if fault := fault_of(mention):
            rejected.append(Rejected(record, "invalid", fault))
            continue
        sightings.append(Sighting(record.key or b"", mention.mention_id, milliseconds(mention.received_at)))
        volume = counted.of(mention)
        if is_old(mention, old_after_seconds):
            volume.old += 1
            continue
        volume.mentions += 1
        if volume.summary is None:
            volume.summary = Summary()
        _summarise(volume.summary, mention, known)
    batch = Batch(NAME, CountSource.COUNT_SOURCE_MENTIONS, records, state.progress.after(records))
    outputs = outputs_of(batch, counted.by_series, state.progress, partitions)
    outputs += seen_records(SEEN_VOLUME, records[0].partition, sightings)
    old: Counter[str] = Counter()
    for series, volume in counted.by_series.items():
        old[series.tenant] += volume.old
    committed = partial(_committed, metrics, state.progress, batch.moment, found.repeats, old)
    return Result(outputs, rejected, committed)


def _summarise(summary: Summary, mention: Mention, known: dict[str, Features]) -> None:
    """Add a mention. `known`: features of the batch's texts; most mentions of a viral spike are copies."""
    author = mention.author
    summary.add_author(mention.customer_key, author.tags)
    if mention.kind == _DIRECT_MESSAGE:  # never public, never reach
        return
    if author.followers > 0:
        summary.add_reach(mention.customer_key, author.followers)
    text, native_id = mention.text, mention.native_id
    place = mention.platform + "/"  # an identifier is unique on its platform alone
    if (found := known.get(text)) is None:
        found = known[text] = features(text)
    summary.add_text(found, place + native_id)
    root = mention.in_reply_to.id or mention.conversation
    if root and root != native_id:
        summary.add_root(place + root)


def _committed(metrics: Metrics, progress: Progress, moment: Moment, repeats: int, old: Counter[str]) -> None:
    progress.committed(moment)
    metrics.counter(defs.VOLUME_DUPLICATES).inc(repeats)
    for tenant, mentions in old.items():
        metrics.counter(defs.VOLUME_OLD, tenant).inc(mentions)
