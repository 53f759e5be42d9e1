"""What a worker reads while something is wrong: with the log, with its consumer, with others' transactions."""

import asyncio
from collections.abc import Callable

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from confluent_kafka import TopicPartition as ConfluentPartition

from services.common.log.kafka import committing, reader
from services.common.log.kafka.log import KafkaLog
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.producing import send_batches
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import (
    Claim,
    LogError,
    LogUnavailable,
    OffsetOutOfRange,
    Scanned,
)
from services.common.log.reading import read_to_end
from services.common.log.topics import DAY_MS, TopicSpec
from tests.integration.kafka.conftest import BIG, MANY, Names, OpenKafka, new, values
from tests.support.kafka import KafkaCluster, create_topics
from tests.support.kafka.topics import admin_client

StartCluster = Callable[..., KafkaCluster]


async def fetch_something(claim: Claim) -> None:
    """Fetch until there is something."""
    async with asyncio.timeout(20):
        while not await claim.fetch(MANY, BIG):
            pass


async def test_an_offset_that_retention_has_passed_stops_loudly(
    open_kafka: OpenKafka, names: Names, kafka: str
) -> None:
    log = await open_kafka()
    await log.append([new(names.source, str(n)) for n in range(10)])
    claim = await log.claim(names.group, names.source, 0)
    await claim.commit([], (await claim.fetch(2, BIG))[-1].offset + 1)
    admin = admin_client(kafka)
    for deleted in admin.delete_records([ConfluentPartition(names.source, 0, 5)]).values():
        deleted.result()
    late = await log.claim(names.group, names.source, 0)
    with pytest.raises(OffsetOutOfRange, match="offset 2 is outside the retained range 5 to 10"):
        await fetch_something(late)


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


async def test_a_connection_that_closes_while_it_is_written_to_is_asked_over_another(
    open_kafka: OpenKafka, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await open_kafka()
    await log.append([new(names.source, "a")])
    send, failures = AIOKafkaConnection.send, [RuntimeError("the handler is closed")]

    def write(connection: AIOKafkaConnection, *args: object, **options: object) -> object:
        if failures:
            raise failures.pop()  # as uvloop does when the broker has closed the connection a moment ago
        return send(connection, *args, **options)

    monkeypatch.setattr(AIOKafkaConnection, "send", write)
    assert (await log.bounds(names.source))[0].end == 1
    assert not failures


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


async def test_state_is_not_read_past_an_open_transaction(
    open_kafka: OpenKafka, names: Names, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other groups write to a topic too, such as the dead letters: what is behind their transaction must be seen."""
    log = await open_kafka()
    other = committing.TransactionalCommitter({"bootstrap_servers": kafka}, "other", TopicPartition(names.state, 0))
    await other.start()
    await other._producer.begin_transaction()
    await send_batches(other._producer, [new(names.state, "in the making")])
    first = await log.claim(names.group, names.source, 0)
    await first.commit([new(names.state, "handled")], 0)
    second = await log.claim(names.group, names.source, 0)
    monkeypatch.setattr(reader, "_SETTLE_SECONDS", 0.5)
    with pytest.raises(LogUnavailable, match="a transaction is open"):
        await state_of(second, names.state)
    await other._producer.abort_transaction()
    await other.close()
    assert await state_of(second, names.state) == ["handled"]


async def state_of(claim: Claim, topic: str) -> list[str]:
    """All that the claim's partition of a state topic holds."""
    return [value async for records in claim.state(topic) for value in values(records)]
