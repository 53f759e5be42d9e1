"""The stage `spikes`: partial counts in, episodes of brands out."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import structlog

from mention_triage.v1.alert_pb2 import SpikeAlert, SpikeEvent
from mention_triage.v1.counts_pb2 import CountSource, MentionCounts
from services.common.contracts.records import event_record, milliseconds
from services.common.log.port import NewRecord, Record
from services.common.log.topics import ALERTS, COUNTS, GENERATION, SPIKE_STATE
from services.common.stage.decoding import decode
from services.common.stage.stage import Rejected, Result, Stage, StateRecord
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics
from services.router.spikes.closing import SpikePolicy, close_buckets, take_in
from services.router.spikes.detector import DetectorState
from services.router.spikes.series import SeriesKey, SeriesTable
from services.router.spikes.snapshots import Rounds, restored
from services.router.spikes.state import SpikeState

log = structlog.get_logger()

NAME: Final = "spikes"
_ROUND_SECONDS: Final = 600
_SHARDS_AT_ONCE: Final = 4  # 2 MB in one unit


class Watched:
    """The stage's state: what it knows of a partition, and how that is kept."""

    def __init__(self, blank: Callable[[], SpikeState]) -> None:
        self._blank = blank
        self._found: dict[bytes, bytes] = {}
        self.state = blank()
        self.rounds = Rounds()

    def find(self, records: Sequence[StateRecord]) -> None:
        """Take records of the state topic, oldest first."""
        for record in records:
            self.rounds.origin = f"{GENERATION}.{record.partition}"
            if record.key is not None and record.value is not None:
                self._found[record.key] = record.value

    def covers(self) -> int:
        """Make the state from what was found. Gives the offset from which on the counts are not in it."""
        try:
            restored(self.state, self.rounds, self._found)
        except ValueError as error:  # of another version: what is normal must be learned anew
            log.warning("snapshot dropped", error=str(error))
            self.state = self._blank()
        self._found.clear()
        return self.state.covers

    def snapshot(self, partition: int) -> list[NewRecord]:
        """What is to be kept now: a new round every ten minutes of the counts' time, its shards bit by bit."""
        closed = self.state.closed
        if closed is None:
            return []
        if not self.rounds.unwritten and closed - self.rounds.number >= _ROUND_SECONDS:
            self.rounds.origin = f"{GENERATION}.{partition}"
            self.rounds.begin(self.state, closed)
        return [
            NewRecord(SPIKE_STATE, partition, key, value, closed * 1000)
            for key, value in self.rounds.next_shards(_SHARDS_AT_ONCE)
        ]


def spikes_stage(
    metrics: Metrics,
    policy: SpikePolicy,
    partitions: int,
    max_series: int,
    baselines: Mapping[SeriesKey, DetectorState],
    clock: Callable[[], float] = time.time,
) -> Stage[Watched]:
    """The stage. `partitions`: of each topic. `max_series`: watched in one partition. `baselines`: what is normal for
    series that are new. `clock` (seconds since the epoch) only measures how long detection took."""
    return Stage(
        NAME,
        COUNTS,
        partial(_process, metrics, policy, clock),
        new_state=lambda: Watched(lambda: SpikeState(partitions, SeriesTable(max_series, baselines))),
        state_topic=SPIKE_STATE,
        restore=Watched.find,
        replay_from=Watched.covers,
        max_batch_records=1_000,
        batch_seconds=1.0,
    )


async def _process(
    metrics: Metrics, policy: SpikePolicy, clock: Callable[[], float], watched: Watched, records: Sequence[Record]
) -> Result:
    outputs: list[NewRecord] = []
    rejected: list[Rejected] = []
    alerts: list[SpikeAlert] = []
    late: Counter[str] = Counter()
    for record in records:
        counts = _decode(record, watched.state.volume.partitions)
        if isinstance(counts, Rejected):
            rejected.append(counts)
        else:
            late[counts.tenant] += take_in(watched.state, counts)
        watched.state.covers = record.offset + 1
        if isinstance(counts, Rejected):
            continue
        before = watched.state.closed
        found = await close_buckets(watched.state, policy)
        alerts += found
        outputs += [_alert_record(record, alert) for alert in found]
        if watched.state.closed != before:
            outputs += watched.snapshot(record.partition)
    return Result(outputs, rejected, partial(_committed, metrics, alerts, late, clock))


def _decode(record: Record, partitions: int) -> MentionCounts | Rejected:
    counts = decode(record, MentionCounts)
    if isinstance(counts, Rejected):
        return counts
    if counts.source not in (CountSource.COUNT_SOURCE_MENTIONS, CountSource.COUNT_SOURCE_CLASSIFIED):
        return Rejected(record, "invalid", f"counts.source {counts.source} is unknown here")
    if not 0 <= counts.source_partition < partitions:
        return Rejected(record, "invalid", f"counts.source_partition {counts.source_partition} is none of the topic's")
    if counts.counts and not counts.tenant:
        return Rejected(record, "invalid", "counts.tenant is not set")
    return counts


def _alert_record(record: Record, alert: SpikeAlert) -> NewRecord:
    return event_record(
        ALERTS,
        record.partition,
        alert.tenant,
        alert,
        event_id=alert.alert_id,
        source="router",
        timestamp_ms=milliseconds(alert.at),
    )


def _committed(metrics: Metrics, alerts: Sequence[SpikeAlert], late: Counter[str], clock: Callable[[], float]) -> None:
    for alert in alerts:
        event = SpikeEvent.Name(alert.event).removeprefix("SPIKE_EVENT_").lower()
        metrics.counter(defs.SPIKES_EPISODES, alert.tenant, event).inc()
        if alert.event == SpikeEvent.SPIKE_EVENT_STARTED:
            metrics.histogram(defs.SPIKES_DETECTION_SECONDS).observe(max(0.0, clock() - alert.since.seconds))
        log.info(f"spike {event}", tenant=alert.tenant, episode=alert.episode_id, severity=alert.severity)
    for tenant, mentions in late.items():
        if mentions:
            metrics.counter(defs.SPIKES_LATE, tenant).inc(mentions)
