"""The whole pipeline from outside: mentions per second, and the time from POST to routed.

A stack runs in a process of its own with the embedded log; this process sends over HTTP and watches `routed.v1` as any
other program could. Both share the machine's cores, as a user's would.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.report import Row, report
from bench.texts import sample_mentions
from services.common.log.embedded.reader import EmbeddedReader
from services.common.log.topics import ROUTED
from tests.support.stack import Stack

_POLL_SECONDS = 0.005
_BATCH = 250
_POSTING = 16  # mentions on their way at once when capacity is measured


class Watcher:
    """Notes when each mention shows in `routed.v1`, read from the log's file like any other process."""

    def __init__(self, path: Path) -> None:
        self._reader = EmbeddedReader(path)
        self._offsets = [0] * self._reader.partitions(ROUTED)
        self.routed_at: dict[str, float] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            for partition, bounds in enumerate(await self._reader.bounds(ROUTED)):
                while (offset := max(self._offsets[partition], bounds.start)) < bounds.end:
                    records = await self._reader.read(ROUTED, partition, offset, 1_000, 1 << 24)
                    now = time.perf_counter()
                    self.routed_at.update((dict(record.headers)["ce_id"].decode(), now) for record in records)
                    self._offsets[partition] = records[-1].offset + 1
            await asyncio.sleep(_POLL_SECONDS)

    async def all_of(self, ids: set[str]) -> None:
        """Wait until all of these are routed."""
        while not self.routed_at.keys() >= ids:
            await asyncio.sleep(_POLL_SECONDS)

    async def close(self) -> None:
        """Close the file."""
        await self._reader.close()


@asynccontextmanager
async def running_stack(**environment: str) -> AsyncIterator[tuple[Stack, Watcher]]:
    """A fresh stack in a temporary folder, and a watcher of it."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), **environment)
        await asyncio.to_thread(stack.start)
        watcher = Watcher(Path(folder) / "log.db")
        watching = asyncio.create_task(watcher.run())
        try:
            yield stack, watcher
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await watcher.close()
            stack.kill()


def mentions(kind: str, unique_share: float) -> Iterator[dict[str, Any]]:
    """Endless invented mentions, each by another author; `unique_share` of the texts occur once, the rest are ten.

    `kind` makes the texts and ids of one measurement differ from those of another: nothing is in the cache already.
    """
    samples = sample_mentions()
    for n in itertools.count():
        copied = (n * unique_share) % 1 + unique_share <= 1
        text = (
            samples[n % 10]["text"]
            if copied and unique_share < 1
            else f"{samples[n % len(samples)]['text']} {kind} {n}"
        )
        yield samples[n % len(samples)] | {"id": f"{kind}-{n}", "text": text, "author": {"id": f"{kind}-{n}"}}


async def throughput(stack: Stack, watcher: Watcher, kind: str, unique_share: float, count: int) -> float:
    """Mentions per second from the first POST until the last of `count` is routed, sent as fast as they are taken."""
    source = mentions(kind, unique_share)
    ids: set[str] = set()
    headers = stack.headers | {"Content-Type": "application/x-ndjson"}
    started = time.perf_counter()
    async with httpx.AsyncClient(timeout=60) as client:
        while len(ids) < count:
            body = b"\n".join(orjson.dumps(m) for m in itertools.islice(source, min(_BATCH, count - len(ids))))
            answer = await client.post(f"{stack.ready.ingest}/v1/mentions", content=body, headers=headers)
            ids.update(result["mention_id"] for result in answer.raise_for_status().json()["results"])
    await watcher.all_of(ids)
    return count / (max(watcher.routed_at[i] for i in ids) - started)


async def capacity(stack: Stack, watcher: Watcher, kind: str, count: int) -> float:
    """Mentions per second of unique texts when each is posted alone, as fast as they come out at the other end."""
    source, sent = mentions(kind, 1.0), 0
    ids: set[str] = set()
    started = time.perf_counter()
    async with httpx.AsyncClient(timeout=60) as client:

        async def post_each() -> None:
            nonlocal sent
            while sent < count:
                sent += 1
                answer = await client.post(
                    f"{stack.ready.ingest}/v1/mentions", json=next(source), headers=stack.headers
                )
                mention_id = answer.raise_for_status().json()["results"][0]["mention_id"]
                ids.add(mention_id)
                await watcher.all_of({mention_id})

        await asyncio.gather(*(post_each() for _ in range(_POSTING)))
    return count / (max(watcher.routed_at[i] for i in ids) - started)


async def latency(
    stack: Stack, watcher: Watcher, kind: str, rate: float, seconds: float, unique_share: float = 1.0
) -> list[float]:
    """Seconds from POST to routed of single posts at a steady rate, sorted. Sent on time however long answers take."""
    sent_at: dict[str, float] = {}
    source = mentions(kind, unique_share)
    async with (
        httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=200)) as client,
        asyncio.TaskGroup() as group,
    ):

        async def send(mention: dict[str, Any], due: float) -> None:
            answer = await client.post(f"{stack.ready.ingest}/v1/mentions", json=mention, headers=stack.headers)
            sent_at[answer.raise_for_status().json()["results"][0]["mention_id"]] = due

        start = time.perf_counter()
        for n in range(int(rate * seconds)):
            due = start + n / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(send(next(source), due))
    await watcher.all_of(set(sent_at))
    return sorted(watcher.routed_at[i] - due for i, due in sent_at.items())


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the sorted values lies."""
    return values[min(len(values) - 1, int(share * len(values)))]


async def measure(quick: bool) -> list[Row]:
    """All figures of one run."""
    count, seconds = (1_000, 10.0) if quick else (4_000, 30.0)
    rows: list[Row] = []
    async with running_stack() as (stack, watcher):
        await throughput(stack, watcher, "warm", 1.0, 200)
        unique = await throughput(stack, watcher, "unique", 1.0, count)
        copies = await throughput(stack, watcher, "copies", 0.1, count * 3)
        alone = await capacity(stack, watcher, "alone", count // 2)
        rows += [
            Row("mentions/s, NDJSON, unique texts", unique, "1/s"),
            Row("mentions/s, NDJSON, 90 % copies", copies, "1/s"),
            Row("copies against unique", copies / unique, "ratio"),
            Row("mentions/s, posted one by one, unique texts (capacity)", alone, "1/s"),
        ]
        # Where this machine cannot take 100 unique texts a second, copies stand in, and the name says so.
        at_100 = 1.0 if alone > 110 else 0.1
        for rate, unique_share in ((100.0, at_100), (0.8 * alone, 1.0)):
            times = await latency(stack, watcher, f"at-{rate:.0f}-{unique_share}", rate, seconds, unique_share)
            name = f"POST to routed at {rate:.0f}/s" + (", 80 % of capacity" if rate != 100.0 else "")
            name += ", unique texts" if unique_share == 1.0 else ", 90 % copies"
            rows += [
                Row(f"{name}, p50", percentile(times, 0.5) * 1000, "ms"),
                Row(f"{name}, p99", percentile(times, 0.99) * 1000, "ms"),
            ]
    return rows


def main() -> None:
    """Measure, print and write `bench/results/pipeline.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run that shows that it works")
    report("pipeline", asyncio.run(measure(parser.parse_args().quick)))


if __name__ == "__main__":
    main()
