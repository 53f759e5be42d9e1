"""Closing clients that may hang, or fail, while the brokers are away."""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ProducerClosed

_ABANDON_SECONDS: Final = 1.0


async def close_consumer(consumer: AIOKafkaConsumer, seconds: float) -> None:
    """Leave the group and close the connections; without leaving, the group notices by itself after the session."""
    if not await _stopped(consumer, seconds):
        # It stopped half-way: end what it has left behind.
        fetcher, coordinator = consumer._fetcher, consumer._coordinator
        tasks = [
            getattr(fetcher, "_fetch_task", None),
            *(getattr(coordinator, name, None) for name in ("_coordination_task", "_heartbeat_task")),
        ]
        running = [task for task in tasks if task and not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=_ABANDON_SECONDS)
        await consumer._client.close()


async def close_producer(producer: AIOKafkaProducer, seconds: float) -> None:
    """Stop a producer, without its unfinished records after `seconds`.

    An idempotent producer tries for ever, so that its `stop` would wait as long as the brokers are away.
    """
    if not await _stopped(producer, seconds):
        task = producer._sender.sender_task  # aiokafka has no public way to give up
        for _ in range(2):  # the first cancellation waits for requests in flight, the second leaves them
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=_ABANDON_SECONDS)
        producer._message_accumulator.fail_all(ProducerClosed())
        await producer.client.close()
    _forget_failures(producer)


async def _stopped(client: Any, seconds: float) -> bool:
    """Whether its `stop` came to its end within `seconds`."""
    task = asyncio.ensure_future(client.stop())
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
    await asyncio.wait([task], timeout=_ABANDON_SECONDS)
    # aiokafka lets cancellations and errors of its own tasks out of `stop`.
    return task.done() and not task.cancelled() and task.exception() is None


def _forget_failures(producer: AIOKafkaProducer) -> None:
    """Mark the errors in a lost producer's futures as seen: they were raised, and asyncio would log each once more."""
    if producer._txn_manager and (ended := producer._txn_manager.wait_for_transaction_end()) and ended.done():
        _ = ended.cancelled() or ended.exception()
    for batches in producer._message_accumulator._batches.values():
        for batch in batches:
            if batch._drain_waiter.done():
                _ = batch._drain_waiter.cancelled() or batch._drain_waiter.exception()
