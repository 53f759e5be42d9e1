"""kill -9 of the whole stack, again and again, while mentions are sent and routed mentions are read.

`python -m tests.faults.kill --mentions 20000 --kills 10` is the long form; the test runs a short one.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.texts import sample_texts
from services.common.log.embedded.reader import EmbeddedReader
from services.common.log.topics import ROUTED
from tests.faults.clients import (
    CursorReader,
    Sent,
    count_lost,
    count_out_of_order,
    count_repeated,
    mention,
    send_until_accepted,
)
from tests.support.stack import Stack

BATCH = 50
LANES = 4  # senders at the same time; a customer's mentions all go through one
AUTHORS_PER_LANE = 100


@dataclass(frozen=True)
class Verdict:
    """The outcome of a run; all but the first two must be 0."""

    accepted: int
    routed: int
    lost: int
    repeated_in_log: int
    repeated_to_reader: int
    out_of_order: int
    batches_repeated: int
    kills: int
    slowest_restart_seconds: float

    @property
    def faults(self) -> int:
        """Mentions lost, repeated or out of order."""
        return self.lost + self.repeated_in_log + self.repeated_to_reader + self.out_of_order


async def send_lane(stack: Stack, lane: int, count: int, texts: Sequence[str], sent: Sent) -> None:
    """Send the mentions of one sender in order, each batch until it is answered."""
    mentions: list[dict[str, Any]] = [
        mention(str(lane), n, AUTHORS_PER_LANE, texts[(lane * count + n) % len(texts)]) for n in range(count)
    ]
    async with httpx.AsyncClient(timeout=10) as client:
        for start in range(0, count, BATCH):
            await send_until_accepted(client, stack.ready.ingest, stack.headers, mentions[start : start + BATCH], sent)


async def killer(
    stack: Stack, sent: Sent, reader: CursorReader, expected: int, kills: int, chance: random.Random
) -> list[float]:
    """Kill at random moments of the sending and of the routing after it. Returns the seconds of each restart."""
    moments = sorted(chance.uniform(0.02, 0.98) * 2 * expected for _ in range(kills))
    restart_seconds = []
    for moment in moments:
        while len(sent.accepted) + len(reader.read) < moment:
            await asyncio.sleep(0.002)
        await asyncio.sleep(chance.uniform(0, 0.3))
        stack.kill()
        started = time.monotonic()
        await asyncio.to_thread(stack.start)
        restart_seconds.append(time.monotonic() - started)
    return restart_seconds


async def kill_and_judge(folder: Path, mentions: int, kills: int, seed: int) -> Verdict:
    """Send `mentions` while the stack is killed `kills` times, then compare what was accepted with what was routed."""
    stack, texts = Stack(folder), sample_texts()
    expected = mentions // LANES * LANES
    stack.start()
    try:
        sent, reader = Sent(), CursorReader(lambda: [stack.ready.router], stack.headers)
        async with asyncio.TaskGroup() as group:
            for lane in range(LANES):
                group.create_task(send_lane(stack, lane, mentions // LANES, texts, sent))
            group.create_task(reader.follow(lambda: len(reader.read) >= expected))
            killing = group.create_task(killer(stack, sent, reader, expected, kills, random.Random(seed)))
        assert stack.stop() == 0, stack.log()[-3000:]
    finally:
        stack.kill()
    in_log = await routed_in_log(folder / "log.db")
    return Verdict(
        accepted=len(sent.accepted),
        routed=len(in_log),
        lost=len(sent.accepted - in_log.keys()) + count_lost(sent.accepted, reader.read),
        repeated_in_log=in_log.total() - len(in_log),
        repeated_to_reader=count_repeated(sent.accepted, reader.read),
        out_of_order=count_out_of_order(reader.read),
        batches_repeated=sent.repeats,
        kills=kills,
        slowest_restart_seconds=round(max(killing.result(), default=0.0), 2),
    )


async def routed_in_log(path: Path) -> Counter[str]:
    """How often the log itself holds each routed mention."""
    log_reader = EmbeddedReader(path)
    in_log: Counter[str] = Counter()
    for partition, bounds in enumerate(await log_reader.bounds(ROUTED)):
        offset = bounds.start
        while offset < bounds.end:
            records = await log_reader.read(ROUTED, partition, offset, 1000, 1 << 24)
            in_log.update(dict(record.headers)["ce_id"].decode() for record in records)
            offset = records[-1].offset + 1
    await log_reader.close()
    return in_log


def main() -> None:
    """Run from the command line and print the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdict = asyncio.run(kill_and_judge(Path(folder), arguments.mentions, arguments.kills, arguments.seed))
    print(f"seed {arguments.seed}")
    for name in verdict.__dataclass_fields__:
        print(f"{name.replace('_', ' '):28} {getattr(verdict, name)}")
    raise SystemExit(1 if verdict.faults else 0)


if __name__ == "__main__":
    main()
