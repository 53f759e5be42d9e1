"""The switch from one generation of the topics to the next, which has another partition count.

Ingest goes over to the new topics first, and what it takes waits there. The old workers work off what the old topics
still hold. Then the state that the new workers need is moved, each entry to the partition that its key now has, and
only then may they start: a customer's mentions keep their order, and a repeat is known on both sides of the switch.
That they may is what the group's first offsets in the new topics say: `finish` commits them, and workers ask for them.

Every step looks at the brokers, keeps nothing elsewhere and may be started again after it was killed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiokafka.structs import TopicPartition

from services.common.log.kafka.admin import TopicAdmin
from services.common.log.kafka.client import LATEST, KafkaClient
from services.common.log.kafka.committing import TransactionalCommitter
from services.common.log.kafka.connection import connection_options
from services.common.log.kafka.overlap import overlap_ms
from services.common.log.kafka.reader import KafkaReader
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import LogError, NewRecord, NotAuthorized, Record
from services.common.log.reading import read_to_end
from services.common.log.topics import REPLAY_GROUP, generation_of, topic_name, topics_of

RETIRED_GROUP: Final = "retired"  # an offset of it in a topic says that its generation is over
MOVING_GROUP: Final = "redistribute"  # how far the state has been moved is this group's offset in the old state topic
_RECORDS: Final = 512  # moved in one transaction
_BYTES: Final = 1 << 20
_POLL_SECONDS: Final = 0.5

Spread = Callable[[Sequence[Record], str, int], Sequence[NewRecord]]
"""Records of an old state topic as records of the new topic, which has so many partitions."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What a switch must know of the stages.

    `spreads`: how the state in each state topic is moved, by the topic's base name; state that is not named here stays
    behind. `is_idle`: whether a record asks for no work, so that it may stay unread.
    """

    spreads: Mapping[str, Spread]
    is_idle: Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the switch has come.

    `unread`: by (group, old topic), how many offsets the group has yet to commit. `unmoved`: the same by old state
    topic. `members`: who works in each group. `overlap_ms`: for how long both generations took mentions at the same
    time, milliseconds by the mentions' own times. `finished`: the workers of the new generation may begin, or have.
    """

    generation: int
    unread: Mapping[tuple[str, str], int]
    unmoved: Mapping[str, int]
    members: Mapping[str, Sequence[str]]
    overlap_ms: int
    finished: bool

    @property
    def drained(self) -> bool:
        """Whether the old workers have worked off all that the old topics hold."""
        return not any(self.unread.values())


