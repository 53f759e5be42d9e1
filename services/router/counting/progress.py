"""How far a partition has come, told by its records alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.common.log.port import Record
from services.common.stage.ticks import ON_THE_WAY_SECONDS, is_tick

BUCKET_SECONDS: Final = 10
_BUCKET_MS: Final = BUCKET_SECONDS * 1000
# Ingest's clocks differ by less, and the records of a partition are not further out of order.
_LEAP_MS: Final = 5 * 60_000
_PEERS: Final = 4  # records of earlier batches that vouch for a batch of one
# A mention says that all before was received only up to so long before it: clocks of ingest processes differ, and what
# one of them stamps is on its way while another's is in the log. A tick has waited as long before it was written.
_ON_THE_WAY_MS: Final = ON_THE_WAY_SECONDS * 1000


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a partition stands. Milliseconds since the epoch."""

    newest_ms: int
    """The time of the newest record whose clock is trusted."""
    complete_ms: int = 0
    """What was received before is in the partition, but for what is further out of order. 0 = not known yet."""
    recent: tuple[int, ...] = ()

    @property
    def bucket(self) -> int:
        """Where the bucket of the newest record starts, in seconds since the epoch: what stands beyond it was stamped
        by a wrong clock."""
        return self.newest_ms // _BUCKET_MS * BUCKET_SECONDS

    @property
    def until(self) -> int:
        """Where the first bucket starts that is not complete, in seconds since the epoch. 0 = not known yet."""
        return self.complete_ms // _BUCKET_MS * BUCKET_SECONDS


class Progress:
    """How far one partition has come in what is committed, as far as this process has seen it: state of a stage.

    A record's time is when ingest accepted it, by the clock of one of its processes. One with a wrong clock must not
    carry the partition away: the hours until then would be closed at once, and what comes in them counted late. No
    clock is read here, so a record is judged by its peers, the batch's and the last ones before. Which clock is right
    where most are wrong, no rule of this kind can tell.
    """

    def __init__(self) -> None:
        self._moment = Moment(0)

    def after(self, records: Sequence[Record]) -> Moment:
        """Where the partition stands after these records, at least one: never less complete than it was before.

        Nothing is known to be complete by a first record alone: it has no peers.
        """
        before = self._moment
        times = [*before.recent, *(record.timestamp_ms for record in records)]
        newest_ms = _newest(times)
        complete_ms = before.complete_ms
        if len(times) > 1:
            complete_ms = max([complete_ms, *(_complete(each) for each in records if each.timestamp_ms <= newest_ms)])
        return Moment(newest_ms, complete_ms, tuple(times[-_PEERS:]))

    def is_further(self, moment: Moment) -> bool:
        """Whether buckets have become complete since what was committed last."""
        return moment.until > self._moment.until

    def committed(self, moment: Moment) -> None:
        """What was counted up to this moment is committed."""
        self._moment = moment


def _complete(record: Record) -> int:
    return record.timestamp_ms if is_tick(record) else record.timestamp_ms - _ON_THE_WAY_MS


def _newest(times: Sequence[int]) -> int:
    """The newest time, in the order of the log, that can be trusted.

    The median is, or, where there are fewer times than peers, the least; and whatever follows in steps of at most five
    minutes. Further ahead stand a wrong clock, and what comes after a pause of ingest or of a quiet partition's
    backlog. It is a pause if nothing falls back behind it though the times go on for five minutes more. Until then a
    leap is believed only when most of the times have made it: three ticks later at most.
    """
    ordered = sorted((time, place) for place, time in enumerate(times))
    trusted = (len(times) - 1) // 2 if len(times) >= _PEERS else 0
    newest, last_place = ordered[trusted]
    for time, place in ordered[trusted + 1 :]:
        is_pause = place > last_place and ordered[-2][0] - time > _LEAP_MS  # two go on: one may be the wrong clock
        if time - newest > _LEAP_MS and not is_pause:
            break
        newest, last_place = time, max(last_place, place)
    return newest
