"""Records that a stage gives up on go to the dead letters, unless so many that the stage must be wrong."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mention_triage.v1.dead_letter_pb2 import DeadLetter, RecordHeader
from services.common.contracts.records import TRACEPARENT, event_record, headers_of, timestamp
from services.common.errors import TriageError
from services.common.log.port import NewRecord, Record
from services.common.log.topics import DEAD_LETTERS
from services.common.stage.replay import is_replay, original_headers, replay_of
from services.common.stage.stage import Rejected
from services.common.stage.ticks import is_tick

_WHAT_TO_DO: Final = (
    "nothing of this batch was committed; put the stage or its input right and start it again, it goes on from here"
    " (docs/dead-letters.md)"
)


class StageStopped(TriageError):
    """The stage gives up too many records: it stops before a bad deploy drains its topic into the dead letters."""


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """How many records a stage may give up: a share of the last `window` records, and a number in a row."""

    max_share: float = 0.1
    window: int = 1_000
    max_run: int = 50


class DeadLetterLimitState:
    """Counts against a `DeadLetterLimit`, over all partitions of one stage in this process.

    Replayed records do not count: they are dead letters already, so failing again drains nothing, and a replay that
    came too early must not stop the stage for everybody else.
    """

    def __init__(self, limit: DeadLetterLimit) -> None:
        self._limit = limit
        self._recent: deque[bool] = deque(maxlen=limit.window)
        self._rejected = 0
        self._run = self._before = 0

    def count(self, records: Sequence[Record], rejected: Sequence[Rejected]) -> None:
        """Count a batch before its commit. Raises `StageStopped` where it passes the limit: do not commit it then."""
        good, bad = _good_and_bad(records, rejected)
        self._before = self._run
        self._remember(good, bad)
        self._run = 0 if good else self._run + bad
        if self._run > self._limit.max_run:
            raise StageStopped(
                f"{self._run} records in a row could not be processed (limit {self._limit.max_run}),"
                f" {_last(rejected)}: {_WHAT_TO_DO}"
            )
        if self._rejected > self._limit.max_share * self._limit.window:
            raise StageStopped(
                f"{self._rejected} of the last {len(self._recent)} records could not be processed"
                f" (limit {self._limit.max_share:.0%} of {self._limit.window}), {_last(rejected)}: {_WHAT_TO_DO}"
            )

    def take_back(self, records: Sequence[Record], rejected: Sequence[Rejected]) -> None:
        """Undo the last `count`: the batch cannot be written as it is."""
        for _ in range(min(sum(_good_and_bad(records, rejected)), len(self._recent))):
            self._rejected -= self._recent.pop()
        self._run = self._before

    def _remember(self, good: int, bad: int) -> None:
        if not bad and not self._rejected:  # as nearly always: nothing to add or to subtract
            self._recent.extend([False] * good)
            return
        for is_rejected in [False] * good + [True] * bad:
            if len(self._recent) == self._limit.window:
                self._rejected -= self._recent[0]
            self._recent.append(is_rejected)
            self._rejected += is_rejected


def _last(rejected: Sequence[Rejected]) -> str:
    """The last one of a batch, in words."""
    if not rejected:
        return "none of them in this batch"
    last = rejected[-1]
    place = f"{last.record.topic}[{last.record.partition}]@{last.record.offset}"
    return f"the last one {place} because it is {last.reason} ({last.detail})"


def _good_and_bad(records: Sequence[Record], rejected: Sequence[Rejected]) -> tuple[int, int]:
    bad = sum(not is_replay(given_up.record) for given_up in rejected)
    return sum(not is_replay(record) and not is_tick(record) for record in records) - bad, bad


def dead_letter(stage: str, rejected: Rejected) -> NewRecord:
    """The dead letter of a record: all of it, where it came from, why, and how often it was tried.

    That of a replayed record names the place at which the record stood first and counts the earlier attempts too.
    """
    record = rejected.record
    replay = replay_of(record)
    letter = DeadLetter(
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=replay.source_offset if replay else record.offset,
        source_time=timestamp(record.timestamp_ms),
        stage=stage,
        reason=rejected.reason,
        detail=rejected.detail,
        attempts=rejected.attempts + (replay.attempts if replay else 0),
        key=record.key,
        value=record.value,
        headers=[RecordHeader(name=name, value=value) for name, value in original_headers(record.headers)],
        replay_of=replay.dead_letter_offset if replay else None,
    )
    return event_record(
        DEAD_LETTERS,
        record.partition,
        record.topic,
        letter,
        event_id=f"{stage}/{record.topic}/{record.partition}/{record.offset}",
        source=stage,
        timestamp_ms=record.timestamp_ms,
        traceparent=headers_of(record.headers).get(TRACEPARENT),
    )
