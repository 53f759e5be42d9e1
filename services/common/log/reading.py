"""Reading a partition to its end, whichever adapter it is on."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

from services.common.log.port import LogUnavailable, OffsetOutOfRange, Reader, Record

_PATIENCE_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.05


async def read_to_end(
    reader: Reader, topic: str, partition: int, offset: int, max_records: int = 1_000, max_bytes: int = 4 << 20
) -> AsyncIterator[Sequence[Record]]:
    """All records from `offset` on (or the oldest retained one) up to where the partition ends now, in batches.

    Raises `LogUnavailable` rather than stop short of that: a new leader may answer for a moment as if it held less.
    """
    bounds = (await reader.bounds(topic))[partition]
    offset = max(offset, bounds.start)
    async for records in read_range(reader, topic, partition, offset, bounds.end, max_records, max_bytes):
        yield records


async def read_range(
    reader: Reader,
    topic: str,
    partition: int,
    offset: int,
    end: int,
    max_records: int = 1_000,
    max_bytes: int = 4 << 20,
) -> AsyncIterator[Sequence[Record]]:
    """All records from `offset` on, or from the oldest retained one, and below `end`, in batches.

    Raises `LogUnavailable` where the log does not reach up to `end` now.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while offset < end:
        try:
            found = await reader.scan(topic, partition, offset, max_records, max_bytes)
        except OffsetOutOfRange as error:
            if offset >= error.bounds.start:
                raise LogUnavailable(f"{topic}[{partition}] ends before offset {offset} for now: try again") from None
            offset = error.bounds.start  # retention took the oldest meanwhile
            continue
        if found.next_offset > offset:
            offset, deadline = found.next_offset, time.monotonic() + _PATIENCE_SECONDS
            if records := [record for record in found.records if record.offset < end]:
                yield records
        elif time.monotonic() > deadline:
            raise LogUnavailable(f"{topic}[{partition}] cannot be read beyond offset {offset} for now: try again")
        else:
            await asyncio.sleep(_PAUSE_SECONDS)
