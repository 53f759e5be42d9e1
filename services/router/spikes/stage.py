"""The stage `spikes`: partial counts in, episodes of brands out."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import structlog

from mention_triage.v1.alert_pb2 import SpikeAlert, SpikeEvent
from mention_triage.v1.counts_pb2 import CountSource, MentionCounts
from services.common.contracts.records import event_record, milliseconds
from services.common.contracts.views import SPIKE_EVENTS
from services.common.log.port import NewRecord, Record
from services.common.log.topics import ALERTS, COUNTS, GENERATION, SPIKE_STATE
from services.common.stage.decoding import decode
from services.common.stage.stage import Rejected, Result, Stage, StateRecord
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics
from services.router.spikes.closing import SpikePolicy, close_buckets, take_in
from services.router.spikes.detector import DetectorState
from services.router.spikes.series import SeriesKey, SeriesTable
from services.router.spikes.snapshots import UNREADABLE, Rounds, restored, settle
from services.router.spikes.state import SpikeState

log = structlog.get_logger()

NAME: Final = "spikes"
_ROUND_SECONDS: Final = 600
_SNAPSHOT_BYTES: Final = 4_000_000  # written with one batch


class Watched:
    """The stage's state: what it knows of a partition, and how that is kept."""

    def __init__(self, blank: Callable[[], SpikeState]) -> None:
        self._blank = blank
        self._found: dict[bytes, bytes] = {}
        self._is_committed = False  # a batch was: this is no replay, whose outputs are dropped
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
        except UNREADABLE as error:
            log.warning("snapshot dropped", origin=self.rounds.origin, error=str(error))
            self.state = self._blank()
        self._found.clear()
        return self.state.covers

    async def closed_since(self, before: int | None, partition: int) -> None:
        """Buckets were closed since `before`: take the state as a round every ten minutes of the counts' time, in each
        partition at another time.

        A round that is being written is completed first, and the state only settled. In a replay nothing is written:
        the last of its rounds is what will be.
        """
        closed = self.state.closed
        if before is None or closed is None:
            return
        turn = partition * _ROUND_SECONDS // self.state.volume.partitions
        if (before - turn) // _ROUND_SECONDS == (closed - turn) // _ROUND_SECONDS:
            return
        # In a thread: it would keep requests waiting.
        if self._is_committed and self.rounds.unwritten:
            await asyncio.to_thread(settle, self.state)
        else:
            self.rounds.origin = f"{GENERATION}.{partition}"
            await asyncio.to_thread(self.rounds.begin, self.state, closed)

    def due(self, partition: int) -> list[NewRecord]:
        """What is to be written with the next batch, of a round taken before it: so none is ever ahead of what was
        committed."""
        records = self.rounds.due(_SNAPSHOT_BYTES) if self._is_committed else []
        return [NewRecord(SPIKE_STATE, partition, key, value, self.rounds.number * 1000) for key, value in records]

    def committed(self, due: Sequence[NewRecord]) -> None:
        """A batch is committed, with what was due."""
        self._is_committed = True
        self.rounds.written(len(due))


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
    due = watched.due(records[0].partition)
    outputs = [*due]
    rejected: list[Rejected] = []
    alerts: list[SpikeAlert] = []
    late: Counter[str] = Counter()
    unwatched: Counter[str] = Counter()
    for record in records:
        counts = _decode(record, watched.state.volume.partitions)
        if isinstance(counts, Rejected):
            rejected.append(counts)
        else:
            taken = take_in(watched.state, counts)
            late[counts.tenant] += taken.late
            unwatched[counts.tenant] += taken.unwatched
        watched.state.covers = record.offset + 1
        if isinstance(counts, Rejected):
            continue
        before = watched.state.closed
        found = await close_buckets(watched.state, policy)
        alerts += found
        outputs += [_alert_record(record, alert) for alert in found]
        await watched.closed_since(before, record.partition)

    def committed() -> None:
        watched.committed(due)
        _count(metrics, clock, alerts, late, unwatched)

    return Result(outputs, rejected, committed)


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


def _count(
    metrics: Metrics,
    clock: Callable[[], float],
    alerts: Sequence[SpikeAlert],
    late: Mapping[str, int],
    unwatched: Mapping[str, int],
) -> None:
    for alert in alerts:
        event = SPIKE_EVENTS[alert.event]
        metrics.counter(defs.SPIKES_EPISODES, alert.tenant, event).inc()
        if alert.event == SpikeEvent.SPIKE_EVENT_STARTED:
            metrics.histogram(defs.SPIKES_DETECTION_SECONDS).observe(max(0.0, clock() - alert.since.seconds))
        log.info(f"spike {event}", tenant=alert.tenant, episode=alert.episode_id, severity=alert.severity)
    for spec, counted in ((defs.SPIKES_LATE, late), (defs.SPIKES_UNWATCHED, unwatched)):
        for tenant, mentions in counted.items():
            if mentions:
                metrics.counter(spec, tenant).inc(mentions)
