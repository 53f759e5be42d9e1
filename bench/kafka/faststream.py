"""The peer: FastStream on aiokafka, the same hop at least once.

`batch` is the fastest way that it has: batches in, batches out per partition. Its batches carry no headers of single
records, so those are lost. `single` is the way of its documentation's first pages: a handler for each record whose
return value is published, with key and headers, and acknowledged before the next one.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaPublishMessage, KafkaResponse
from faststream.kafka.annotations import KafkaMessage

from bench.kafka.peer import UNIT_RECORDS, Peer
from services.common.log.kafka.client import to_record
from services.common.log.port import NewRecord
from services.common.log.topics import CLASSIFIED, ROUTED

_MAX_BATCH_BYTES: Final = 900_000  # a unit's outputs of a partition are one batch


async def faststream_batch(peer: Peer) -> None:
    """Batches of records."""
    broker = _broker(peer)

    async def undecoded(message: Any) -> list[bytes]:
        return [record.value for record in message.raw_message]

    @broker.subscriber(
        CLASSIFIED,
        batch=True,
        max_records=UNIT_RECORDS,
        group_id=peer.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=undecoded,
    )
    async def hop(_: list[bytes], message: KafkaMessage) -> None:
        raw = message.raw_message if isinstance(message.raw_message, tuple) else (message.raw_message,)
        outputs = await peer.outputs([to_record(record) for record in raw])
        for partition, records in _by_partition(outputs).items():
            messages = (KafkaPublishMessage(record.value, key=record.key) for record in records)
            await broker.publish_batch(*messages, topic=ROUTED, partition=partition)
        peer.meter.done(len(raw))

    await _run(broker, peer)


async def faststream_single(peer: Peer) -> None:
    """One record after the other."""
    broker = _broker(peer)

    async def undecoded(message: Any) -> bytes:
        return bytes(message.body)

    @broker.publisher(ROUTED)
    @broker.subscriber(
        CLASSIFIED,
        group_id=peer.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=undecoded,
    )
    async def hop(_: bytes, message: KafkaMessage) -> KafkaResponse:
        (output,) = await peer.outputs([to_record(message.raw_message)])
        peer.meter.done(1)
        headers = {name: value.decode() for name, value in output.headers}
        return KafkaResponse(output.value, key=output.key, timestamp_ms=output.timestamp_ms, headers=headers)

    await _run(broker, peer)


def _broker(peer: Peer) -> KafkaBroker:
    return KafkaBroker(
        peer.bootstrap, enable_idempotence=True, acks="all", max_batch_size=_MAX_BATCH_BYTES, logger=None
    )


async def _run(broker: KafkaBroker, peer: Peer) -> None:
    async with broker:
        await broker.start()
        await peer.meter.finished.wait()


def _by_partition(records: Sequence[NewRecord]) -> dict[int, list[NewRecord]]:
    found: dict[int, list[NewRecord]] = defaultdict(list)
    for record in records:
        found[record.partition].append(record)
    return found
