"""Producers: sending records in batches, and closing a producer that may hang."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.structs import TopicPartition

from services.common.log.port import NewRecord

# Brokers refuse batches beyond a topic's max.message.bytes, 1 MiB by default.
MAX_BATCH_BYTES: Final = 900_000
# The topic's own limit decides what is too large, not the client's.
MAX_REQUEST_BYTES: Final = 64 << 20
_ABANDON_SECONDS: Final = 1.0


async def send_batches(producer: AIOKafkaProducer, records: Sequence[NewRecord]) -> None:
    """Send records, in order within each partition, and wait until the brokers have all of them.

    One batch per partition where they fit: a transaction's records need no wait for others to share a batch with.
    Raises aiokafka's error of the first batch that failed.
    """
    builders: dict[TopicPartition, list[Any]] = {}
    for record in records:
        place = TopicPartition(record.topic, record.partition)
        batches = builders.setdefault(place, [])
        if not batches or not _append(batches[-1], record):
            batches.append(producer.create_batch())
            _append(batches[-1], record)  # the first record of a batch always fits
    for batch in chain.from_iterable(builders.values()):
        batch.close()  # a closed batch does not linger
    futures = [
        await producer.send_batch(batch, place.topic, partition=place.partition)
        for place, batches in builders.items()
        for batch in batches
    ]
    await asyncio.gather(*futures)


def _append(batch: Any, record: NewRecord) -> bool:
    added = batch.append(
        key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=list(record.headers)
    )
    return added is not None


async def close_producer(producer: AIOKafkaProducer, seconds: float) -> None:
    """Stop a producer, without its unfinished records after `seconds`.

    An idempotent producer tries for ever, so that its `stop` would wait as long as the brokers are away.
    """
    with suppress(KafkaError):
        try:
            await asyncio.wait_for(producer.stop(), seconds)
            forget_failures(producer)
            return
        except TimeoutError:
            pass
    task = producer._sender.sender_task  # aiokafka has no public way to give up
    for _ in range(2):  # the first cancellation waits for requests in flight, the second leaves them
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_ABANDON_SECONDS)
    producer._message_accumulator.fail_all(ProducerClosed())
    await producer.client.close()


def forget_failures(producer: AIOKafkaProducer) -> None:
    """Mark the errors in a lost producer's futures as seen: they were raised, and asyncio would log each once more."""
    if producer._txn_manager and (ended := producer._txn_manager.wait_for_transaction_end()) and ended.done():
        ended.exception()
    for batches in producer._message_accumulator._batches.values():
        for batch in batches:
            if batch._drain_waiter.done():
                batch._drain_waiter.exception()
