"""Records that a stage gives up on go to the dead letters, unless so many that the stage must be wrong."""

from collections import deque
from dataclasses import dataclass

from mention_triage.v1.dead_letter_pb2 import DeadLetter, RecordHeader
from services.common.contracts.records import TRACEPARENT, event_record, headers_of, timestamp
from services.common.errors import TriageError
from services.common.log.port import NewRecord
from services.common.log.topics import DEAD_LETTERS
from services.common.stage.stage import Rejected


class StageStopped(TriageError):
    """The stage gives up too many records: it stops before a bad deploy drains its topic into the dead letters."""


@dataclass(frozen=True, slots=True)
class DeadLetterLimit:
    """How many records a stage may give up: a share of the last `window` records, and a number in a row."""

    max_share: float = 0.1
    window: int = 1_000
    max_run: int = 50


class DeadLetterLimitState:
    """Counts against a `DeadLetterLimit`, over all partitions of one stage in this process."""

    def __init__(self, limit: DeadLetterLimit) -> None:
        self._limit = limit
        self._recent: deque[bool] = deque(maxlen=limit.window)
        self._rejected = 0
        self._run = 0

    def count(self, records: int, rejected: int) -> None:
        """Count a batch before its commit. Raises `StageStopped` where it passes the limit: do not commit it then."""
        accepted = records - rejected
        for is_rejected in [False] * accepted + [True] * rejected:
            if len(self._recent) == self._limit.window:
                self._rejected -= self._recent[0]
            self._recent.append(is_rejected)
            self._rejected += is_rejected
        self._run = 0 if accepted else self._run + rejected
        if self._run > self._limit.max_run:
            raise StageStopped(f"{self._run} records in a row could not be processed (limit {self._limit.max_run})")
        if self._rejected > self._limit.max_share * self._limit.window:
            raise StageStopped(
                f"{self._rejected} of the last {len(self._recent)} records could not be processed"
                f" (limit {self._limit.max_share:.0%} of {self._limit.window})"
            )


def dead_letter(stage: str, rejected: Rejected) -> NewRecord:
    """The dead letter of a record: all of it, where it came from, why, and how often it was tried."""
    record = rejected.record
    letter = DeadLetter(
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=record.offset,
        source_time=timestamp(record.timestamp_ms),
        stage=stage,
        reason=rejected.reason,
        detail=rejected.detail,
        attempts=rejected.attempts,
        key=record.key,
        value=record.value,
        headers=[RecordHeader(name=name, value=value) for name, value in record.headers],
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