class Switch:
    """The switch to `generation` from the one before it."""

    def __init__(
        self,
        options: Mapping[str, Any],
        reader: KafkaReader,
        admin: TopicAdmin,
        generation: int,
        handover: Handover,
    ) -> None:
        """`options`: see `connection_options`. `reader`: of the topics of both generations."""
        self._options = options
        self._reader = reader
        self._admin = admin
        self._generation = generation
        self._is_idle = handover.is_idle
        there = set(reader.topics())
        old = [spec for spec in topics_of(generation - 1) if spec.name in there]
        self._work = [(group, spec.name) for spec in old for group in spec.groups]
        self._replays = [(REPLAY_GROUP, name) for name in there if name == topic_name("dead-letters", generation - 1)]
        self._states = [  # from, to, how
            (name, topic_name(base, generation), spread)
            for base, spread in handover.spreads.items()
            if (name := topic_name(base, generation - 1)) in there
        ]
        self._new_work = [(group, spec.name) for spec in topics_of(generation) for group in spec.groups]

    async def progress(self) -> Progress:
        """Ask the brokers how far the switch has come."""
        groups = sorted({group for group, _ in self._work})
        return Progress(
            self._generation,
            await self.unread(),
            {topic: await self._left(MOVING_GROUP, topic) for topic, *_ in self._states},
            {group: await self._admin.members(group) for group in groups},
            await overlap_ms(
                self._reader,
                topic_name("mentions", self._generation - 1),
                topic_name("mentions", self._generation),
                self._is_idle,
            ),
            await self._finished(),
        )

    async def unread(self) -> dict[tuple[str, str], int]:
        """By (group, old topic), how many offsets the group has yet to commit."""
        return {(group, topic): await self._left(group, topic) for group, topic in self._work}

    async def drain(self, seconds: float, tell: Callable[[Mapping[tuple[str, str], int]], None]) -> bool:
        """Wait until the old workers are through, `seconds` at most; tell what is unread now and then."""
        deadline = time.monotonic() + seconds
        while True:
            unread = await self.unread()
            tell(unread)
            if not any(unread.values()) or time.monotonic() >= deadline:
                return not any(unread.values())
            await asyncio.sleep(_POLL_SECONDS)

    async def finish(self, tell: Callable[[str], None]) -> None:
        """Fence the old workers, make sure that they are through, and move the state.

        Raises `LogError` where a worker still runs or something is left to do for the old ones.
        """
        self._check_topics()
        if await self._finished():
            tell(f"the workers of generation {self._generation} may start, or have: nothing to do")
            return
        await self._check_members()
        for group, topic in self._work:
            if left := await self._left(group, topic):
                raise self._unread_error(group, topic, left)
        # From here on the old generation takes no worker and no replay any more; what ran is fenced. Then look again.
        for group, topic in [*self._work, *self._replays]:
            await self._each(topic, partial(self._retire, group, topic))
        for group, topic in self._work:
            if left := await self._left(group, topic):
                raise self._unread_error(group, topic, left)
        for topic, target, spread in self._states:
            for partition in range(self._reader.partitions(topic)):
                moved = await self._move(topic, partition, target, spread)
                tell(f"{topic}[{partition}]: {moved:,} records moved to {target}")
        for group, topic in self._new_work:
            await self._each(topic, partial(self._admit, group, topic))
            tell(f"group {group} may read {topic}")

    async def _check_members(self) -> None:
        for group in sorted({group for group, _ in self._work}):
            if members := await self._admin.members(group):
                raise LogError(
                    f"group {group} still has members ({', '.join(members)}): stop the workers of generation"
                    f" {self._generation - 1} first, and those of generation {self._generation} if some run"
                )

    def _unread_error(self, group: str, topic: str, left: int) -> LogError:
        return LogError(
            f"group {group} has yet to commit {left:,} offsets of {topic}: start the workers of generation"
            f" {self._generation - 1} again until `mention-triage topics generation drain` is through"
        )

    async def _each(self, topic: str, work: Callable[[int], Awaitable[None]]) -> None:
        await asyncio.gather(*(work(partition) for partition in range(self._reader.partitions(topic))))

    def _check_topics(self) -> None:
        there = set(self._reader.topics())
        if missing := [spec.name for spec in topics_of(self._generation) if spec.name not in there]:
            raise LogError(f"there is no {', no '.join(missing)}: `mention-triage topics apply` makes them")

    async def _left(self, group: str, topic: str) -> int:
        """How many offsets the group has yet to commit, where work is among them and not only markers and such."""
        committed = await self._reader.client.committed(group, topic)
        ends = await self._reader.client.offsets(topic, LATEST, committed=False)
        left = 0
        for partition, bounds in enumerate(await self._reader.bounds(topic)):
            offset = max(committed.get(partition, bounds.start), bounds.start)
            if bounds.end < ends[partition] or await self._holds_work(topic, partition, offset):
                left += ends[partition] - offset  # an open transaction may turn out to be records, too
        return left

    async def _holds_work(self, topic: str, partition: int, offset: int) -> bool:
        async for records in read_to_end(self._reader, topic, partition, offset, _RECORDS, _BYTES):
            if not all(map(self._is_idle, records)):
                return True
        return False

    async def _finished(self) -> bool:
        there = set(self._reader.topics())
        for group, topic in self._new_work:
            if topic not in there or not await may_start(self._reader.client, group, topic):
                return False
        return True

    async def _admit(self, group: str, topic: str, partition: int) -> None:
        """Commit the group's first offset, where it has none. Asked behind the fence: another `finish` may be ahead."""
        if partition in await self._reader.client.committed(group, topic):
            return  # so that a worker which has begun is not fenced
        async with self._claim(group, topic, partition) as claim:
            if partition not in await self._reader.client.committed(group, topic):
                await claim.commit((), (await self._reader.bounds(topic))[partition].start)

    async def _retire(self, group: str, topic: str, partition: int) -> None:
        """Let nobody claim the old partition any more, then end the claim that somebody may still hold."""
        async with self._claim(RETIRED_GROUP, topic, partition) as claim:
            await claim.commit((), 0)
        async with self._claim(group, topic, partition):
            pass

    async def _move(self, topic: str, partition: int, target: str, spread: Spread) -> int:
        """Move what is left of one partition, each step with its place in one transaction; gives how many records."""
        partitions, moved = self._reader.partitions(target), 0
        async with self._claim(MOVING_GROUP, topic, partition) as claim:  # then look: another `finish` may be at it
            committed = await self._reader.client.committed(MOVING_GROUP, topic)
            start = committed.get(partition, 0)
            async for records in read_to_end(self._reader, topic, partition, start, _RECORDS, _BYTES):
                await claim.commit(spread(records, target, partitions), records[-1].offset + 1)
                moved += len(records)
        return moved

    @asynccontextmanager
    async def _claim(self, group: str, topic: str, partition: int) -> AsyncIterator[TransactionalCommitter]:
        """Fence whoever works on this partition for this group."""
        committer = TransactionalCommitter(self._options, group, TopicPartition(topic, partition))
        try:
            await committer.start()
            yield committer
        finally:
            await committer.close()


