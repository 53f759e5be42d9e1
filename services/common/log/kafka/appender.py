"""Appending without a transaction: one idempotent producer that all requests of the process share."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from services.common.log.kafka.closing import close_producer
from services.common.log.kafka.errors import NOT_AUTHORIZED, TOO_LARGE, port_error
from services.common.log.kafka.producing import MAX_BATCH_BYTES, MAX_REQUEST_BYTES, hand_over_batches
from services.common.log.port import LogError, LogUnavailable, NewRecord

log = structlog.get_logger()

_LINGER_MS: Final = 2  # requests that come together share batches
_RECORD_OVERHEAD_BYTES: Final = 512  # of the objects that hold a record, about
_CLOSE_SECONDS: Final = 5.0
_OWN_BATCH_RECORDS: Final = 100  # of one partition: fewer share a batch with those of other requests


class Appender:
    """Idempotent, acks=all. Bounded by bytes in flight; replaced after an error that its sequence cannot survive."""

    def __init__(self, options: Mapping[str, Any], timeout_seconds: float, max_in_flight_bytes: int) -> None:
        """`options`: see `connection_options`. `timeout_seconds`: of one append."""
        self._options = options
        self._timeout = timeout_seconds
        self._max_in_flight = max_in_flight_bytes
        self._in_flight = 0
        self._producer: AIOKafkaProducer | None = None
        self._lost = asyncio.Event()  # of the current producer
        self._starting = asyncio.Lock()
        self._turns: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._closing: set[asyncio.Task[None]] = set()

    async def append(self, records: Sequence[NewRecord]) -> None:
        """Append records; returns once the brokers have acknowledged every one.

        Raises `LogUnavailable` if not all were acknowledged in time: some may be there all the same. Raises
        `NotAuthorized`, and `LogError` for a topic that takes too little.
        """
        size = sum(len(record.value or b"") + _RECORD_OVERHEAD_BYTES for record in records)
        if self._in_flight and self._in_flight + size > self._max_in_flight:
            raise LogUnavailable(
                f"{self._in_flight} bytes wait for the brokers (KAFKA_MAX_IN_FLIGHT_BYTES)", "in_flight"
            )
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                producer, lost = await self._started()
                await self._send(producer, lost, records, size)
        except (TimeoutError, KafkaTimeoutError):  # nothing was refused: the producer is as good as before
            raise LogUnavailable(
                "the brokers have not acknowledged in time (KAFKA_APPEND_TIMEOUT_SECONDS)", "timeout"
            ) from None
        except KafkaError as error:
            raise self._judged(error, producer) from None

    async def close(self) -> None:
        """Send what is in flight, for a few seconds, and release the connections."""
        self._replace()
        await asyncio.gather(*self._closing)

    async def _started(self) -> tuple[AIOKafkaProducer, asyncio.Event]:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._options,
                    enable_idempotence=True,
                    acks="all",
                    linger_ms=_LINGER_MS,
                    max_batch_size=MAX_BATCH_BYTES,
                    max_request_size=MAX_REQUEST_BYTES,
                    request_timeout_ms=int(self._timeout * 1000),
                )
                try:
                    await producer.start()
                except BaseException:
                    self._close(producer)
                    raise
                self._producer, self._lost = producer, asyncio.Event()
            return self._producer, self._lost

    async def _send(
        self, producer: AIOKafkaProducer, lost: asyncio.Event, records: Sequence[NewRecord], size: int
    ) -> None:
        self._in_flight += size
        futures: list[asyncio.Future[Any]] = []
        try:
            for partition in _by_partition(records):
                if len(partition) >= _OWN_BATCH_RECORDS:
                    # One at a time: aiokafka counts what others wait for one partition against each one's own time.
                    async with self._turns[partition[0].topic, partition[0].partition]:
                        await hand_over_batches(producer, partition, futures)
                else:
                    await _hand_over(producer, partition, futures)
        finally:
            # What was handed over stays in memory until it is acknowledged, whether or not anybody waits for it.
            acknowledged = asyncio.gather(*futures, return_exceptions=True)
            acknowledged.add_done_callback(lambda _: self._free(size))
        gone: asyncio.Future[Any] = asyncio.ensure_future(lost.wait())
        try:
            await asyncio.wait({acknowledged, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not acknowledged.done():
                raise LogUnavailable("the producer was replaced after an error", "replaced")
            for outcome in acknowledged.result():
                if isinstance(outcome, BaseException):
                    raise outcome
        finally:
            gone.cancel()

    def _free(self, size: int) -> None:
        self._in_flight -= size

    def _judged(self, error: KafkaError, producer: AIOKafkaProducer | None) -> LogError:
        """The port's error. Whatever it was, the refused records have used up sequence numbers of their producer."""
        if producer is self._producer:  # else it was replaced already
            log.warning("producer replaced", error=type(error).__name__)
            self._replace()
        if isinstance(error, NOT_AUTHORIZED + TOO_LARGE):
            return port_error(error, "appending")
        return LogUnavailable(f"the brokers have not taken the records ({type(error).__name__})", type(error).__name__)

    def _replace(self) -> None:
        """The next append starts a new producer: after a lost sequence number the old one never succeeds again."""
        self._lost.set()
        if self._producer is not None:
            self._close(self._producer)
            self._producer = None

    def _close(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.ensure_future(close_producer(producer, _CLOSE_SECONDS))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _by_partition(records: Sequence[NewRecord]) -> Collection[Sequence[NewRecord]]:
    found: dict[tuple[str, int], list[NewRecord]] = defaultdict(list)
    for record in records:
        found[record.topic, record.partition].append(record)
    return found.values()


async def _hand_over(
    producer: AIOKafkaProducer, records: Sequence[NewRecord], futures: "list[asyncio.Future[Any]]"
) -> None:
    for record in records:
        future = await producer.send(
            record.topic,
            record.value,
            record.key,
            record.partition,
            record.timestamp_ms,
            list(record.headers),
        )
        futures.append(future)
