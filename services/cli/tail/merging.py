"""Reads the partitions of a topic as one stream, by record time; a partition's own order always stays."""

import heapq
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeVar

from services.common.log.port import OffsetOutOfRange, Reader, Record

T = TypeVar("T")

_RECORDS: Final = 256
_BYTES: Final = 1 << 20


class MergedReader:
    """One topic from a position in each partition on."""

    def __init__(self, reader: Reader, topic: str, positions: Sequence[int]) -> None:
        """`positions`: offset of the next record, by partition."""
        self._reader = reader
        self._topic = topic
        self._positions = list(positions)

    async def sweep(self) -> AsyncIterator[Record]:
        """Everything from the positions to the end as it is when reached; moves the positions behind what it gave."""
        waiting: list[tuple[int, int, deque[Record]]] = []  # (time of the first, partition, records)
        for partition in range(len(self._positions)):
            await self._refill(waiting, partition)
        while waiting:
            _, partition, records = heapq.heappop(waiting)
            record = records.popleft()
            self._positions[partition] = record.offset + 1
            yield record
            if records:
                heapq.heappush(waiting, (records[0].timestamp_ms, partition, records))
            else:
                await self._refill(waiting, partition)

    async def _refill(self, waiting: list[tuple[int, int, deque[Record]]], partition: int) -> None:
        records = deque(await _read(self._reader, self._topic, partition, self._positions[partition]))
        if records:
            heapq.heappush(waiting, (records[0].timestamp_ms, partition, records))


async def ends(reader: Reader, topic: str) -> list[int]:
    """Positions at the end: only what comes."""
    return [bounds.end for bounds in await reader.bounds(topic)]


async def starts(reader: Reader, topic: str) -> list[int]:
    """Positions at the oldest retained records."""
    return [bounds.start for bounds in await reader.bounds(topic)]


async def since(reader: Reader, topic: str, timestamp_ms: int) -> list[int]:
    """Positions of the first record at or after a time in each partition, by bisection.

    Times rise with offsets but for the milliseconds in which writers overtake each other.
    """
    positions: list[int] = []
    for partition, bounds in enumerate(await reader.bounds(topic)):
        low, high = bounds.start, bounds.end
        while low < high:
            middle = (low + high) // 2
            found = await _read(reader, topic, partition, middle, 1)
            if found and found[0].timestamp_ms < timestamp_ms:
                low = found[0].offset + 1
            else:
                high = middle
        positions.append(low)
    return positions


async def last(
    reader: Reader, topic: str, count: int, positions: Sequence[int], select: Callable[[Record], T | None]
) -> list[T]:
    """The newest `count` of what `select` gives (None: not that one) before the positions, oldest first."""
    newest: list[tuple[int, int, int, T]] = []  # (time, partition, offset, selected)
    starting = await starts(reader, topic)
    for partition, (start, end) in enumerate(zip(starting, positions, strict=True)):
        mine: list[tuple[int, int, int, T]] = []
        high, step = end, count
        while high > start and len(mine) < count:
            low = max(start, high - step)
            mine = [*await _select(reader, topic, partition, low, high, select), *mine]
            high, step = (
                low,
                min(step * 4, 4_096),
            )  # a filter may let little through: look further back
        newest = heapq.nlargest(count, [*newest, *mine[-count:]], key=lambda found: found[:3]) if count else []
    return [found[3] for found in sorted(newest, key=lambda found: found[:3])]


async def _select(
    reader: Reader, topic: str, partition: int, low: int, high: int, select: Callable[[Record], T | None]
) -> list[tuple[int, int, int, T]]:
    found: list[tuple[int, int, int, T]] = []
    while low < high:
        records = await _read(reader, topic, partition, low, high - low)
        if not records:
            break
        low = records[-1].offset + 1
        found += [
            (record.timestamp_ms, partition, record.offset, selected)
            for record in records
            if record.offset < high and (selected := select(record)) is not None
        ]
    return found


async def _read(reader: Reader, topic: str, partition: int, offset: int, count: int = _RECORDS) -> Sequence[Record]:
    try:
        return await reader.read(topic, partition, offset, min(count, _RECORDS), _BYTES)
    except OffsetOutOfRange as error:  # retention took what stood here: go on with the oldest
        return await reader.read(topic, partition, error.bounds.start, min(count, _RECORDS), _BYTES)
