"""The switch from 3 to 6 partitions, with repeats on both sides of it."""

import asyncio
import hashlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from services.cli.topics.generation import handover
from services.common.log.kafka.committing import TransactionalCommitter
from services.common.log.kafka.connection import connection_options
from services.common.log.kafka.generation import open_switch, require_finished
from services.common.log.kafka.log import KafkaLog
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.partitioner import partition_for
from services.common.log.port import Fenced, LogError, NewRecord, Record
from services.common.log.topics import topic_name, topics_of
from services.common.stage.dedupe import Seen, Sighting, seen_records
from services.common.stage.redistribution import spread
from services.common.stage.runner import StageRunner
from services.common.stage.stage import Result, Stage
from services.common.stage.ticks import tick_record
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from tests.integration.kafka.commands import Commands, own_generation

OLD_PARTITIONS, NEW_PARTITIONS = 3, 6
CUSTOMERS, POSTS = 60, 12
START_MS = int(time.time() * 1000) - 3_600_000
DEADLINE_SECONDS = 60.0

Post = tuple[int, int]  # customer, number


@pytest.fixture
def old(kafka: str) -> Commands:
    return Commands(kafka, own_generation(), OLD_PARTITIONS)


@pytest.fixture
def new(old: Commands) -> Commands:
    return Commands(old.bootstrap, old.generation + 1, NEW_PARTITIONS)


def record_of(post: Post, commands: Commands) -> NewRecord:
    customer, number = post
    key = f"acme/x/{customer}".encode()
    return NewRecord(
        topic_name("mentions", commands.generation),
        partition_for(key, commands.partitions),
        key,
        f"{customer} {number}".encode(),
        START_MS + number * 1000,
    )


def once(name: str, output: str, memory: str, generation: int) -> Stage[Seen]:
    """Drops repeats as the real stages do; no model, and no counting."""

    async def process(seen: Seen, records: Sequence[Record]) -> Result:
        outputs: list[NewRecord] = []
        sightings: dict[str, Sighting] = {}
        for r in records:
            identifier = hashlib.md5(r.value or b"").hexdigest()
            if seen.has(identifier, r.timestamp_ms) or identifier in sightings:
                continue
            sightings[identifier] = Sighting(r.key or b"", identifier, r.timestamp_ms)
            outputs.append(to(output, generation, r))
        state = seen_records(topic_name(memory, generation), records[0].partition, sightings.values())
        return Result([*outputs, *state])

    return Stage(
        name,
        topic_name("mentions", generation),
        process,
        lambda: Seen(1_000_000),
        topic_name(memory, generation),
        Seen.restore,
        max_batch_records=8,
    )


def passing_on(name: str, source: str, output: str | None, generation: int) -> Stage[None]:
    async def process(_: None, records: Sequence[Record]) -> Result:
        return Result([to(output, generation, record) for record in records] if output else [])

    return Stage(name, topic_name(source, generation), process, lambda: None)


def stages(generation: int) -> list[Stage[Any]]:
    return [
        once("classify", "classified", "seen", generation),
        once("volume", "counts", "seen-volume", generation),
        passing_on("route", "classified", "routed", generation),
        passing_on("mix", "classified", None, generation),
        passing_on("spikes", "counts", None, generation),
    ]


def to(base: str, generation: int, record: Record) -> NewRecord:
    return NewRecord(topic_name(base, generation), record.partition, record.key, record.value, record.timestamp_ms)


async def open_generation(commands: Commands) -> KafkaLog:
    names = [spec.name for spec in topics_of(commands.generation)]
    return await open_kafka_log(f"kafka://{commands.bootstrap}", KafkaSettings(), names)


@asynccontextmanager
async def workers(commands: Commands) -> AsyncIterator[KafkaLog]:
    """All stages of a generation at work."""
    log = await open_generation(commands)
    runners = [StageRunner(log, stage, Metrics("router"), Health()) for stage in stages(commands.generation)]
    tasks = [asyncio.create_task(runner.run()) for runner in runners]
    try:
        yield log
    finally:
        log.stop_consuming()
        await asyncio.gather(*tasks)
        await log.close()


