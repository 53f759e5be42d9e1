"""Reading for claims: one consumer whose records are handed to the claim of their partition."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import (
    CorruptRecordException,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from aiokafka.structs import ConsumerRecord, TopicPartition

from services.common.log.kafka.client import to_record
from services.common.log.kafka.errors import NOT_AUTHORIZED, port_error
from services.common.log.port import LogError, LogUnavailable, Record

log = structlog.get_logger()

_POLL_MS: Final = 500
_PAUSE_SECONDS: Final = 0.1  # after an error
# A consumer that gives nothing but errors for so long has lost one of its background tasks, and will not recover.
_BROKEN_SECONDS: Final = 5.0
# Per partition, what may wait in memory before it is paused, and when it is resumed. A fetch brings up to 1 MiB more.
_FULL: Final = (1_000, 1 << 20)  # records, bytes
_LOW_RECORDS: Final = 250

CONSUMER_OPTIONS: Final[dict[str, Any]] = {
    "enable_auto_commit": False,
    # An offset out of range must stop the stage, not skip or repeat days of mentions in silence.
    "auto_offset_reset": "none",
    "isolation_level": "read_committed",
    "max_partition_fetch_bytes": 1 << 20,
    # A partition that was just claimed joins the next fetch, so a fetch must not wait long for others' records.
    "fetch_max_wait_ms": 200,
    # A broker that falls silent is given up after this, and its partitions' new leaders are asked.
    "request_timeout_ms": 10_000,
}

_Fetched = Mapping[TopicPartition, "Sequence[ConsumerRecord[bytes, bytes]]"]


class Inbox:
    """Records of one partition that were fetched and not yet taken.

    `next`: the offset behind the last one put. `reached`: the offset before which the log holds nothing else to read.
    """

    def __init__(self, offset: int) -> None:
        self.records: list[Record] = []
        self.size = 0
        self.next = self.reached = offset
        self.error: LogError | int | None = None  # an offset that is out of range, or an error to raise
        self.changed = asyncio.Event()

    def put(self, records: Sequence[Record]) -> None:
        """Add fetched records, at least one."""
        self.records += records
        self.size += sum(len(record.value or b"") for record in records)
        self.next = records[-1].offset + 1
        self.changed.set()

    def fail(self, error: LogError | int) -> None:
        """Let the claim know that its partition cannot be read."""
        self.error = error
        self.changed.set()

    def take(self, max_records: int, max_bytes: int) -> list[Record]:
        """The oldest records within the limits, at least one if there is any."""
        size = count = 0
        for record in self.records[:max_records]:
            size += len(record.value or b"")
            if count and size > max_bytes:
                size -= len(record.value or b"")
                break
            count += 1
        taken = self.records[:count]
        del self.records[:count]
        self.size -= size
        return taken

    @property
    def full(self) -> bool:
        """Whether no more should come for now."""
        return len(self.records) >= _FULL[0] or self.size >= _FULL[1]

    @property
    def low(self) -> bool:
        """Whether more should come."""
        return len(self.records) <= _LOW_RECORDS and self.size <= _FULL[1] // 4


class Source:
    """Polls a consumer for as long as it runs; a partition that nobody claims, or whose inbox is full, is paused."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self.consumer = consumer
        self._inboxes: dict[TopicPartition, Inbox] = {}

    def hold(self, places: Sequence[TopicPartition]) -> None:
        """Read nothing of these partitions until they are opened: they were just assigned."""
        self.consumer.pause(*places)

    def open(self, place: TopicPartition, offset: int) -> Inbox:
        """Read a partition from `offset` on. Raises `IllegalStateError` if it is not assigned any more."""
        self.consumer.seek(place, offset)
        inbox = self._inboxes[place] = Inbox(offset)
        self.consumer.resume(place)
        return inbox

    def close(self, place: TopicPartition, inbox: Inbox) -> None:
        """Read it no further, unless it was opened anew meanwhile."""
        if self._inboxes.get(place) is inbox:
            del self._inboxes[place]
            self._pause(place)

    def taken(self, place: TopicPartition, inbox: Inbox) -> None:
        """Records were taken: read on if there is room again."""
        if inbox.low and self._inboxes.get(place) is inbox:
            with suppress(IllegalStateError):  # being taken away just now
                if place in self.consumer.paused():
                    self.consumer.resume(place)

    async def poll(self) -> None:
        """Hand out records until cancelled.

        Raises `LogUnavailable` where only a new consumer can go on, and another `LogError` where nothing can.
        """
        good = time.monotonic()
        while True:
            try:
                self._hand_out(await self.consumer.getmany(timeout_ms=_POLL_MS))
            except NoOffsetForPartitionError:  # of a partition that is not claimed yet: its claim says where to begin
                await asyncio.sleep(_PAUSE_SECONDS)
            except Exception as error:
                log.warning("poll failed", error=type(error).__name__)
                if time.monotonic() - good > _BROKEN_SECONDS:
                    raise LogUnavailable(f"the consumer fails ({type(error).__name__})") from None
                await self._one_by_one()
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            good = time.monotonic()

    async def _one_by_one(self) -> None:
        """Read each partition alone, to find the one that cannot be read: it must not cost the others their records.

        `getmany` drops what it has drained of other partitions when one of them raises, with their place moved on.
        """
        for place, inbox in list(self._inboxes.items()):
            with suppress(IllegalStateError):
                self.consumer.seek(place, inbox.next)
        for place, inbox in list(self._inboxes.items()):
            if inbox.error is not None or place not in self.consumer.assignment() or inbox.full:
                continue
            try:
                fetched = await self.consumer.getmany(place, timeout_ms=_POLL_MS)
            except OffsetOutOfRangeError as error:
                self._fail(place, inbox, error.args[0].get(place, inbox.next))
            except NOT_AUTHORIZED as error:
                self._fail(place, inbox, port_error(error, "reading"))
                raise port_error(error, "reading") from None
            except KafkaError as error:
                if isinstance(error, CorruptRecordException):
                    self._fail(place, inbox, _unreadable(place, error))
                # Others are the consumer's, not the partition's.
            except Exception as error:
                self._fail(place, inbox, _unreadable(place, error))
            else:
                self._hand_out(fetched)

    def _hand_out(self, fetched: _Fetched) -> None:
        for place, messages in fetched.items():
            if inbox := self._inboxes.get(place):
                inbox.put([to_record(message) for message in messages])
                if inbox.full:
                    self._pause(place)
        subscription = self.consumer._subscription.subscription
        assignment = subscription.assignment if subscription else None
        for place, inbox in self._inboxes.items():
            # Not `consumer.position`: it would wait where there is no valid one.
            state = assignment.state_value(place) if assignment and place in assignment.tps else None
            if state and state.has_valid_position:
                inbox.reached = max(inbox.next, state.position)

    def _fail(self, place: TopicPartition, inbox: Inbox, error: LogError | int) -> None:
        inbox.fail(error)
        self._pause(place)

    def _pause(self, place: TopicPartition) -> None:
        with suppress(IllegalStateError):  # being taken away just now
            self.consumer.pause(place)


def _unreadable(place: TopicPartition, error: Exception) -> LogError:
    return LogError(
        f"{place.topic}[{place.partition}]: a batch cannot be read ({type(error).__name__}): it is damaged, or packed"
        " in a way that is not installed here"
    )
