"""Partial counts as the counting stages write them, and a stage that takes them in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mention_triage.v1.alert_pb2 import SpikeAlert
from mention_triage.v1.counts_pb2 import CountSource, MentionCounts, Mix, PartialCount
from services.common.log.port import NewRecord, Record
from services.common.log.topics import ALERTS, COUNTS, SPIKE_STATE
from services.common.stage.stage import Result, Stage
from services.common.telemetry.metrics import Metrics
from services.router.counting.sketches import Summary
from services.router.spikes.calendar import NO_EVENTS, Calendar
from services.router.spikes.closing import SpikePolicy
from services.router.spikes.detector import DetectorState
from services.router.spikes.episodes.policy import EPISODES
from services.router.spikes.series import SeriesKey
from services.router.spikes.stage import Watched, spikes_stage

START = 1_800_000_000 // 86_400 * 86_400
MENTIONS = CountSource.COUNT_SOURCE_MENTIONS
CLASSIFIED = CountSource.COUNT_SOURCE_CLASSIFIED


def partial_count(bucket: int, mentions: int, brand: str = "Acme", platform: str = "x") -> PartialCount:
    """A count of so many mentions by so many authors."""
    summary = Summary()
    for number in range(mentions):
        summary.add_author(f"acme/{platform}/{bucket}-{number}", ())
    return PartialCount(brand=brand, platform=platform, bucket=bucket, mentions=mentions, sketches=summary.to_proto())


def mix_count(bucket: int, negative: int, neutral: int, brand: str = "Acme", platform: str = "x") -> PartialCount:
    """What the model says of so many complaints and questions."""
    mix = Mix(
        inquiry_types=[negative, 0, 0, neutral, 0],
        sentiments=[negative, neutral, 0],
        languages={"es": negative + neutral},
    )
    return PartialCount(brand=brand, platform=platform, bucket=bucket, mentions=negative + neutral, mix=mix)


def message(
    until: int,
    counts: Sequence[PartialCount] = (),
    partition: int = 0,
    source: CountSource = MENTIONS,
    tenant: str = "acme",
) -> MentionCounts:
    """What a record of the counts holds; without counts, a progress mark."""
    return MentionCounts(
        source=source, source_partition=partition, until=until, tenant=tenant if counts else "", counts=counts
    )


def records(messages: Iterable[MentionCounts], first: int = 0) -> list[Record]:
    """Records of partition 0 of the counts, from offset `first` on."""
    return [
        Record(COUNTS, 0, offset, each.tenant.encode(), each.SerializeToString(), each.until * 1000)
        for offset, each in enumerate(messages, first)
    ]


def minutes(
    per_row: Mapping[int, int] | Sequence[int], start: int = START, partitions: int = 1, brand: str = "Acme"
) -> list[MentionCounts]:
    """Rows of ten seconds with so many mentions each, spread over the partitions, each row with its marks."""
    found: list[MentionCounts] = []
    counts = per_row if isinstance(per_row, Mapping) else dict(enumerate(per_row))
    for row in range(max(counts) + 1):
        bucket, mentions = start + 10 * row, counts.get(row, 0)
        shares = [mentions // partitions + (part < mentions % partitions) for part in range(partitions)]
        for part, share in enumerate(shares):
            if share:
                found.append(message(bucket, [partial_count(bucket, share, brand)], part))
        found += [message(bucket + 10, partition=part) for part in range(partitions)]
    return found


@dataclass
class World:
    """The stage, outside of any log."""

    metrics: Metrics = field(default_factory=lambda: Metrics("router"))
    partitions: int = 1
    max_series: int = 100
    baselines: Mapping[SeriesKey, DetectorState] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=lambda: NO_EVENTS)
    now: float = float(START)

    def __post_init__(self) -> None:
        self.stage: Stage[Watched] = spikes_stage(
            self.metrics,
            SpikePolicy(self.calendar, EPISODES),
            self.partitions,
            self.max_series,
            self.baselines,
            clock=lambda: self.now,
        )
        self.watched = self.stage.new_state()
        self.offset = 0

    async def take(self, messages: Sequence[MentionCounts], sizes: Iterable[int] = (1_000_000,)) -> list[NewRecord]:
        """Let the stage take them in, in batches of these sizes over and over; gives its outputs, committed."""
        todo = records(messages, self.offset)
        self.offset += len(todo)
        outputs: list[NewRecord] = []
        sizes = list(sizes)
        turn = 0
        while todo:
            size = sizes[turn % len(sizes)]
            result: Result = await self.stage.process(self.watched, todo[:size])
            assert not result.rejected
            result.committed()
            outputs += result.outputs
            todo, turn = todo[size:], turn + 1
        return outputs

    def again(self, outputs: Sequence[NewRecord]) -> int:
        """Start anew from what was written to the state topic; gives the offset from which on counts are to come."""
        self.watched = self.stage.new_state()
        assert self.stage.restore is not None
        assert self.stage.replay_from is not None
        kept = [each for each in outputs if each.topic == SPIKE_STATE]
        if kept:
            self.stage.restore(self.watched, kept)
        return self.stage.replay_from(self.watched)


def alerts(outputs: Sequence[NewRecord]) -> list[SpikeAlert]:
    """The alerts among the outputs."""
    return [SpikeAlert.FromString(each.value or b"") for each in outputs if each.topic == ALERTS]


def steady(per_row: float, rows: int, seed: int = 7) -> list[int]:
    """Counts of an even, noisy series."""
    return [int(n) for n in np.random.default_rng(seed).poisson(per_row, rows)]
