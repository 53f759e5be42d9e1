"""The dead letters of a log: what they say, and replaying or dropping each of them once.

What was done about a dead letter stands behind it in its partition: a `DeadLetterHandled`, written in one unit with the
replayed record. A partition's dead letters are therefore a fold over the partition, like any state.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from google.protobuf.message import DecodeError

from mention_triage.v1.dead_letter_pb2 import DeadLetter, DeadLetterAction, DeadLetterHandled
from services.common.contracts.records import event_record, headers_of, milliseconds, timestamp
from services.common.errors import TriageError
from services.common.log.port import Claim, Fenced, Log, NewRecord, Reader, Record
from services.common.log.reading import read_to_end
from services.common.log.topics import DEAD_LETTERS, REPLAY_GROUP, TOPICS
from services.common.stage.replay import replayed_record

Action = Literal["replayed", "dropped"]

_ACTIONS: Final[Mapping[Action, DeadLetterAction]] = {
    "replayed": DeadLetterAction.DEAD_LETTER_ACTION_REPLAYED,
    "dropped": DeadLetterAction.DEAD_LETTER_ACTION_DROPPED,
}
_STATES: Final[Mapping[int, str]] = {number: action for action, number in _ACTIONS.items()}
_HANDLED_TYPE: Final = DeadLetterHandled.DESCRIPTOR.full_name.encode()
_READ: Final = (500, 4 << 20)  # records, bytes
_UNIT: Final = (100, 512 << 10)  # dead letters, bytes of originals in one commit
# A replayed record keeps its time: so much of the topic's retention must be left for the stage to read it.
_TIME_TO_READ_MS: Final = 3_600_000


class TakenOver(TriageError):
    """A partition's dead letters are no longer this run's: another one took over, or the log has lost the claim."""


@dataclass(frozen=True, slots=True, order=True)
class LetterId:
    """Names a dead letter: its place in the topic, written `PARTITION-OFFSET`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}-{self.offset}"


@dataclass(frozen=True, slots=True)
class Letter:
    """What a dead letter says beside the content of the original. `event`: the original's `ce_id`, "" if it had none.

    `received_ms`: the original's time. `replay_of`: the dead letter whose replay failed again. `state`: `open`,
    `replayed` or `dropped`; `handled_ms`: since when.
    """

    id: LetterId
    stage: str
    reason: str
    detail: str
    attempts: int
    source_topic: str
    source_partition: int
    source_offset: int
    received_ms: int
    event: str
    replay_of: LetterId | None
    state: str = "open"
    handled_ms: int | None = None


class PartitionLetters:
    """The dead letters of one partition, as its records say in their order."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.letters: dict[int, Letter] = {}  # by offset
        self.unreadable = 0  # records that are neither a dead letter nor say what was done about one
        self.end = 0  # offset behind the last record taken

    def take(self, records: Sequence[Record]) -> None:
        """Take up the next records of the partition."""
        for record in records:
            self.end = record.offset + 1
            try:
                if headers_of(record.headers).get("ce_type") == _HANDLED_TYPE:
                    self._handled(DeadLetterHandled.FromString(record.value or b""))
                else:
                    self.letters[record.offset] = self._letter(record)
            except DecodeError:
                self.unreadable += 1

    def _letter(self, record: Record) -> Letter:
        letter = letter_of(record)
        event = next((header.value for header in letter.headers if header.name == "ce_id"), b"")
        return Letter(
            id=LetterId(self.partition, record.offset),
            stage=letter.stage,
            reason=letter.reason,
            detail=letter.detail,
            attempts=letter.attempts,
            source_topic=letter.source_topic,
            source_partition=letter.source_partition,
            source_offset=letter.source_offset,
            received_ms=milliseconds(letter.source_time),
            event=event.decode(errors="replace"),
            replay_of=LetterId(self.partition, letter.replay_of) if letter.HasField("replay_of") else None,
        )

    def _handled(self, handled: DeadLetterHandled) -> None:
        letter = self.letters.get(handled.dead_letter_offset)
        if letter is not None:  # else retention took it
            state = _STATES.get(handled.action, "handled")  # a later version may know more ways
            self.letters[letter.id.offset] = replace(letter, state=state, handled_ms=milliseconds(handled.handled_at))


def letter_of(record: Record) -> DeadLetter:
    """The dead letter that the record holds. Raises `DecodeError`."""
    return DeadLetter.FromString(record.value or b"")


async def read_letters(reader: Reader) -> list[PartitionLetters]:
    """All dead letters, by partition, as of now."""
    found = [PartitionLetters(partition) for partition in range(reader.partitions(DEAD_LETTERS))]
    for partition, letters in enumerate(found):
        async for records in read_to_end(reader, DEAD_LETTERS, partition, 0, *_READ):
            letters.take(records)
    return found


async def read_original(reader: Reader, identifier: LetterId) -> DeadLetter | None:
    """A dead letter with the original's content; None if it is no longer there."""
    async for records in read_to_end(reader, DEAD_LETTERS, identifier.partition, identifier.offset, *_READ):
        return letter_of(records[0]) if records[0].offset == identifier.offset else None
    return None


