"""What the brokers may answer to a commit, each with its reaction: see `services/common/log/kafka/errors.py`."""

import asyncio
from collections.abc import Callable

import pytest
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from services.common.log.kafka import committing
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import (
    Fenced,
    LogError,
    RecordTooLarge,
    UnknownTopic,
)
from services.common.log.topics import DAY_MS, TopicSpec
from tests.integration.kafka.conftest import BIG, MANY, Names, OpenKafka, new, read_all, values
from tests.support.kafka import KafkaCluster, create_topics
from tests.support.kafka.topics import admin_client

StartCluster = Callable[..., KafkaCluster]


def limit_record_size(bootstrap: str, topic: str, size: int) -> None:
    """Set the topic's max.message.bytes."""
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = admin_client(bootstrap)  # held: it ends its requests when it goes
    for changed in admin.incremental_alter_configs([resource]).values():
        changed.result()


async def test_a_record_too_large_is_named_and_the_claim_goes_on(open_kafka: OpenKafka, names: Names) -> None:
    log = await open_kafka()
    await log.append([new(names.source, "a"), new(names.source, "b")])
    with pytest.raises(RecordTooLarge, match=names.source):
        await log.append([new(names.source, "x" * (2 << 20))])
    claim = await log.claim(names.group, names.source, 0)
    records = await claim.fetch(1, BIG)
    with pytest.raises(RecordTooLarge, match=names.output):
        await claim.commit([new(names.state, "s"), new(names.output, "x" * (2 << 20))], records[-1].offset + 1)
    await claim.commit([new(names.output, "small")], records[-1].offset + 1)
    assert values(await claim.fetch(MANY, BIG)) == ["b"]
    young = await log.claim(names.group, names.source, 0)
    assert await read_all(log, names.output) == ["small"]
    assert await read_all(log, names.state) == []
    assert values(await young.fetch(MANY, BIG)) == ["b"]


async def test_a_topic_that_takes_too_little_stops_the_stage_loudly(
    open_kafka: OpenKafka, names: Names, kafka: str
) -> None:
    log = await open_kafka()
    await log.append([new(names.source, "a")])
    limit_record_size(kafka, names.output, 1_000)
    claim = await log.claim(names.group, names.source, 0)
    with pytest.raises(LogError, match="topics check"):
        await claim.commit([new(names.output, "x" * 5_000), new(names.state, "s")], 1)
    with pytest.raises(LogError, match="topics check"):
        await log.append([new(names.output, "x" * 5_000)])
    await log.append([new(names.output, "small")])
    young = await log.claim(names.group, names.source, 0)
    assert await read_all(log, names.output) == ["small"]
    assert await read_all(log, names.state) == []  # undone with the rest of its transaction
    assert values(await young.fetch(MANY, BIG)) == ["a"]


async def test_a_lost_sequence_number_in_a_transaction_loses_the_claim(open_kafka: OpenKafka, names: Names) -> None:
    log = await open_kafka()
    await log.append([new(names.source, "a")])
    claim = await log.claim(names.group, names.source, 0)
    await claim.commit([new(names.output, "first")], 0)
    producer = claim._committer._producer  # type: ignore[attr-defined]
    for place in list(producer._txn_manager._sequence_numbers):
        producer._txn_manager.increment_sequence_number(place, 7)
    with pytest.raises(Fenced) as raised:
        await claim.commit([new(names.output, "never")], 1)
    assert raised.value.reason == "OutOfOrderSequenceNumber"
    young = await log.claim(names.group, names.source, 0)
    assert values(await young.fetch(MANY, BIG)) == ["a"]
    await young.commit([new(names.output, "second")], 1)
    await log.claim(names.group, names.source, 0)
    assert await read_all(log, names.output) == ["first", "second"]


async def test_a_forgotten_transactional_id_loses_the_claim(names: Names, kafka_cluster: StartCluster) -> None:
    cluster = await asyncio.to_thread(
        kafka_cluster,
        config={
            "transactional.id.expiration.ms": "1000",
            "transaction.remove.expired.transaction.cleanup.interval.ms": "200",
        },
    )
    create_topics(cluster.bootstrap, [TopicSpec(name, 7 * DAY_MS, "delete", "") for name in names.topics])
    log = await open_kafka_log(f"kafka://{cluster.bootstrap}", KafkaSettings(), names.topics)
    await log.append([new(names.source, "a")])
    claim = await log.claim(names.group, names.source, 0)
    await claim.commit([new(names.output, "first")], 0)
    async with asyncio.timeout(60):
        while True:
            await asyncio.sleep(2)  # idle, for longer than the brokers remember the id
            try:
                await claim.commit([new(names.output, "again")], 0)
            except Fenced:
                break
    young = await log.claim(names.group, names.source, 0)
    assert values(await young.fetch(MANY, BIG)) == ["a"]
    await log.close()


async def test_a_commit_that_took_too_long_ends_the_claim(
    open_kafka: OpenKafka, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await open_kafka()
    claim = await log.claim(names.group, names.source, 0)
    monkeypatch.setattr(committing, "_REQUEST_MS", 0)
    await claim.commit([new(names.output, "a")], 0)
    with pytest.raises(Fenced) as raised:
        await claim.commit([new(names.output, "b")], 0)
    assert raised.value.reason == "slow"
    assert not claim.taken_over


async def test_topics_of_unequal_partition_counts_are_refused(names: Names, kafka: str) -> None:
    for name, partitions in ((names.source, 2), (names.output, 3)):
        create_topics(kafka, [TopicSpec(name, 7 * DAY_MS, "delete", "")], partitions=partitions)
    with pytest.raises(LogError, match=f"{names.source} has 2, {names.output} has 3"):
        await open_kafka_log(f"kafka://{kafka}", KafkaSettings(), [names.source, names.output])


async def test_an_output_to_a_partition_that_is_not_there_is_named(open_kafka: OpenKafka, names: Names) -> None:
    log = await open_kafka()
    claim = await log.claim(names.group, names.source, 0)
    with pytest.raises(UnknownTopic, match=f"{names.output} has no partition 99"):
        await claim.commit([new(names.output, "a", 99)], 0)
