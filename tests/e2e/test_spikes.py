"""Counting in a real stack: over repeats and kills the counts equal the distinct mentions."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import httpx

from mention_triage.v1.counts_pb2 import CountSource, MentionCounts
from services.common.log.embedded.reader import EmbeddedReader
from services.common.log.port import Reader
from services.common.log.reading import read_to_end
from services.common.log.topics import COUNTS
from tests.support.stack import Stack

PATIENCE_SECONDS = 90
PARTITIONS = 12


def mentions(start: int, count: int, **fields: object) -> list[dict[str, object]]:
    return [
        {
            "brand": "Nubia Telecom" if number % 3 else "Banco Sol",
            "platform": ("x", "facebook")[number % 2],
            "id": f"m{number}",
            "text": "no puedo entrar a mi cuenta",
            "author": {"id": f"u{number % 50}"},
            **fields,
        }
        for number in range(start, start + count)
    ]


def post(stack: Stack, batch: list[dict[str, object]]) -> None:
    answer = httpx.post(f"{stack.ready.ingest}/v1/mentions", json=batch, headers=stack.headers)
    assert answer.status_code == 202, answer.text


async def all_counts(reader: Reader) -> dict[int, Counter[tuple[str, str]]]:
    """Mentions by source, brand and platform."""
    totals: dict[int, Counter[tuple[str, str]]] = {}
    for partition in range(PARTITIONS):
        async for records in read_to_end(reader, COUNTS, partition, 0):
            for record in records:
                counts = MentionCounts.FromString(record.value or b"")
                for count in counts.counts:
                    totals.setdefault(counts.source, Counter())[count.brand, count.platform] += count.mentions
    return totals


async def test_counts_equal_the_distinct_mentions_whatever_is_repeated_or_killed(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "var")
    sent: Counter[tuple[str, str]] = Counter()
    try:
        for turn in range(4):
            stack.start()
            post(stack, mentions(200 * turn, 200))
            post(stack, mentions(200 * turn, 100))  # repeats
            if turn:
                post(stack, mentions(200 * turn - 200, 100))  # of what was counted before the kill
            if turn < 3:
                await asyncio.sleep(0.3 * turn)  # no synchronisation: kills at different points of the work
                stack.kill()
        reader = EmbeddedReader(tmp_path / "var" / "log.db")
        for mention in mentions(0, 800):
            sent[str(mention["brand"]), str(mention["platform"])] += 1
        deadline = time.monotonic() + PATIENCE_SECONDS
        wanted = {CountSource.COUNT_SOURCE_MENTIONS: sent, CountSource.COUNT_SOURCE_CLASSIFIED: sent}
        while (found := await all_counts(reader)) != wanted and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
        assert found == wanted
        await reader.close()
        assert stack.stop() == 0
    finally:
        stack.kill()
    reader = EmbeddedReader(tmp_path / "var" / "log.db")
    assert await all_counts(reader) == wanted
    await reader.close()
