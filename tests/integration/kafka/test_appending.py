"""Appends while something is wrong: with the brokers, with the producer, with too much at once."""

import asyncio
import time
from collections.abc import Callable

import pytest
from aiokafka.errors import ProducerClosed

from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import (
    Fenced,
    LogUnavailable,
)
from services.common.log.topics import DAY_MS, TopicSpec
from tests.integration.kafka.conftest import BIG, MANY, Names, OpenKafka, new, read_all, values
from tests.support.kafka import KafkaCluster, create_topics

StartCluster = Callable[..., KafkaCluster]


async def test_a_lost_sequence_number_replaces_the_producer(open_kafka: OpenKafka, names: Names) -> None:
    log = await open_kafka()
    await log.append([new(names.source, "a")])
    producer = log._appender._producer
    assert producer is not None
    for place in list(producer._txn_manager._sequence_numbers):
        producer._txn_manager.increment_sequence_number(place, 7)
    with pytest.raises(LogUnavailable) as raised:
        await log.append([new(names.source, "b")])
    assert raised.value.reason == "OutOfOrderSequenceNumber"
    await log.append([new(names.source, "b")])
    assert await read_all(log, names.source) == ["a", "b"]


async def test_appends_end_with_an_error_while_the_brokers_are_away_and_go_on_after(
    names: Names, kafka_cluster: StartCluster
) -> None:
    cluster = await asyncio.to_thread(kafka_cluster)
    create_topics(cluster.bootstrap, [TopicSpec(name, 7 * DAY_MS, "delete", "") for name in names.topics])
    settings = KafkaSettings(append_timeout_seconds=2, max_in_flight_bytes=1 << 20)
    log = await open_kafka_log(f"kafka://{cluster.bootstrap}", settings, names.topics)
    await log.append([new(names.source, "before")])
    claim = await log.claim(names.group, names.source, 0)
    cluster.kill(1)
    big = "x" * 300_000
    start = time.monotonic()
    outcomes = await asyncio.gather(*(log.append([new(names.source, big)]) for _ in range(10)), return_exceptions=True)
    assert time.monotonic() - start < 10
    assert {error.reason for error in outcomes if isinstance(error, LogUnavailable)} == {"timeout", "in_flight"}
    assert len(outcomes) == 10
    commit = asyncio.create_task(claim.commit([new(names.output, "o")], 1))  # waits for the brokers
    await asyncio.to_thread(cluster.start, 1)
    await asyncio.to_thread(cluster.wait_ready)
    async with asyncio.timeout(60):
        while True:
            try:
                await log.append([new(names.source, "after")])
                break
            except LogUnavailable:
                await asyncio.sleep(0.1)
        await commit
    found = await read_all(log, names.source)
    assert found[0] == "before"
    assert "after" in found
    await log.close()


async def test_closing_does_not_wait_for_brokers_that_are_gone(names: Names, kafka_cluster: StartCluster) -> None:
    cluster = await asyncio.to_thread(kafka_cluster)
    create_topics(cluster.bootstrap, [TopicSpec(name, 7 * DAY_MS, "delete", "") for name in names.topics])
    settings = KafkaSettings(append_timeout_seconds=1)
    log = await open_kafka_log(f"kafka://{cluster.bootstrap}", settings, names.topics)

    async def work(claim: object) -> None:
        while not claim.revoked:  # type: ignore[attr-defined]
            await claim.fetch(MANY, BIG)  # type: ignore[attr-defined]

    claimed = await log.claim("other", names.source, 1)
    member = asyncio.create_task(log.consume(names.group, names.source, work))
    await log.append([new(names.source, "a")])
    assert values(await (await log.claim("third", names.source, 0)).fetch(MANY, BIG)) == ["a"]
    cluster.kill(1)
    commit = asyncio.create_task(claimed.commit([new(names.output, "o")], 0))
    with pytest.raises(LogUnavailable):
        await log.append([new(names.source, "b")])
    async with asyncio.timeout(45):
        log.stop_consuming()
        await member
        await log.close()
    assert isinstance((await asyncio.gather(commit, return_exceptions=True))[0], Fenced | LogUnavailable)


async def test_many_large_appends_to_one_partition_all_get_through(open_kafka: OpenKafka, names: Names) -> None:
    log = await open_kafka()
    records = [new(names.source, "x" * 300) for _ in range(120)]
    await log.append(records)
    producer = log._appender._producer
    await asyncio.gather(*(log.append(records) for _ in range(200)))
    assert log._appender._producer is producer
    assert (await log.bounds(names.source))[0].end == 120 * 201


async def test_the_error_of_a_replaced_producer_leaves_the_new_one_alone(open_kafka: OpenKafka, names: Names) -> None:
    log = await open_kafka()
    await log.append([new(names.source, "a")])
    old = log._appender._producer
    assert old is not None
    closed = asyncio.Event()

    async def send_late(*_: object) -> None:
        await closed.wait()
        raise ProducerClosed

    old.send = send_late
    stuck = asyncio.create_task(log.append([new(names.source, "stuck")]))
    await asyncio.sleep(0)
    log._appender._replace()
    await log.append([new(names.source, "b")])
    young = log._appender._producer
    closed.set()
    with pytest.raises(LogUnavailable):
        await stuck
    assert log._appender._producer is young is not old
