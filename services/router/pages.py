"""Pages of one tenant's routed mentions, read from the log as it is: no index, no state."""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orjson import dumps

from mention_triage.v1.routing_pb2 import RoutedMention
from services.common.contracts.identity import tenant_prefix
from services.common.contracts.views import PRIORITIES, routed_view
from services.common.http.problems import Problem
from services.common.log.port import Bounds, LogUnavailable, OffsetOutOfRange, Reader, Record, UnknownTopic
from services.common.log.topics import GENERATION, ROUTED, TOPICS
from services.router.cursor import decode_cursor, encode_cursor, invalid_cursor, later_cursor
from services.router.generations import kept_generations, routed_topic, start_cursor, written

_RETAINED_HOURS: Final = next(topic.retention_ms for topic in TOPICS if topic.name == ROUTED) // 3_600_000

_CHUNK_RECORDS: Final = 512
_STEPS_IN_VAIN: Final = 128
_READ_AHEAD_BYTES: Final = 2 << 20  # of one request, all partitions together
_PAGE_BYTES: Final = 1 << 20  # of record values; a page ends early rather than grow beyond this by more than one item
_TURN_SECONDS: Final = 0.005  # of work before others on the event loop get their turn


@dataclass(frozen=True, slots=True)
class Filters:
    """Which mentions a reader wants; an empty set admits all."""

    queues: frozenset[str] = frozenset()
    priorities: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()

    def admit(self, routed: RoutedMention) -> bool:
        """Whether this mention passes every filter."""
        return (
            (not self.queues or routed.routing.queue in self.queues)
            and (not self.priorities or PRIORITIES[routed.routing.priority] in self.priorities)
            and (not self.brands or routed.mention.brand in self.brands)
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Routed mentions, each as JSON, and the cursor behind them."""

    items: Sequence[bytes]
    next_cursor: str

    def json(self) -> bytes:
        """The body of the answer."""
        return b'{"items":[%b],"next_cursor":%b}' % (b",".join(self.items), dumps(self.next_cursor))


async def read_page(
    reader: Reader,
    tenant: str,
    limit: int,
    cursor: str | None,
    filters: Filters,
    max_scan: int,
    newest: int = GENERATION,
) -> Page:
    """The next `limit` mentions of this tenant or fewer, oldest first; looks at `max_scan` records at most.

    Partitions are merged by record time; within one, and so for each customer, the log's order stays. `next_cursor`
    equals `cursor` only if there was nothing left to look at. A page is of one generation of the topic, of the oldest
    that is left where there is no cursor; behind the last page of one, `next_cursor` is the start of the next, up to
    `newest`. Raises a 400 problem for a cursor of another log or of a later generation, a 410 problem for one below
    what is retained.
    """
    kept = kept_generations(reader, newest)
    try:
        return await _page_of_kept(reader, tenant, limit, cursor, filters, max_scan, kept)
    except UnknownTopic:
        if kept_generations(reader, newest) == kept:
            raise LogUnavailable(f"{routed_topic(newest)} is not there now") from None
        return await read_page(reader, tenant, limit, cursor, filters, max_scan, newest)  # one was deleted meanwhile


async def _page_of_kept(
    reader: Reader, tenant: str, limit: int, cursor: str | None, filters: Filters, max_scan: int, kept: Sequence[int]
) -> Page:
    newest = kept[-1]
    generation, sent = (kept[0], None) if cursor is None else decode_cursor(cursor, reader.identity)
    if generation > newest:
        raise later_cursor(generation, newest)
    later = [each for each in kept if each > generation]
    if generation not in kept:
        raise expired_cursor(await start_cursor(reader, later[0]))
    final = await written(reader, later)  # asked before the bounds: they are the last ones then
    bounds = await reader.bounds(routed_topic(generation))
    oldest = [partition.start for partition in bounds]
    offsets = oldest if sent is None else sent
    if len(offsets) != len(bounds) or any(o > partition.end for o, partition in zip(offsets, bounds, strict=True)):
        raise invalid_cursor()
    if any(offset < start for offset, start in zip(offsets, oldest, strict=True)):
        raise expired_cursor(encode_cursor(generation, reader.identity, oldest))
    effort = _Effort(_STEPS_IN_VAIN)
    lanes = _lanes(reader, routed_topic(generation), offsets, bounds, limit, effort)
    try:
        items = await _merge(lanes, effort, tenant, limit, filters, max_scan)
    except OffsetOutOfRange:  # retention went by meanwhile
        if cursor is None:
            return await _page_of_kept(reader, tenant, limit, None, filters, max_scan, kept)
        raise expired_cursor(await start_cursor(reader, generation)) from None
    if final and all(lane.exhausted for lane in lanes):
        return Page(items, await start_cursor(reader, later[0]))
    return Page(items, encode_cursor(generation, reader.identity, [lane.offset for lane in lanes]))


@dataclass(slots=True)
class _Effort:
    """Steps without a record that a request may still take, all partitions together.

    A long row of aborted records takes several requests: each moves the cursor on.
    """

    left: int


class _Lane:
    """One partition's records, read in chunks that double: few for a small page, many for a long search."""

    def __init__(
        self,
        reader: Reader,
        topic: str,
        partition: int,
        offset: int,
        end: int,
        chunk: int,
        chunk_bytes: int,
        effort: _Effort,
    ) -> None:
        self.offset = offset  # of the next record to take
        self._read_to = offset
        self._effort = effort
        self._reader = reader
        self._topic = topic
        self._partition = partition
        self._end = end
        self._chunk = chunk
        self._chunk_bytes = chunk_bytes
        self._waiting: deque[Record] = deque()

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left up to where the partition ended when the page was begun."""
        return self.offset >= self._end

    async def head(self) -> Record | None:
        """The next record, which stays; None if there is none, or if the effort is spent."""
        while not self._waiting and not self.exhausted and self._effort.left > 0:
            found = await self._reader.scan(self._topic, self._partition, self.offset, self._chunk, self._chunk_bytes)
            self._waiting.extend(found.records)
            self._read_to = found.next_offset
            self._chunk = min(2 * self._chunk, _CHUNK_RECORDS)
            if not found.records:
                self._effort.left -= 1
                if found.next_offset <= self.offset:
                    break
                self.offset = found.next_offset
        return self._waiting[0] if self._waiting else None

    def take(self) -> Record:
        """The next record, which goes. Only after `head` has returned it."""
        record = self._waiting.popleft()
        self.offset = record.offset + 1 if self._waiting else self._read_to
        return record


def _lanes(
    reader: Reader, topic: str, offsets: Sequence[int], bounds: Sequence[Bounds], limit: int, effort: _Effort
) -> list[_Lane]:
    """Partitions to merge, each from its offset on."""
    chunk = min(_CHUNK_RECORDS, 1 + 2 * limit // len(bounds))
    chunk_bytes = _READ_AHEAD_BYTES // len(bounds)
    return [
        _Lane(reader, topic, n, offset, bounds[n].end, chunk, chunk_bytes, effort) for n, offset in enumerate(offsets)
    ]


async def _merge(
    lanes: Sequence[_Lane], effort: _Effort, tenant: str, limit: int, filters: Filters, max_scan: int
) -> Sequence[bytes]:
    prefix = tenant_prefix(tenant).encode()
    heads = await asyncio.gather(*(lane.head() for lane in lanes))
    heap = [(head.timestamp_ms, n) for n, head in enumerate(heads) if head]
    heapq.heapify(heap)
    items: list[bytes] = []
    scanned = size = 0
    turn_ends = time.perf_counter() + _TURN_SECONDS
    while heap and effort.left > 0 and scanned < max_scan and len(items) < limit and size < _PAGE_BYTES:
        lane = lanes[heap[0][1]]
        record = lane.take()
        scanned += 1
        # The key tells the tenant: other tenants' records are not even decoded.
        if record.key and record.key.startswith(prefix) and record.value:
            routed = RoutedMention.FromString(record.value)
            if filters.admit(routed):
                items.append(dumps(routed_view(routed)))
                size += len(record.value)
        if head := await lane.head():
            heapq.heapreplace(heap, (head.timestamp_ms, heap[0][1]))
        else:
            heapq.heappop(heap)
        if time.perf_counter() >= turn_ends:
            await asyncio.sleep(0)
            turn_ends = time.perf_counter() + _TURN_SECONDS
    return items


def too_many_pages() -> Problem:
    """The answer while as many pages are being made as may be."""
    return Problem(
        429,
        "too_many_pages",
        "too many pages are being made at once; try again after Retry-After, and ask for one page after the other",
        headers={"Retry-After": "1"},
    )


def expired_cursor(oldest_cursor: str) -> Problem:
    """The answer to a cursor below what is retained. `oldest_cursor`: at the oldest record that is left after it."""
    return Problem(
        410,
        "cursor_expired",
        f"what this cursor points at is no longer kept: routed mentions are kept for {_RETAINED_HOURS} hours;"
        " go on with oldest_cursor, from the oldest that is left after it, or without a cursor",
        extensions={"oldest_cursor": oldest_cursor},
    )
