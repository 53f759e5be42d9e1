"""What the brokers may answer, each with its reaction: see the table in `services/common/log/kafka/errors.py`."""

import asyncio
import time
from collections.abc import Callable

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError, ProducerClosed
from confluent_kafka import TopicPartition
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from services.common.log.kafka import committing
from services.common.log.kafka.log import KafkaLog
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import Claim, Fenced, LogError, LogUnavailable, OffsetOutOfRange, RecordTooLarge, Scanned
from services.common.log.reading import read_to_end
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


async def fetch_something(claim: Claim) -> None:
    """Fetch until there is something."""
    async with asyncio.timeout(20):
        while not await claim.fetch(MANY, BIG):
            pass


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


async def test_an_offset_that_retention_has_passed_stops_loudly(
    open_kafka: OpenKafka, names: Names, kafka: str
) -> None:
    log = await open_kafka()
    await log.append([new(names.source, str(n)) for n in range(10)])
    claim = await log.claim(names.group, names.source, 0)
    await claim.commit([], (await claim.fetch(2, BIG))[-1].offset + 1)
    admin = admin_client(kafka)
    for deleted in admin.delete_records([TopicPartition(names.source, 0, 5)]).values():
        deleted.result()
    late = await log.claim(names.group, names.source, 0)
    with pytest.raises(OffsetOutOfRange, match="offset 2 is outside the retained range 5 to 10"):
        await fetch_something(late)


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


async def test_a_damaged_batch_stops_the_stage_and_costs_no_other_partition_a_record(
    names: Names, kafka_cluster: StartCluster
) -> None:
    cluster = await asyncio.to_thread(kafka_cluster)
    create_topics(cluster.bootstrap, [TopicSpec(name, 7 * DAY_MS, "delete", "") for name in names.topics])
    url = f"kafka://{cluster.bootstrap}"
    log, sender = [await open_kafka_log(url, KafkaSettings(), names.topics) for _ in range(2)]
    for n in range(20):
        await sender.append([new(names.source, f"{partition}:{n:03}", partition) for partition in range(2)])
    (file,) = cluster.log_dir(1).glob(f"{names.source}-1/*.log")
    data = file.read_bytes()
    file.write_bytes(data.replace(b"1:010", b"1:01X"))
    taken: list[str] = []

    async def work(claim: Claim) -> None:
        while not claim.revoked:
            if records := await claim.fetch(MANY, BIG):
                taken.extend(values(records))
                await claim.commit([], records[-1].offset + 1)

    stage = asyncio.create_task(log.consume(names.group, names.source, work))
    async with asyncio.timeout(60):
        while not stage.done():
            await sender.append([new(names.source, f"0:{len(taken):03}+")])
            await asyncio.sleep(0.02)
    with pytest.raises(LogError, match=rf"{names.source}\[1\]: a batch cannot be read"):
        await stage
    healthy = [value for value in await read_all_of(sender, names.source, 0) if value.startswith("0:")]
    committed = (await sender.client.committed(names.group, names.source))[0]
    assert [value for value in taken if value.startswith("0:")] == healthy[:committed]
    await log.close()
    await sender.close()


async def read_all_of(log: KafkaLog, topic: str, partition: int) -> list[str]:
    """The values of one partition."""
    return [v async for records in read_to_end(log, topic, partition, 0, MANY, BIG) for v in values(records)]


async def test_a_consumer_that_has_failed_is_replaced(
    open_kafka: OpenKafka, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await open_kafka()
    taken: list[str] = []

    async def work(claim: Claim) -> None:
        while not claim.revoked:
            if records := await claim.fetch(MANY, BIG):
                taken.extend(values(records))
                await claim.commit([], records[-1].offset + 1)

    stage = asyncio.create_task(log.consume(names.group, names.source, work))
    await log.append([new(names.source, "before")])
    await taken_in_time(taken, "before")
    heartbeat = GroupCoordinator._do_heartbeat

    async def fail_once(self: GroupCoordinator) -> bool:
        monkeypatch.setattr(GroupCoordinator, "_do_heartbeat", heartbeat)
        raise KafkaError("a code that the library does not know")

    monkeypatch.setattr(GroupCoordinator, "_do_heartbeat", fail_once)
    async with asyncio.timeout(20):
        while GroupCoordinator._do_heartbeat is not heartbeat:
            await asyncio.sleep(0.05)
    await log.append([new(names.source, "after")])
    await taken_in_time(taken, "after")
    log.stop_consuming()
    await stage
    assert taken == ["before", "after"]


async def taken_in_time(taken: list[str], value: str) -> None:
    """Wait until a worker has taken the value."""
    async with asyncio.timeout(40):
        while value not in taken:
            await asyncio.sleep(0.05)


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


async def test_a_leader_that_seems_to_hold_less_is_no_end(
    open_kafka: OpenKafka, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await open_kafka()
    await log.append([new(names.state, str(n)) for n in range(5)])
    fetch, empty = log.client.fetch, 3

    async def fetch_nothing_at_first(topic: str, partition: int, offset: int, *limits: int) -> Scanned:
        nonlocal empty
        empty -= 1
        return Scanned((), offset) if empty >= 0 else await fetch(topic, partition, offset, *limits)

    monkeypatch.setattr(log.client, "fetch", fetch_nothing_at_first)
    assert await read_all_of(log, names.state, 0) == ["0", "1", "2", "3", "4"]
    monkeypatch.setattr(log.client, "fetch", lambda _, __, offset, *___: asyncio.sleep(0, Scanned((), offset)))
    with pytest.raises(LogUnavailable, match="cannot be read beyond offset 0"):
        await read_all_of(log, names.state, 0)


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
