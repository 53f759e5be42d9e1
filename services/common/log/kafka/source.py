"""Reading for claims: one consumer whose records are handed to the claim of their partition."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import (
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
)
from aiokafka.structs import TopicPartition

from services.common.log.kafka.client import to_record
from services.common.log.kafka.errors import NOT_AUTHORIZED, port_error
from services.common.log.port import LogError, Record

log = structlog.get_logger()

_POLL_MS: Final = 500
_PAUSE_SECONDS: Final = 0.5  # after an error
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
}


class Inbox:
    """Records of one partition that were fetched and not yet taken."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.size = 0
        self.error: LogError | int | None = None  # an offset that is out of range, or an error to raise
        self.changed = asyncio.Event()

    def put(self, records: Sequence[Record]) -> None:
        """Add fetched records."""
        self.records += records
        self.size += sum(len(record.value or b"") for record in records)
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
        inbox = self._inboxes[place] = Inbox()
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

    async def beyond(self, place: TopicPartition, inbox: Inbox, offset: int) -> int:
        """The offset up to which nothing readable follows `offset`: transactions leave markers in the log."""
        if inbox.records or self._inboxes.get(place) is not inbox or place not in self.consumer.assignment():
            return offset
        state = self.consumer._subscription.subscription.assignment.state_value(place)
        # `consumer.position` would wait where there is no valid one.
        return max(offset, state.position) if state.has_valid_position and not inbox.records else offset

    async def poll(self) -> None:
        """Hand out records until cancelled. Raises the port's error where going on makes no sense."""
        while True:
            try:
                fetched = await self.consumer.getmany(timeout_ms=_POLL_MS)
            except NoOffsetForPartitionError:
                continue  # of a partition that is not claimed yet: its claim says where to begin
            except OffsetOutOfRangeError as error:
                for place, offset in error.args[0].items():
                    if inbox := self._inboxes.get(place):
                        inbox.fail(offset)
                        self._pause(place)
            except (*NOT_AUTHORIZED, RecordTooLargeError) as error:
                failure = port_error(error, "reading")
                for inbox in self._inboxes.values():
                    inbox.fail(failure)
                raise failure from None
            except KafkaError as error:
                log.warning("poll failed", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                for place, messages in fetched.items():
                    if inbox := self._inboxes.get(place):
                        inbox.put([to_record(message) for message in messages])
                        if inbox.full:
                            self._pause(place)

    def _pause(self, place: TopicPartition) -> None:
        with suppress(IllegalStateError):  # being taken away just now
            self.consumer.pause(place)
