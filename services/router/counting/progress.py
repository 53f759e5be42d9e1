"""How far a partition has come, told by its records alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.common.log.port import Record

BUCKET_SECONDS: Final = 10
_BUCKET_MS: Final = BUCKET_SECONDS * 1000
# Ingest's clocks differ by less, and the records of a partition are not further out of order.
_LEAP_MS: Final = 5 * 60_000
_PEERS: Final = 4  # records of earlier batches that vouch for a batch of one


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a partition stands. `until`: the start of the bucket, in seconds since the epoch, that its newest record
    stands in: all buckets before are complete, but for what arrives out of order."""

    until: int
    newest_ms: int
    recent: tuple[int, ...] = ()


_NOTHING: Final = Moment(0, 0)


class Progress:
    """How far each partition has come in what is committed, as far as this process has seen it.

    A record's time is when ingest accepted it, by the clock of one of its processes. One with a wrong clock must not
    carry the partition away: the hours until then would be closed at once, and what comes in them counted late. No
    clock is read here, so a record is judged by its peers, the batch's and the last ones before: a time more than five
    minutes ahead of their median does not count. A gap in ingest looks the same in its first record, and is believed
    once most of the peers stand behind it, three ticks later at most. Which clock is right where most are wrong, no
    rule of this kind can tell.
    """

    def __init__(self) -> None:
        self._moments: dict[int, Moment] = {}

    def after(self, records: Sequence[Record]) -> Moment:
        """Where the partition stands after these records, at least one: never behind where it stood before."""
        before = self._moments.get(records[0].partition, _NOTHING)
        times = [*before.recent, *(record.timestamp_ms for record in records)]
        limit = sorted(times)[(len(times) - 1) // 2] + _LEAP_MS
        newest_ms = max(before.newest_ms, *(time for time in times if time <= limit))
        return Moment(newest_ms // _BUCKET_MS * BUCKET_SECONDS, newest_ms, tuple(times[-_PEERS:]))

    def is_further(self, partition: int, moment: Moment) -> bool:
        """Whether buckets have become complete since what was committed last."""
        return moment.until > self._moments.get(partition, _NOTHING).until

    def committed(self, partition: int, moment: Moment) -> None:
        """What was counted up to this moment is committed."""
        self._moments[partition] = moment
