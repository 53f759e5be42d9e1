"""Replayed records: what their headers say, for whom they are, and how a dead letter becomes one.

A replayed record is the original one again (key, value, time, headers) with headers of its own behind them. It stands
in the original's topic, where other groups have long had the original: they pass it over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mention_triage.v1.dead_letter_pb2 import DeadLetter
from services.common.contracts.records import headers_of, milliseconds
from services.common.log.port import Headers, NewRecord, Record

REPLAY_FOR: Final = "replay_for"  # the group that is to process it
_REPLAY_OF: Final = "replay_of"
_SOURCE_OFFSET: Final = "replay_source_offset"
_ATTEMPTS: Final = "replay_attempts"
_OURS: Final = frozenset((REPLAY_FOR, _REPLAY_OF, _SOURCE_OFFSET, _ATTEMPTS))


@dataclass(frozen=True, slots=True)
class Replay:
    """Where a replayed record comes from.

    `dead_letter_offset`: of the dead letter in its partition. `source_offset`: where the record stood first.
    `attempts`: how often the stage tried it before.
    """

    dead_letter_offset: int
    source_offset: int
    attempts: int


def is_replay(record: Record) -> bool:
    """Whether the record was replayed."""
    return _replay_for(record) is not None


def records_for(group: str, records: Sequence[Record]) -> Sequence[Record]:
    """The records without those that were replayed for another group."""
    mine = (None, group.encode())
    return [record for record in records if _replay_for(record) in mine]


def _replay_for(record: Record) -> bytes | None:
    for name, value in record.headers:  # a plain loop: every record of every stage comes through here
        if name == REPLAY_FOR:
            return value
    return None


def replay_of(record: Record) -> Replay | None:
    """What a replayed record's headers say; None for any other record, also for one whose headers are no such ones."""
    headers = headers_of(record.headers)
    try:
        return Replay(int(headers[_REPLAY_OF]), int(headers[_SOURCE_OFFSET]), int(headers[_ATTEMPTS]))
    except (KeyError, ValueError):
        return None


def original_headers(headers: Headers) -> Headers:
    """The headers without those of a replay."""
    return tuple((name, value) for name, value in headers if name not in _OURS)


def replayed_record(letter: DeadLetter, dead_letter_offset: int) -> NewRecord:
    """The original of the dead letter at this offset, to be appended again for the stage that gave up on it."""
    return NewRecord(
        letter.source_topic,
        letter.source_partition,
        letter.key if letter.HasField("key") else None,
        letter.value if letter.HasField("value") else None,
        milliseconds(letter.source_time),
        (
            *((header.name, header.value) for header in letter.headers),
            (REPLAY_FOR, letter.stage.encode()),
            (_REPLAY_OF, b"%d" % dead_letter_offset),
            (_SOURCE_OFFSET, b"%d" % letter.source_offset),
            (_ATTEMPTS, b"%d" % letter.attempts),
        ),
    )
