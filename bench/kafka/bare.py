"""The floor: aiokafka alone, consume and produce, as little as a hop can be.

One loop and one producer for all partitions. It retries nothing, recovers from nothing, and a worker that has lost its
partitions can still commit: what the port adds is measured against it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from bench.kafka.peer import UNIT_RECORDS, Peer
from services.common.log.kafka.client import to_record
from services.common.log.topics import CLASSIFIED, ROUTED

_MAX_BATCH_BYTES: Final = 900_000
_POLL_MS: Final = 500
_Row = tuple[bytes | None, bytes | None, int, Sequence[tuple[str, bytes]]]  # key, value, time, headers


async def bare_at_least_once(peer: Peer) -> None:
    """Outputs first, then the offsets. Idempotent and acks=all, as the stage."""
    producer = AIOKafkaProducer(
        bootstrap_servers=peer.bootstrap, enable_idempotence=True, acks="all", max_batch_size=_MAX_BATCH_BYTES
    )
    consumer = _consumer(peer)
    await asyncio.gather(producer.start(), consumer.start())
    while not peer.meter.finished.is_set():
        fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=UNIT_RECORDS)
        if not fetched:
            continue
        await _send(producer, peer, fetched)
        await consumer.commit(_next(fetched))
        peer.meter.done(sum(map(len, fetched.values())))
    await asyncio.gather(producer.stop(), consumer.stop())


async def bare_transactional(peer: Peer) -> None:
    """Outputs and offsets in one transaction of one transactional id for all partitions."""
    producer = AIOKafkaProducer(
        bootstrap_servers=peer.bootstrap, transactional_id=peer.group, max_batch_size=_MAX_BATCH_BYTES
    )
    consumer = _consumer(peer)
    await asyncio.gather(producer.start(), consumer.start())
    while not peer.meter.finished.is_set():
        fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=UNIT_RECORDS)
        if not fetched:
            continue
        async with producer.transaction():
            await _send(producer, peer, fetched)
            await producer.send_offsets_to_transaction(_next(fetched), peer.group)
        peer.meter.done(sum(map(len, fetched.values())))
    await asyncio.gather(producer.stop(), consumer.stop())


def _consumer(peer: Peer) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        CLASSIFIED,
        bootstrap_servers=peer.bootstrap,
        group_id=peer.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )


def _next(fetched: dict[TopicPartition, list[Any]]) -> dict[TopicPartition, int]:
    return {place: messages[-1].offset + 1 for place, messages in fetched.items()}


async def _send(producer: AIOKafkaProducer, peer: Peer, fetched: dict[TopicPartition, list[Any]]) -> None:
    """Send what the hop makes of the messages, each to the partition number that it came from."""
    sending = []
    for place, messages in fetched.items():
        rows: Iterable[_Row]
        if peer.work == "pass":
            rows = [(m.key, m.value, m.timestamp, m.headers) for m in messages]
        else:
            outputs = await peer.outputs([to_record(message) for message in messages])
            rows = [(r.key, r.value, r.timestamp_ms, r.headers) for r in outputs]
        sending += [producer.send_batch(batch, ROUTED, partition=place.partition) for batch in _batches(producer, rows)]
    sent = [await each for each in sending]  # handed over in order, awaited together
    await asyncio.gather(*sent)


def _batches(producer: AIOKafkaProducer, rows: Iterable[_Row]) -> list[Any]:
    batches = [producer.create_batch()]
    for key, value, timestamp_ms, headers in rows:
        row = {"key": key, "value": value, "timestamp": timestamp_ms, "headers": list(headers)}
        if batches[-1].append(**row) is None:
            batches[-1].close()
            batches.append(producer.create_batch())
            batches[-1].append(**row)
    batches[-1].close()
    return batches
