"""For how long two generations of a topic took records at the same time."""

from collections.abc import Callable
from typing import Final

from services.common.log.port import Bounds, Reader, Record
from services.common.log.reading import read_range

_LOOK_BACK: Final = 16  # offsets, at first: the newest ones may be markers of transactions
_RECORDS: Final = 512
_BYTES: Final = 1 << 20

_IsIdle = Callable[[Record], bool]


async def overlap_ms(reader: Reader, old: str, new: str, is_idle: _IsIdle) -> int:
    """From the first record of the new topic to the last one of the old, milliseconds by their own times.

    Those that are idle do not count. 0 where the two do not overlap, or one of them is not there.
    """
    if not {old, new} <= set(reader.topics()):
        return 0
    last = [
        await _newest(reader, old, partition, bounds, is_idle)
        for partition, bounds in enumerate(await reader.bounds(old))
    ]
    first = [
        await _oldest(reader, new, partition, bounds, is_idle)
        for partition, bounds in enumerate(await reader.bounds(new))
    ]
    newest = max((record.timestamp_ms for record in last if record), default=0)
    return max(0, newest - min((record.timestamp_ms for record in first if record), default=newest))


async def _oldest(reader: Reader, topic: str, partition: int, bounds: Bounds, is_idle: _IsIdle) -> Record | None:
    async for records in read_range(reader, topic, partition, bounds.start, bounds.end, _RECORDS, _BYTES):
        for record in records:
            if not is_idle(record):
                return record
    return None


async def _newest(reader: Reader, topic: str, partition: int, bounds: Bounds, is_idle: _IsIdle) -> Record | None:
    end, step, found = bounds.end, _LOOK_BACK, None
    while end > bounds.start and found is None:
        start = max(bounds.start, end - step)
        async for records in read_range(reader, topic, partition, start, end, _RECORDS, _BYTES):
            found = next((record for record in reversed(records) if not is_idle(record)), found)
        end, step = start, _RECORDS
    return found
