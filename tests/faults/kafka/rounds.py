"""One round: a steady load, a fault in the middle of it, and the count of what came out."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mention_triage.v1.counts_pb2 import CountSource
from services.common.log.topics import CLASSIFIED, ROUTED
from tests.faults.clients import Sighting, count_lost, count_out_of_order, count_repeated
from tests.faults.kafka.arena import PARTITIONS, Arena
from tests.faults.kafka.faults import Fault
from tests.faults.kafka.load import STEADY, Load, Traffic
from tests.faults.kafka.watcher import Arrival

WARM_MENTIONS: Final = 300
TENANT: Final = "demo"
PATIENCE_SECONDS: Final = 90.0
_SENDING_SECONDS: Final = 120.0
_COUNTED: Final = {
    CountSource.COUNT_SOURCE_MENTIONS: "counts of mentions",
    CountSource.COUNT_SOURCE_CLASSIFIED: "counts of classified mentions",
}
_names = itertools.count()


@dataclass(frozen=True, slots=True)
class View:
    """What a reader saw of the accepted mentions; everything must be 0."""

    lost: int
    repeated: int
    out_of_order: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one round.

    `repeated_requests`: of the senders. `views`: by reader. `standstill_seconds`: the longest time in which a partition
    routed nothing, from the fault to the end of the load; `stream_seconds`: the same of all partitions together.
    `shares`: by topic, the records of its fullest partition as a multiple of the mean. `unwell`: who needs a hand, or
    what went wrong.
    """

    fault: str
    accepted: int
    repeated_requests: int
    views: Mapping[str, View]
    standstill_seconds: float
    stream_seconds: float
    shares: Mapping[str, float]
    unwell: str

    @property
    def lost(self) -> int:
        """Accepted mentions that a reader did not see."""
        return sum(view.lost for view in self.views.values())

    @property
    def repeated(self) -> int:
        """Mentions that a reader saw again."""
        return sum(view.repeated for view in self.views.values())

    @property
    def out_of_order(self) -> int:
        """Mentions that a reader saw after a later one of their customer."""
        return sum(view.out_of_order for view in self.views.values())

    @property
    def good(self) -> bool:
        """Whether nothing is lost, repeated or out of order, and nobody needs a hand."""
        return not (self.lost or self.repeated or self.out_of_order or self.unwell)


async def play(arena: Arena, fault: Fault, mentions: int, chance: random.Random, traffic: Traffic = STEADY) -> Outcome:
    """Break something under load and judge, when at least so many mentions were accepted and all is quiet."""
    name = f"{chance.randrange(1 << 32):08x}-{next(_names)}"
    load = arena.load = Load(name, traffic, arena.ingest.url, arena.deployment.headers)
    accepted, routed = load.sent.accepted, arena.watcher.arrivals[ROUTED]
    unwell, quiet = "", asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(arena.reader.follow(quiet.is_set))
        sending = group.create_task(load.run())
        try:
            await until(lambda: len(routed) >= WARM_MENTIONS, "the stream flows")
            await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(fault.act, arena, chance)
            over = time.monotonic()
            await until(lambda: len(accepted) >= mentions and _flows_since(over, routed), "the stream flows again")
        except (AssertionError, TimeoutError) as error:
            unwell = str(error)
        load.stop()
        async with asyncio.timeout(_SENDING_SECONDS):  # every request is answered in the end, or something is wrong
            await sending
        stopped = time.monotonic()
        await load.send_probes(TENANT, PARTITIONS)
        try:
            await until(lambda: not any(count_lost(accepted, seen) for seen in _seen(arena).values()), "all is routed")
            await until(lambda: all(arena.watcher.counted[n] >= len(accepted) for n in _COUNTED), "all is counted")
            await asyncio.to_thread(arena.wait_whole)
        except (AssertionError, TimeoutError) as error:
            unwell = unwell or str(error)
        quiet.set()
    if arena.watcher.failure or arena.watcher.dead_letters:
        unwell = unwell or arena.watcher.failure or f"{arena.watcher.dead_letters} dead letters"
    views = {
        view: View(count_lost(accepted, seen), count_repeated(accepted, seen), count_out_of_order(seen))
        for view, seen in _seen(arena).items()
    }
    counted = {name: arena.watcher.counted[source] - len(accepted) for source, name in _COUNTED.items()}
    views |= {name: View(max(0, -excess), max(0, excess), 0) for name, excess in counted.items()}
    during = [arrival for arrival in routed if arena.struck < arrival.at < stopped]
    outcome = Outcome(
        fault.name,
        len(accepted),
        load.sent.repeats,
        views,
        max(_standstill([a.at for a in during if a.partition == n], arena.struck, stopped) for n in range(PARTITIONS)),
        _standstill([a.at for a in during], arena.struck, stopped),
        {topic: _fullest(arrivals) for topic, arrivals in arena.watcher.arrivals.items()},
        unwell,
    )
    arena.forget()
    return outcome


async def until(condition: Callable[[], bool], awaited: str) -> None:
    """Poll until the condition holds. Raises `AssertionError`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:g} s: {awaited}"
        await asyncio.sleep(0.1)


def _seen(arena: Arena) -> Mapping[str, Sequence[Sighting]]:
    """What each reader saw in this round."""
    # Not the mentions' own topic: what a sender repeats is there twice, and dropped by the next stage.
    in_log = {topic: [each.sighting for each in arena.watcher.arrivals[topic]] for topic in (CLASSIFIED, ROUTED)}
    return {**in_log, "GET /v1/routed": arena.reader.read}


def _fullest(arrivals: Sequence[Arrival]) -> float:
    counts = Counter(arrival.partition for arrival in arrivals)
    return max(counts.values(), default=0) * PARTITIONS / max(1, counts.total())


def _flows_since(moment: float, routed: Sequence[Arrival]) -> bool:
    return len({arrival.partition for arrival in routed if arrival.at > moment}) == PARTITIONS


def _standstill(moments: Sequence[float], start: float, end: float) -> float:
    return max(later - earlier for earlier, later in pairwise([start, *moments, end]))
