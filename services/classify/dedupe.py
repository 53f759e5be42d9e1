"""Recognises a mention that was output before: platforms and senders deliver at least once.

What was output is written to the state topic, packed, in the same unit as the output itself. An entry is 16 bytes: the
partitioner's hash of the key (so that entries can be redistributed over another partition count) and 12 bytes of the
mention id. Records are cut by hour, so that an entry's age does not depend on the batches that mentions came in.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.common.log.partitioner import murmur2
from services.common.log.port import NewRecord
from services.common.log.topics import SEEN, TOPICS
from services.common.stage.stage import StateRecord

KEY_HASH_BYTES: Final = 4
_ID_BYTES: Final = 12
ENTRY_BYTES: Final = KEY_HASH_BYTES + _ID_BYTES
_HOUR_MS: Final = 3_600_000
_STRAY_HOURS: Final = 24  # hours that senders with a wrong clock may add before anything is forgotten too early
SEEN_WINDOW_MS: Final = next(topic.retention_ms for topic in TOPICS if topic.name == SEEN)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A mention about to be output. `received_ms`: when ingest accepted it, milliseconds since the epoch."""

    key: bytes
    mention_id: str
    received_ms: int


class Seen:
    """The mentions of one partition that were output within the window (by the records' own time)."""

    def __init__(self, limit: int, window_ms: int = SEEN_WINDOW_MS) -> None:
        """`limit`: entries kept at most, about 105 bytes each; the oldest go first."""
        self._limit = limit
        self._window_hours = window_ms // _HOUR_MS
        self._hour_of: dict[bytes, int] = {}
        self._by_hour: dict[int, deque[bytes]] = {}  # for forgetting: within an hour, in the order of output
        self.cut = 0  # entries forgotten before their time because of the limit

    def __len__(self) -> int:
        return len(self._hour_of)

    def has(self, mention_id: str, received_ms: int) -> bool:
        """Whether this mention was output within the window before `received_ms`.

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
        if self._hour_of.get(entry) == hour:  # else it was output again since
            del self._hour_of[entry]


def seen_records(partition: int, sightings: Iterable[Sighting]) -> list[NewRecord]:
    """State records for mentions about to be output: one per hour of their `received_ms`."""
    hours: dict[int, list[Sighting]] = {}
    for sighting in sightings:
        hours.setdefault(sighting.received_ms // _HOUR_MS, []).append(sighting)
    return [
        NewRecord(SEEN, partition, None, b"".join(map(_entry, group)), hour * _HOUR_MS)
        for hour, group in sorted(hours.items())
    ]


def _entry(sighting: Sighting) -> bytes:
    return murmur2(sighting.key).to_bytes(KEY_HASH_BYTES, "big") + _id_bytes(sighting.mention_id)


def _id_bytes(mention_id: str) -> bytes:
    return bytes.fromhex(mention_id)[:_ID_BYTES]
