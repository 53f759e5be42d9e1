"""Ticks: the passing of time, as records among the mentions.

A stage reads no clock, so that a replay gives the same output. What happens by the passing of time (the count of a
quiet brand is final, a spike is over) needs a record that says so.
"""

from typing import Final

from mention_triage.v1.tick_pb2 import Tick
from services.common.contracts.records import timestamp
from services.common.log.port import NewRecord, Record

TICK_KEY: Final = b"tick"  # no customer's: theirs always hold a slash
ON_THE_WAY_SECONDS: Final = 2
"""What ingest stamps may take so long until it is in the log: the disk or the brokers, clocks that differ a little. All
counts wait for it, so no longer; what takes longer all the same is counted late."""


def is_tick(record: Record) -> bool:
    """Whether the record is a tick, and no mention."""
    return record.key == TICK_KEY


def tick_record(topic: str, partition: int, at_ms: int) -> NewRecord:
    """A tick: nothing else was received in this partition up to `at_ms`, milliseconds since the epoch.

    The same event on each topic: a stage that hands one on makes it anew from its time.
    """
    # Without the headers of an event: nobody is to be told, and an idle log should not fill with them.
    return NewRecord(topic, partition, TICK_KEY, Tick(at=timestamp(at_ms)).SerializeToString(), at_ms)


def tick_ms(record: Record) -> int:
    """Up to when nothing else was received: the record's own time, so that every tick can be read."""
    return record.timestamp_ms
