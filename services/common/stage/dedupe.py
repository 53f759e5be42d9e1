"""Recognises a mention that a stage has taken before: platforms and senders deliver at least once.

What a stage has taken is written to its state topic, packed, in the same unit as its output. An entry is 16 bytes: the
partitioner's hash of the key (so that entries can be redistributed over another partition count) and 12 bytes of the
mention id. Records are cut by hour, so that an entry's age does not depend on the batches that mentions came in.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from weakref import WeakSet

from mention_triage.v1.mention_pb2 import Mention
from services.common.contracts.records import milliseconds
from services.common.log.partitioner import murmur2
from services.common.log.port import NewRecord, Record
from services.common.log.topics import SEEN, TOPICS
from services.common.stage.decoding import decode
from services.common.stage.stage import Rejected, StateRecord
from services.common.stage.ticks import is_tick
from services.common.telemetry.metric_defs import MetricSpec
from services.common.telemetry.metrics import Metrics

KEY_HASH_BYTES: Final = 4
_ID_BYTES: Final = 12
ENTRY_BYTES: Final = KEY_HASH_BYTES + _ID_BYTES
_HOUR_MS: Final = 3_600_000
_STRAY_HOURS: Final = 24  # hours that senders with a wrong clock may add before anything is forgotten too early
_MENTION_ID: Final = re.compile("[0-9a-f]{32}")
SEEN_WINDOW_MS: Final = next(topic.retention_ms for topic in TOPICS if topic.name == SEEN)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A mention about to be taken. `received_ms`: when ingest accepted it, milliseconds since the epoch."""

    key: bytes
    mention_id: str
    received_ms: int


class Seen:
    """The mentions of one partition that were taken within the window (by the records' own time)."""

    def __init__(self, limit: int, window_ms: int = SEEN_WINDOW_MS) -> None:
        """`limit`: entries kept at most, about 105 bytes each; the oldest go first."""
        self._limit = limit
        self._window_hours = window_ms // _HOUR_MS
        self._hour_of: dict[bytes, int] = {}
        self._by_hour: dict[int, deque[bytes]] = {}  # for forgetting: within an hour, in the order of the stream
        self.cut = 0  # entries forgotten before their time because of the limit

    def __len__(self) -> int:
        return len(self._hour_of)

    def has(self, mention_id: str, received_ms: int) -> bool:
        """Whether this mention was taken within the window before `received_ms`.

        Judged by the mention's own time, not by the newest that is known: the answer must not depend on batches.
        """
        hour = self._hour_of.get(_id_bytes(mention_id))
        return hour is not None and self.within_window(hour * _HOUR_MS, received_ms)

    def within_window(self, first_ms: int, again_ms: int) -> bool:
        """Whether a delivery at `again_ms` repeats one at `first_ms`; counted in whole hours."""
        return again_ms // _HOUR_MS - first_ms // _HOUR_MS <= self._window_hours

    def restore(self, records: Sequence[StateRecord]) -> None:
        """Take up records of the state topic: old ones at the start, new ones just committed."""
        for record in records:
            value, hour = record.value or b"", record.timestamp_ms // _HOUR_MS
            ids = [value[i + KEY_HASH_BYTES : i + ENTRY_BYTES] for i in range(0, len(value), ENTRY_BYTES)]
            self._by_hour.setdefault(hour, deque()).extend(ids)
            self._hour_of.update(dict.fromkeys(ids, hour))
            self._forget_expired()
            self._forget_over_limit(hour)

    def _forget_expired(self) -> None:
        """Forget the oldest hour once more hours were seen than the window has.

        Hours that had mentions are counted, not the span to the newest: a mention that a wrong clock dated far ahead
        then stands for one hour and does not end all others.
        """
        while len(self._by_hour) > 1 + self._window_hours + _STRAY_HOURS:
            oldest = min(self._by_hour)
            for entry in self._by_hour.pop(oldest):
                self._forget(entry, oldest)

    def _forget_over_limit(self, now: int) -> None:
        while len(self._hour_of) > self._limit:
            oldest = min(self._by_hour)
            entries = self._by_hour[oldest]
            before = len(self._hour_of)
            while entries and len(self._hour_of) > self._limit:
                self._forget(entries.popleft(), oldest)
            if not entries:
                del self._by_hour[oldest]
            if now - oldest <= self._window_hours:
                self.cut += before - len(self._hour_of)

    def _forget(self, entry: bytes, hour: int) -> None:
        if self._hour_of.get(entry) == hour:  # else it was taken again since
            del self._hour_of[entry]


