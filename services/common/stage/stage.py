"""A stage: one step of the pipeline, as a plain async function from a partition's batch of records to output records.

The runner commits a batch's outputs and the input's offset as one unit. A stage therefore holds no log code, no retries
and no commits, and reads no clock: it takes time from the records.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from services.common.log.port import NewRecord, Record

State = TypeVar("State")

StateRecord = NewRecord | Record  # a stage restores from records that it has just written, and from those it finds

Reason = Literal["undecodable", "invalid", "failed", "too_large"]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that this stage can never process. `detail`: what is wrong, without any content of the record."""

    record: Record
    reason: Reason
    detail: str
    attempts: int = 1


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Result:
    """What a batch gives: outputs (state records among them), rejected records, and what to count once committed."""

    outputs: Sequence[NewRecord]
    rejected: Sequence[Rejected] = ()
    committed: Callable[[], None] = field(default=_nothing)


@dataclass(frozen=True, slots=True)
class Stage(Generic[State]):
    """One step of the pipeline.

    `name` is also its consumer group. `process` must not change the state: state changes only by `restore`, which the
    runner calls with the records of the state topic, on assignment and after each commit alike, so that a restart and
    a running stage go the same way. A stage without a state topic has the state `None`, or one that it can find out
    anew and that changes only in `Result.committed`.

    Where `replay_from` is set, `process` itself advances the state, and the state topic holds a snapshot of it now and
    then. On assignment `restore` takes the snapshot, `replay_from` tells from which offset of the source on records are
    not yet in it, and the runner lets `process` work them off once more up to the group's offset, outputs dropped. A
    state that is ahead of what was committed is rebuilt in the same way.

    `batch_seconds`: after a batch that was not full the next one waits so long, so that more comes together: for a
    stage whose cost lies in its batches, and whose results may be as late as that.
    """

    name: str
    source: str
    process: Callable[[State, Sequence[Record]], Awaitable[Result]]
    new_state: Callable[[], State]
    state_topic: str | None = None
    restore: Callable[[State, Sequence[StateRecord]], None] | None = None
    replay_from: Callable[[State], int] | None = None
    max_batch_records: int = 256
    max_batch_bytes: int = 1 << 20
    batch_seconds: float = 0.0