def refusal(letter: Letter, action: Action, reader: Reader, now_ms: int) -> str | None:
    """Why this cannot be done about the dead letter; None if it can."""
    if letter.state != "open":
        return f"was {letter.state} at {_time(letter.handled_ms or 0)}"
    if action != "replayed":
        return None
    topic = letter.source_topic
    if topic not in reader.topics() or letter.source_partition >= reader.partitions(topic):
        return f"{topic}[{letter.source_partition}] is not in this log: drop it, or send the original anew"
    retention_ms = next((spec.retention_ms for spec in TOPICS if spec.name == topic), None)
    if retention_ms is not None and letter.received_ms < now_ms - retention_ms + _TIME_TO_READ_MS:
        return (
            f"is of {_time(letter.received_ms)}: {topic} would lose it before the stage reads it (kept"
            f" {retention_ms / 86_400_000:g} days); drop it, or send the original anew"
        )
    return None


class Handling:
    """One run of replaying or dropping. `done` and `refused` (why) say how far it came, also after an error."""

    def __init__(self, log: Log, action: Action, now_ms: int) -> None:
        self._log = log
        self._action = action
        self._now_ms = now_ms
        self.done: list[LetterId] = []
        self.refused: dict[LetterId, str] = {}

    async def run(self, ids: Iterable[LetterId]) -> None:
        """Handle these dead letters, in the order of their places; those that cannot be are `refused`.

        Raises `TakenOver` if another run claims a partition, and `LogError`.
        """
        wanted: dict[int, set[int]] = {}
        for identifier in ids:
            wanted.setdefault(identifier.partition, set()).add(identifier.offset)
        for partition, offsets in sorted(wanted.items()):
            try:
                await self._handle(await self._log.claim(REPLAY_GROUP, DEAD_LETTERS, partition), offsets)
            except Fenced as error:
                raise TakenOver(
                    f"partition {partition} of {DEAD_LETTERS} was taken over by another replay or drop, or the log has"
                    f" lost this one ({error.reason}). Nothing is done twice: see `mention-triage dead-letters list`,"
                    " and run this again for what is still open"
                ) from None

    async def _handle(self, claim: Claim, offsets: set[int]) -> None:
        letters = PartitionLetters(claim.partition)
        async for records in claim.state(DEAD_LETTERS):  # read behind the fence: no other run can add to it now
            letters.take(records)
        allowed = self._allowed(letters, offsets)
        next_offset = max(claim.position, letters.end)
        unit: list[Record] = []
        size = 0
        async for records in read_to_end(
            self._log, DEAD_LETTERS, claim.partition, min(allowed, default=letters.end), *_READ
        ):
            for record in records:
                if record.offset not in allowed:
                    continue
                allowed.discard(record.offset)
                unit.append(record)
                size += len(record.value or b"")
                if len(unit) >= _UNIT[0] or size >= _UNIT[1]:
                    await self._commit(claim, unit, next_offset)
                    unit, size = [], 0
            if not allowed:
                break
        if unit:
            await self._commit(claim, unit, next_offset)
        for offset in allowed:
            self.refused[LetterId(claim.partition, offset)] = "retention took it meanwhile"

    def _allowed(self, letters: PartitionLetters, offsets: set[int]) -> set[int]:
        allowed: set[int] = set()
        for offset in sorted(offsets):
            letter = letters.letters.get(offset)
            reason = refusal(letter, self._action, self._log, self._now_ms) if letter else "is no dead letter here"
            if reason:
                self.refused[LetterId(letters.partition, offset)] = reason
            else:
                allowed.add(offset)
        return allowed

    async def _commit(self, claim: Claim, unit: Sequence[Record], next_offset: int) -> None:
        """Write the originals (to replay them) and what was done, all or nothing."""
        outputs: list[NewRecord] = []
        for record in unit:
            letter = letter_of(record)
            if self._action == "replayed":
                outputs.append(replayed_record(letter, record.offset))
            outputs.append(self._handled(record, letter))
        await claim.commit(outputs, next_offset)
        self.done += [LetterId(record.partition, record.offset) for record in unit]

    def _handled(self, record: Record, letter: DeadLetter) -> NewRecord:
        handled = DeadLetterHandled(
            dead_letter_offset=record.offset, action=_ACTIONS[self._action], handled_at=timestamp(self._now_ms)
        )
        return event_record(
            DEAD_LETTERS,
            record.partition,
            letter.source_topic,
            handled,
            event_id=f"{record.partition}/{record.offset}",
            source=REPLAY_GROUP,
            timestamp_ms=self._now_ms,
        )


def _time(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
