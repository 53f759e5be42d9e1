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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.texts import sample_texts
from services.common.log.embedded.reader import EmbeddedReader
from services.common.log.topics import ROUTED
from tests.support.stack import Stack

BATCH = 50
LANES = 4  # senders at the same time; a customer's mentions all go through one
AUTHORS_PER_LANE = 100


@dataclass
class Run:
    """What was sent, accepted and read."""

    accepted: set[str] = field(default_factory=set)
    repeats: int = 0  # batches sent again because no answer came
    read: list[dict[str, Any]] = field(default_factory=list)
    restart_seconds: list[float] = field(default_factory=list)


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


def mentions_of_lane(lane: int, count: int, texts: Sequence[str]) -> list[dict[str, Any]]:
    """The mentions of one sender; `attributes.n` numbers those of each author."""
    return [
        {
            "brand": "Nubia Telecom",
            "platform": "x",
            "id": f"{lane}-{n}",
            "text": texts[(lane * count + n) % len(texts)],
            "author": {"id": f"author-{lane}-{n % AUTHORS_PER_LANE}"},
            "attributes": {"n": n // AUTHORS_PER_LANE},
        }
        for n in range(count)
    ]


async def send_lane(stack: Stack, mentions: Sequence[dict[str, Any]], run: Run) -> None:
    """Send in order, each batch until it is answered."""
    async with httpx.AsyncClient(timeout=10) as client:
        for start in range(0, len(mentions), BATCH):
            body = b"\n".join(map(orjson.dumps, mentions[start : start + BATCH]))
            headers = stack.headers | {"Content-Type": "application/x-ndjson"}
            while True:
                try:
                    answer = await client.post(f"{stack.ready.ingest}/v1/mentions", content=body, headers=headers)
                except httpx.HTTPError:
                    run.repeats += 1
                    await asyncio.sleep(0.05)
                    continue
                if answer.status_code in (429, 503):
                    await asyncio.sleep(0.2)
                    continue
                assert answer.status_code == 202, answer.text
                results = answer.json()["results"]
                assert [r["status"] for r in results] == ["accepted"] * len(mentions[start : start + BATCH])
                run.accepted.update(r["mention_id"] for r in results)
                break


async def read_routed(stack: Stack, run: Run, expected: int) -> None:
    """Follow `GET /v1/routed` by its cursor over all restarts, until all is there or nothing new comes for long."""
    cursor, last_news = None, time.monotonic()
    async with httpx.AsyncClient(timeout=10) as client:
        while len(run.read) < expected and time.monotonic() - last_news < 120:
            params = {"limit": "500"} | ({"cursor": cursor} if cursor else {})
            try:
                answer = await client.get(f"{stack.ready.router}/v1/routed", params=params, headers=stack.headers)
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
                continue
            page = answer.raise_for_status().json()
            run.read += page["items"]
            if page["items"]:
                last_news = time.monotonic()
            elif page["next_cursor"] == cursor:
                await asyncio.sleep(0.1)
            cursor = page["next_cursor"]


async def killer(stack: Stack, run: Run, expected: int, kills: int, chance: random.Random) -> None:
    """Kill at random moments of the sending and of the routing after it."""
    moments = sorted(chance.uniform(0.02, 0.98) * 2 * expected for _ in range(kills))
    for moment in moments:
        while len(run.accepted) + len(run.read) < moment:
            await asyncio.sleep(0.002)
        await asyncio.sleep(chance.uniform(0, 0.3))
        stack.kill()
        started = time.monotonic()
        await asyncio.to_thread(stack.start)
        run.restart_seconds.append(time.monotonic() - started)


async def kill_and_judge(folder: Path, mentions: int, kills: int, seed: int) -> Verdict:
    """Send `mentions` while the stack is killed `kills` times, then compare what was accepted with what was routed."""
    stack, run, texts = Stack(folder), Run(), sample_texts()
    stack.start()
    try:
        lanes = [mentions_of_lane(lane, mentions // LANES, texts) for lane in range(LANES)]
        expected = sum(map(len, lanes))
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(send_lane(stack, lane, run))
            group.create_task(read_routed(stack, run, expected))
            group.create_task(killer(stack, run, expected, kills, random.Random(seed)))
        assert stack.stop() == 0, stack.log()[-3000:]
    finally:
        stack.kill()
    return await judge(folder / "log.db", run, kills)


async def judge(path: Path, run: Run, kills: int) -> Verdict:
    """Count by id, in the log itself and as the reader saw it."""
    log_reader = EmbeddedReader(path)
    in_log: Counter[str] = Counter()
    for partition, bounds in enumerate(await log_reader.bounds(ROUTED)):
        offset = bounds.start
        while offset < bounds.end:
            records = await log_reader.read(ROUTED, partition, offset, 1000, 1 << 24)
            in_log.update(dict(record.headers)["ce_id"].decode() for record in records)
            offset = records[-1].offset + 1
    await log_reader.close()
    to_reader = Counter(item["mention"]["mention_id"] for item in run.read)
    last: dict[str, int] = {}
    out_of_order = 0
    for item in run.read:
        n = item["mention"]["attributes"]["n"]
        out_of_order += n <= last.get(item["customer_key"], -1)
        last[item["customer_key"]] = n
    return Verdict(
        accepted=len(run.accepted),
        routed=len(in_log),
        lost=len(run.accepted - in_log.keys()) + len(run.accepted - to_reader.keys()),
        repeated_in_log=in_log.total() - len(in_log),
        repeated_to_reader=to_reader.total() - len(to_reader),
        out_of_order=out_of_order,
        batches_repeated=run.repeats,
        kills=kills,
        slowest_restart_seconds=round(max(run.restart_seconds, default=0.0), 2),
    )


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