@asynccontextmanager
async def open_switch(url: str, settings: KafkaSettings, generation: int, handover: Handover) -> AsyncIterator[Switch]:
    """The switch to `generation`. Raises `LogError` where there is none before it."""
    if settings.delivery != "exactly_once":
        raise LogError("a switch of the generation needs transactions: KAFKA_DELIVERY=at_least_once cannot be switched")
    if generation == 1:
        raise LogError(
            "LOG_GENERATION=1 is the first generation: to change the partition count, set LOG_GENERATION=2 and the new"
            " LOG_PARTITIONS"
        )
    options = connection_options(url, settings)
    named = {topic_name(base, generation - 1) for base in ("dead-letters", *handover.spreads)}
    old = [spec.name for spec in topics_of(generation - 1) if spec.groups or spec.name in named]
    client = KafkaClient(options, [*old, *(spec.name for spec in topics_of(generation))])
    try:
        await client.connect()
        if client.refused:  # what cannot be looked at may hold mentions that nobody has read
            raise NotAuthorized(
                f"this user may not describe {', '.join(sorted(client.refused))}: give it the rights that"
                " `mention-triage acls generation` lists"
            )
        async with TopicAdmin(options) as admin:
            yield Switch(options, KafkaReader(client), admin, generation, handover)
    finally:
        await client.close()


async def require_in_use(client: KafkaClient, topic: str) -> None:
    """For whoever has just claimed a partition: raises `LogError` if the topic's generation is over.

    After the fence: `finish` marks the topic first and fences then, so that nobody gets in between.
    """
    if generation_of(topic) and await client.committed(RETIRED_GROUP, topic):
        raise LogError(
            f"the generation of {topic} is over, its work was handed on to the next: set LOG_GENERATION and"
            " LOG_PARTITIONS to the new one's"
        )


async def may_start(client: KafkaClient, group: str, topic: str) -> bool:
    """Whether the group has an offset in every partition: in a later generation `finish` commits the first ones."""
    return len(await client.committed(group, topic)) == client.partitions[topic]


async def require_finished(client: KafkaClient, group: str, topic: str) -> None:
    """For workers, before they join their group: raises `LogError` while the switch to their generation goes on."""
    kind_and_generation = generation_of(topic)
    if kind_and_generation and kind_and_generation[1] > 1 and not await may_start(client, group, topic):
        raise LogError(
            f"the switch to LOG_GENERATION={kind_and_generation[1]} is not finished: group {group} may read {topic}"
            " after `mention-triage topics generation drain` and `… finish`; until then mentions wait there"
        )