async def append(commands: Commands, posts: Sequence[Post]) -> None:
    log = await open_generation(commands)
    await log.append([record_of(post, commands) for post in posts])
    await log.close()


async def append_idle(commands: Commands, base: str, at_ms: int) -> None:
    """What asks for no work, in every partition: a progress mark of the counts, a tick anywhere else."""
    log = await open_generation(commands)
    topic, partitions = topic_name(base, commands.generation), range(commands.partitions)
    await log.append(
        [NewRecord(topic, partition, None, b"mark", at_ms) for partition in partitions]
        if base == "counts"
        else [tick_record(topic, partition, at_ms) for partition in partitions]
    )
    await log.close()


async def posts_in(commands: Commands, base: str) -> list[Post]:
    log = await open_generation(commands)
    topic = topic_name(base, commands.generation)
    posts: list[Post] = []
    for partition, bounds in enumerate(await log.bounds(topic)):
        offset = bounds.start
        while records := await log.read(topic, partition, offset, 1_000, 1 << 20):
            offset = records[-1].offset + 1
            for record in filter(lambda record: record.key, records):
                customer, number = (record.value or b"").split()
                posts.append((int(customer), int(number)))
    await log.close()
    return posts


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def run(commands: Commands, *arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(commands.run, "topics", "generation", *arguments)
    return done.returncode, done.stdout + done.stderr


async def interrupted(commands: Commands) -> None:
    """`finish` that fails in the middle: the first partition is moved, nothing else is done."""
    first = topic_name("seen", commands.generation - 1)

    def spread_of_first(records: Sequence[Record], topic: str, partitions: int) -> Sequence[NewRecord]:
        if (records[0].topic, records[0].partition) != (first, 0):
            raise InterruptedError
        return spread(records, topic, partitions)

    handed_over = replace(handover(), spreads={"seen": spread_of_first})
    async with open_switch(
        f"kafka://{commands.bootstrap}", KafkaSettings(), commands.generation, handed_over
    ) as switch:
        with pytest.raises(InterruptedError):
            await switch.finish(lambda _: None)
        assert not (await switch.progress()).finished


async def killed(commands: Commands) -> None:
    """`finish` that is killed somewhere behind its first step."""
    process = commands.start("topics", "generation", "finish")
    assert process.stdout is not None
    assert "[0]: 0 records moved" in await asyncio.to_thread(process.stdout.readline)
    process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(process.communicate)


async def test_nothing_lost_or_twice_and_order_kept(old: Commands, new: Commands) -> None:
    everything = [(customer, number) for number in range(POSTS) for customer in range(CUSTOMERS)]
    before, after = everything[: len(everything) // 2], everything[len(everything) // 2 :]
    assert (await asyncio.to_thread(old.run, "topics", "apply")).returncode == 0
    code, said = await run(old, "finish")  # there is no generation before it: its workers may start
    assert code == 0, said
    await append(old, before + before[::7])

    # Ingest goes over while the old topics still hold work; senders repeat some of what the old generation took.
    assert (await asyncio.to_thread(new.run, "topics", "apply")).returncode == 0
    await append(new, before[::3] + after + after[::5])
    assert (await run(new, "status"))[0] == 2
    code, said = await run(new, "finish")
    assert (code, "has yet to commit" in said) == (1, True), said

    new_log = await open_generation(new)
    with pytest.raises(LogError, match="is not finished"):
        await require_finished(new_log.client, "classify", topic_name("mentions", new.generation))

    async with workers(old):
        code, said = await run(new, "drain", "--wait", str(DEADLINE_SECONDS))
        assert code == 0, said
        code, said = await run(new, "finish")
        assert (code, "still has members" in said) == (1, True), said
    assert sorted(await posts_in(old, "routed")) == sorted(before)
    for base in (
        "mentions",
        "classified",
        "counts",
    ):  # the last that the old workers wrote before they stopped: nobody's work
        await append_idle(old, base, START_MS + POSTS * 1000)

    options = connection_options(f"kafka://{old.bootstrap}", KafkaSettings())
    place = TopicPartition(topic_name("mentions", old.generation), 0)
    zombie = TransactionalCommitter(options, "classify", place)
    await zombie.start()
    await interrupted(new)
    await killed(new)
    code, said = await run(new, "finish")
    assert code == 0, said
    with pytest.raises(Fenced):
        await zombie.commit((), 0)
    await zombie.close()
    assert (await run(new, "finish"))[0] == 0
    assert (await run(new, "status"))[0] == 0

    await require_finished(new_log.client, "classify", topic_name("mentions", new.generation))
    await new_log.close()
    async with workers(new):

        async def all_done() -> bool:
            return min([len(await posts_in(new, base)) for base in ("routed", "counts")]) >= len(after)

        await until(all_done)
    in_order = await posts_in(old, "routed") + await posts_in(new, "routed")
    assert sorted(in_order) == sorted(everything)
    assert sorted(await posts_in(old, "counts") + await posts_in(new, "counts")) == sorted(everything)
    for customer in range(CUSTOMERS):
        assert [number for who, number in in_order if who == customer] == list(range(POSTS))


async def test_status_tells_that_both_generations_took_mentions(old: Commands, new: Commands) -> None:
    for commands in (old, new):
        await asyncio.to_thread(commands.run, "topics", "apply")
    await append(old, [(1, 0)])
    await append(new, [(1, 2)])
    assert "took mentions" not in (await run(new, "status"))[1]
    await append(old, [(1, 9)])
    await append_idle(old, "mentions", START_MS + 90_000)
    await append_idle(new, "mentions", START_MS)
    assert "both generations took mentions for 7 s" in (await run(new, "status"))[1]


async def test_there_is_nothing_before_the_first_generation(kafka: str) -> None:
    code, said = await run(Commands(kafka, 1), "finish")
    assert (code, "set LOG_GENERATION=2" in said) == (1, True)


async def begun(old: Commands, new: Commands) -> None:
    """The topics of both generations, with the old one's workers let in."""
    for commands in (old, new):
        assert (await asyncio.to_thread(commands.run, "topics", "apply")).returncode == 0
    assert (await run(old, "finish"))[0] == 0


async def test_two_who_finish_at_once_do_not_set_a_worker_back(
    old: Commands, new: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(old, new)
    posts = [(customer, 0) for customer in range(30)]
    await append(new, posts)
    url = f"kafka://{new.bootstrap}"
    async with open_switch(url, KafkaSettings(), new.generation, handover()) as slow:
        claim, overtaken = slow._claim, False

        @asynccontextmanager
        async def claim_late(group: str, topic: str, partition: int) -> AsyncIterator[TransactionalCommitter]:
            nonlocal overtaken
            if (
                (group, partition) == ("route", 0)
                and topic == topic_name("classified", new.generation)
                and not overtaken
            ):
                overtaken = True
                async with open_switch(url, KafkaSettings(), new.generation, handover()) as quick:
                    await quick.finish(lambda _: None)
                async with workers(new):
                    await until(lambda: has_routed(new, 30))
            async with claim(group, topic, partition) as found:
                yield found

        monkeypatch.setattr(slow, "_claim", claim_late)
        await slow.finish(lambda _: None)
    assert overtaken
    await append(new, [(99, 0)])
    async with workers(new):
        await until(lambda: has_routed(new, 31))
    assert sorted(await posts_in(new, "routed")) == sorted([*posts, (99, 0)])


async def has_routed(commands: Commands, count: int) -> bool:
    return len(await posts_in(commands, "routed")) >= count


async def test_nobody_works_on_the_old_generation_after_it(old: Commands, new: Commands) -> None:
    await begun(old, new)
    assert (await run(new, "finish"))[0] == 0
    assert (await run(new, "status"))[0] == 0
    await append(old, [(1, 1)])  # an ingest that was forgotten
    code, said = await run(new, "status")
    assert (code, "stop the old ingest" in said) == (2, True), said
    log = await open_generation(old)
    with pytest.raises(LogError, match="is over"):
        await StageRunner(log, stages(old.generation)[0], Metrics("router"), Health()).run()
    with pytest.raises(LogError, match="is over"):
        await log.claim("dead-letters", topic_name("dead-letters", old.generation), 0)
    await log.close()
    assert await posts_in(old, "routed") == []