@dataclass(frozen=True, slots=True)
class Split:
    """A batch of mentions. `fresh`: each with its record, in order. `repeats`: how many were taken before."""

    fresh: Sequence[tuple[Record, Mention]]
    repeats: int
    rejected: Sequence[Rejected]

    @property
    def sightings(self) -> list[Sighting]:
        """The fresh ones, for `seen_records`."""
        return [
            Sighting(mention.customer_key.encode(), mention.mention_id, milliseconds(mention.received_at))
            for _, mention in self.fresh
        ]


def split(seen: Seen, records: Sequence[Record]) -> Split:
    """What these records of mentions hold, ticks left out; a mention that comes twice among them is a repeat, too."""
    fresh: list[tuple[Record, Mention]] = []
    rejected: list[Rejected] = []
    taken_at: dict[str, int] = {}
    repeats = 0
    for record in records:
        if is_tick(record):
            continue
        mention = _mention_of(record)
        if isinstance(mention, Rejected):
            rejected.append(mention)
            continue
        received_ms = milliseconds(mention.received_at)
        earlier_ms = taken_at.get(mention.mention_id)
        if seen.has(mention.mention_id, received_ms) or (
            earlier_ms is not None and seen.within_window(earlier_ms, received_ms)
        ):
            repeats += 1
        else:
            fresh.append((record, mention))
            taken_at[mention.mention_id] = received_ms
    return Split(fresh, repeats, rejected)


def _mention_of(record: Record) -> Mention | Rejected:
    mention = decode(record, Mention)
    if isinstance(mention, Mention) and not _MENTION_ID.fullmatch(mention.mention_id):
        return Rejected(record, "invalid", "the mention has no mention_id of 32 lower-case hexadecimal digits")
    return mention


def seen_records(topic: str, partition: int, sightings: Iterable[Sighting]) -> list[NewRecord]:
    """Records of the state topic for mentions about to be taken: one per hour of their `received_ms`."""
    hours: dict[int, list[Sighting]] = {}
    for sighting in sightings:
        hours.setdefault(sighting.received_ms // _HOUR_MS, []).append(sighting)
    return [
        NewRecord(topic, partition, None, b"".join(map(_entry, group)), hour * _HOUR_MS)
        for hour, group in sorted(hours.items())
    ]


class SeenState(NamedTuple):
    """How a stage that drops repeats makes its state, and rebuilds it."""

    new_state: Callable[[], Seen]
    restore: Callable[[Seen, Sequence[StateRecord]], None]


def seen_state(limit: int, metrics: Metrics, entries: MetricSpec, cut: MetricSpec) -> SeenState:
    """`limit`: mentions remembered per partition. `entries`: the gauge of those of all partitions worked on here.

    `cut`: the counter of those that were forgotten before their time.
    """
    states: WeakSet[Seen] = WeakSet()  # of the partitions worked on here: one that was given up drops out by itself

    def new_state() -> Seen:
        states.add(seen := Seen(limit))
        return seen

    def restore(seen: Seen, records: Sequence[StateRecord]) -> None:
        before = seen.cut
        seen.restore(records)
        metrics.counter(cut).inc(seen.cut - before)

    metrics.gauge(entries).set_function(lambda: sum(map(len, states)))
    return SeenState(new_state, restore)


def _entry(sighting: Sighting) -> bytes:
    return murmur2(sighting.key).to_bytes(KEY_HASH_BYTES, "big") + _id_bytes(sighting.mention_id)


def _id_bytes(mention_id: str) -> bytes:
    return bytes.fromhex(mention_id)[:_ID_BYTES]
