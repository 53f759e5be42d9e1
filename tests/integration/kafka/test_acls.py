"""The lists of rights on a broker whose authorizer is on: each is enough for its role, and no entry is too many."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count

import pytest

from mention_triage.v1.dead_letter_pb2 import DeadLetter
from services.cli.topics.generation import handover
from services.common.log.kafka.acls import ROLES, Acl, acls_of
from services.common.log.kafka.admin import TopicAdmin
from services.common.log.kafka.connection import connection_options
from services.common.log.kafka.generation import open_switch
from services.common.log.kafka.log import KafkaLog
from services.common.log.kafka.opening import open_kafka_log, open_kafka_reader
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.kafka.topic_plan import Change, TopicSettings, desired_topic
from services.common.log.port import Claim, LogError, LogUnavailable, NewRecord, NotAuthorized, Record
from services.common.log.topics import (
    ALERTS,
    CLASSIFIED,
    CORRECTIONS,
    COUNTS,
    DEAD_LETTERS,
    MENTIONS,
    OUTCOMES,
    ROUTED,
    SEEN,
    SEEN_VOLUME,
    SPIKE_STATE,
    TOPICS,
    topic_name,
    topics_of,
)
from services.common.stage.handling import Handling, read_letters
from services.common.stage.ticks import tick_record
from tests.integration.kafka.guarded import NAMES, Guarded, guarded_cluster
from tests.support.kafka import create_topics

WORK_OF_GROUPS = {(group, spec.name) for spec in TOPICS for group in spec.groups}
SECONDS = 20  # any role's work takes less than one
_generations = count(2, 2)  # a switch happens once: each test of it has a pair of generations of its own


def record(topic: str, value: bytes = b"anything") -> NewRecord:
    """A record of now."""
    return NewRecord(topic, 0, b"k", value, int(time.time() * 1000))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_cluster(tmp_path_factory.mktemp("acls")) as guarded:
        yield guarded


async def ingest(guarded: Guarded) -> None:
    """Appends what it is posted."""
    async with guarded.log("ingest") as log:
        await log.append([record(MENTIONS)])
        await log.append([record(OUTCOMES)])
        await log.append([record(CORRECTIONS)])


async def classify(guarded: Guarded) -> None:
    """Restores its state, reads, writes in a transaction."""
    async with guarded.unguarded() as log:
        await log.append([record(MENTIONS), record(SEEN)])
    async with guarded.log("classify") as log:
        await work(log, "classify", MENTIONS, [CLASSIFIED, SEEN, DEAD_LETTERS], state=SEEN)


async def router(guarded: Guarded) -> None:
    """Runs its stages: each reads and writes in a transaction, two restore their state, one replays what it has read.

    Also reads pages of what it routed, and lets time pass.
    """
    async with guarded.unguarded() as log:
        await log.append(
            [record(topic) for topic in (MENTIONS, CLASSIFIED, CORRECTIONS, COUNTS, SEEN_VOLUME, SPIKE_STATE)]
        )
    stages = (
        ("route", CLASSIFIED, [ROUTED, DEAD_LETTERS], None),
        ("volume", MENTIONS, [COUNTS, SEEN_VOLUME, DEAD_LETTERS], SEEN_VOLUME),
        ("mix", CLASSIFIED, [COUNTS, DEAD_LETTERS], None),
        ("spikes", COUNTS, [ALERTS, SPIKE_STATE, DEAD_LETTERS], SPIKE_STATE),
        ("agreement", CORRECTIONS, [DEAD_LETTERS], None),
    )
    for stage in stages:
        async with guarded.log("router") as log:
            await work(log, *stage)
    async with guarded.log("router") as log:
        for topic in (ROUTED, COUNTS):
            assert await log.read(topic, 0, (await log.bounds(topic))[0].start, 1, 1)
        await log.append([tick_record(MENTIONS, 0, int(time.time() * 1000))])


async def work(log: KafkaLog, group: str, source: str, outputs: list[str], state: str | None = None) -> None:
    """Work as a member of the group until something was committed, as a stage's runner does."""

    async def on_claim(claim: Claim) -> None:
        if state:
            assert [records async for records in claim.state(state)]
        while not claim.revoked:
            if records := await claim.fetch(100, 1 << 20):
                await claim.commit([record(topic) for topic in outputs], records[-1].offset + 1)
                log.stop_consuming()

    await log.consume(group, source, on_claim)


async def look(guarded: Guarded) -> None:
    """Reads every topic, and how far the groups are."""
    async with guarded.unguarded() as log:
        for name in NAMES:
            await log.append([record(name)])
        for group, topic in WORK_OF_GROUPS:
            claim = await log.claim(group, topic, 0)
            await claim.commit([], (await log.bounds(topic))[0].end)
    reader = await open_kafka_reader(guarded.url, guarded.settings("look"), NAMES)
    try:
        for name in NAMES:
            assert await reader.read(name, 0, (await reader.bounds(name))[0].start, 1, 1)
        assert {(group, topic) for group, topic, _ in await reader.group_lags()} == WORK_OF_GROUPS
    finally:
        await reader.close()


async def topics(guarded: Guarded) -> None:
    """Looks at the topics and their settings, makes one, alters another."""
    desired = {spec.name: desired_topic(spec, 1, TopicSettings(replication_factor=1)) for spec in TOPICS}
    async with TopicAdmin(connection_options(guarded.url, guarded.settings("topics"))) as admin:
        assert {topic.name for topic in await admin.topics()} == set(NAMES)
        for name in NAMES:
            await admin.alter(name, [Change("retention.ms", None, "86400000")])
        await admin.create(list(desired.values()))


