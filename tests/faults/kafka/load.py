"""A steady load of mentions, numbered for each author, each request repeated until ingest has accepted it."""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from bench.texts import sample_texts
from services.common.contracts.identity import customer_key
from services.common.log.partitioner import partition_for
from tests.faults.clients import Sent, mention, send_until_accepted

LANES: Final = 6  # senders at the same time; a customer's mentions all go through one
BATCH: Final = 25
# A text that was seen before costs no run of the model: the faults are about everything else.
TEXTS: Final = sample_texts()[:20]
_TIMEOUT_SECONDS: Final = 15  # longer than ingest waits for the brokers


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is sent. `authors_per_lane`: who take turns. `more`: of every mention."""

    per_second: float
    authors_per_lane: int
    more: Mapping[str, Any] = field(default_factory=dict)


# Fewer authors than a batch has mentions: some write twice in one request.
STEADY: Final = Traffic(300, 20)
# Everybody answers one post.
VIRAL: Final = Traffic(
    50, 500, {"kind": "reply", "conversation": "root", "in_reply_to": {"id": "root", "text": "¿Os funciona internet?"}}
)


class Load:
    """Sends mentions under ids of its own until stopped. `factor`: as many times more than the traffic says."""

    def __init__(self, name: str, traffic: Traffic, url: str, headers: Mapping[str, str]) -> None:
        """`name`: begins every id and every author."""
        self.sent: Final = Sent()
        self.factor = 1.0
        self._name = name
        self._traffic = traffic
        self._url = url
        self._headers = headers
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish the requests in hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Send until stopped; what a fault has held up is made up for at once."""
        async with asyncio.TaskGroup() as lanes:
            for lane in range(LANES):
                lanes.create_task(self._lane(lane))

    async def _lane(self, lane: int) -> None:
        traffic, name = self._traffic, f"{self._name}-{lane}"
        due, n = time.monotonic(), 0
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
            while not self._stopping.is_set():
                batch = [
                    mention(name, each, traffic.authors_per_lane, TEXTS[each % len(TEXTS)], **traffic.more)
                    for each in range(n, n + BATCH)
                ]
                await send_until_accepted(client, self._url, self._headers, batch, self.sent)
                n += BATCH
                due += LANES * BATCH / (traffic.per_second * self.factor)
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def send_probes(self, tenant: str, partitions: int) -> None:
        """One mention more into each partition: once it is routed, all before it is, and nothing of it comes late."""
        probes = [
            mention(f"{self._name}-probe-{n}", 0, 1, TEXTS[0])
            for n in _lanes_by_partition(self._name, tenant, partitions)
        ]
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
            await send_until_accepted(client, self._url, self._headers, probes, self.sent)


def _lanes_by_partition(name: str, tenant: str, partitions: int) -> Sequence[int]:
    """For each partition, the number of a probe whose author belongs there."""
    found: dict[int, int] = {}
    for n in itertools.count():
        author = mention(f"{name}-probe-{n}", 0, 1, "")["author"]["id"]
        found.setdefault(partition_for(customer_key(tenant, "x", author, "").encode(), partitions), n)
        if len(found) == partitions:
            return list(found.values())
    raise AssertionError("there are numbers without end")
