"""Spreads the mentions that a stage has taken over the partitions of a new topic generation."""

from collections.abc import Sequence
from typing import Final

from services.common.log.partitioner import partition_of_hash
from services.common.log.port import NewRecord, Record
from services.common.stage.dedupe import ENTRY_BYTES, KEY_HASH_BYTES

_ENTRIES_PER_RECORD: Final = 4_096


def spread(records: Sequence[Record], topic: str, partitions: int) -> list[NewRecord]:
    """The entries of these records as records of `topic`: each entry in the partition that its customer's key now has.

    The hour that an entry belongs to is its record's time, which stays.
    """
    entries: dict[tuple[int, int], list[bytes]] = {}
    for record in records:
        value = record.value or b""
        for start in range(0, len(value), ENTRY_BYTES):
            entry = value[start : start + ENTRY_BYTES]
            partition = partition_of_hash(int.from_bytes(entry[:KEY_HASH_BYTES], "big"), partitions)
            entries.setdefault((partition, record.timestamp_ms), []).append(entry)
    return [
        NewRecord(topic, partition, None, b"".join(group[start : start + _ENTRIES_PER_RECORD]), timestamp_ms)
        for (partition, timestamp_ms), group in sorted(entries.items())
        for start in range(0, len(group), _ENTRIES_PER_RECORD)
    ]