def spread_anything(records: Sequence[Record], topic: str, _: int) -> list[NewRecord]:
    """As many records of the new topic."""
    return [record(topic) for _ in records]


async def switch(guarded: Guarded, old: int) -> None:
    """Fences the old workers, moves the state, lets the new workers start."""
    names = [spec.name for spec in topics_of(old)]
    moved = replace(handover(), spreads=dict.fromkeys(handover().spreads, spread_anything))
    log = await open_kafka_log("kafka://" + guarded.cluster.bootstrap, KafkaSettings(), names)
    try:
        mentions, classified, counts = (topic_name(kind, old) for kind in ("mentions", "classified", "counts"))
        corrections = topic_name("corrections", old)
        await log.append(
            [record(mentions), record(corrections), *(record(topic_name(kind, old)) for kind in moved.spreads)]
        )
        for group, topic, outputs in (
            ("classify", mentions, [classified]),
            ("volume", mentions, [counts]),
            ("route", classified, []),
            ("mix", classified, []),
            ("spikes", counts, []),
            ("agreement", corrections, []),
        ):
            claim = await log.claim(group, topic, 0)
            # Behind the record; on topics that stages write, the marker of the transaction that wrote it is left.
            await claim.commit([record(output) for output in outputs], 1)
    finally:
        await log.close()
    async with open_switch(guarded.url, guarded.settings("generation"), old + 1, moved) as found:
        assert (await found.progress()).drained
        await found.finish(lambda _: None)
        assert (await found.progress()).finished


async def dead_letters(guarded: Guarded) -> None:
    """Replays a dead letter of each stage."""
    letters = [
        DeadLetter(
            source_topic=topic, source_partition=0, stage=stage, key=b"k", value=b"v", reason="failed", attempts=1
        )
        for stage, topic in sorted(WORK_OF_GROUPS)
    ]
    for letter in letters:
        letter.source_time.GetCurrentTime()
    async with guarded.unguarded() as log:
        await log.append([record(DEAD_LETTERS, letter.SerializeToString()) for letter in letters])
        ids = sorted(
            id_ for found in await read_letters(log) for id_ in (letter.id for letter in found.letters.values())
        )
    async with guarded.log("dead-letters") as log:
        handling = Handling(log, "replayed", int(time.time() * 1000))
        await handling.run(ids[-len(letters) :])
    assert handling.done == ids[-len(letters) :]


WORK: dict[str, Callable[[Guarded], Awaitable[None]]] = {
    "ingest": ingest,
    "classify": classify,
    "router": router,
    "look": look,
    "topics": topics,
    "dead-letters": dead_letters,
}


async def works(guarded: Guarded, role: str, without: int | None = None) -> None:
    """The role does its work with the listed rights, or all but one of them."""
    old = next(_generations) if role == "generation" else 0
    if old:
        for generation in (old, old + 1):
            create_topics(guarded.cluster.bootstrap, topics_of(generation), partitions=1)
    rights = list(acls_of(role, old + 1 if old else 1))
    if without is not None:
        rights[without : without + 1] = less_than(rights[without])
    with guarded.given(role, rights):
        async with asyncio.timeout(SECONDS):
            await (switch(guarded, old) if old else WORK[role](guarded))


def less_than(acl: Acl) -> list[Acl]:
    """What is left of a right without what it is listed for: Read and Write imply Describe, which is needed too."""
    return [replace(acl, operation="Describe")] if acl.operation in ("Read", "Write") else []


@pytest.mark.parametrize("role", ROLES)
async def test_listed_rights_are_enough(guarded: Guarded, role: str) -> None:
    await works(guarded, role)


@pytest.mark.parametrize(
    ("role", "number", "operation"),
    [
        pytest.param(role, number, acl.operation, id=f"{role} {acl.operation} {acl.resource} {acl.name}")
        for role in ROLES
        for number, acl in enumerate(acls_of(role, 2 if role == "generation" else 1))
    ],
)
async def test_no_listed_right_is_too_many(guarded: Guarded, role: str, number: int, operation: str) -> None:
    """Without it the work ends with an error that says so: it neither hangs nor waits for the brokers."""
    # What a user may not describe is not there, or not in a list.
    expected = (LogError, AssertionError) if operation == "Describe" else NotAuthorized
    with pytest.raises(expected) as caught:
        await works(guarded, role, without=number)
    assert not isinstance(caught.value, LogUnavailable)


async def test_what_is_not_listed_is_refused(guarded: Guarded) -> None:
    rights = "mention-triage acls"
    with guarded.given("ingest", acls_of("ingest")), guarded.given("classify", acls_of("classify")):
        async with guarded.log("ingest") as log:
            with pytest.raises(NotAuthorized, match=rights):
                await log.append([record(ROUTED)])
            with pytest.raises(NotAuthorized, match=rights):
                await log.read(MENTIONS, 0, 0, 1, 1)
        async with guarded.log("classify") as log:
            with pytest.raises(NotAuthorized, match=rights):
                await log.claim("route", CLASSIFIED, 0)
            with pytest.raises(NotAuthorized, match=rights):
                await log.append([record(ROUTED)])
