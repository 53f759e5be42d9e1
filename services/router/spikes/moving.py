"""Spreads what is known of brands over the partitions of a new topic generation."""

from collections.abc import Sequence

import numpy as np
import structlog

from mention_triage.v1.spike_snapshot_pb2 import SnapshotEnd, SpikeSnapshot
from services.common.log.partitioner import partition_for
from services.common.log.port import NewRecord, Record
from services.router.spikes.detector import dump, load, pick
from services.router.spikes.snapshots import UNREADABLE

log = structlog.get_logger()


def spread_snapshots(records: Sequence[Record], topic: str, partitions: int) -> list[NewRecord]:
    """The shards of these records as records of `topic`: each tenant's part in the partition that counts it now.

    Every partition gets a part of every shard, if an empty one, so that a round stays complete. The offset that a round
    covers, its open buckets and silences mean nothing beside other counts: what was counted since is missing to what is
    normal. A shard that cannot be read stays behind, told of in the log, and with it its round.
    """
    moved: list[NewRecord] = []
    for record in records:
        if record.value is None:
            continue
        try:
            shard = SpikeSnapshot.FromString(record.value)
            parts = [_part(shard, partition, partitions) for partition in range(partitions)]
        except UNREADABLE as error:
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            log.warning("snapshot left behind", **place, error=str(error))
            continue
        for partition, part in enumerate(parts):
            value = part.SerializeToString(deterministic=True)
            moved.append(NewRecord(topic, partition, record.key, value, record.timestamp_ms))
    return moved


def _part(shard: SpikeSnapshot, partition: int, partitions: int) -> SpikeSnapshot:
    def is_here(tenant: str) -> bool:
        return partition_for(tenant.encode(), partitions) == partition

    part = SpikeSnapshot(origin=shard.origin, round=shard.round, shard=shard.shard)
    if shard.HasField("end"):
        closed = shard.end.closed if shard.end.HasField("closed") else None
        part.end.CopyFrom(SnapshotEnd(shards=shard.end.shards, closed=closed))
        return part
    if rows := [row for row, key in enumerate(shard.series) if is_here(key.tenant)]:
        part.series.extend(shard.series[row] for row in rows)
        part.detector = dump(pick(load(shard.detector), np.array(rows, np.intp)))
    part.brands.extend(brand for brand in shard.brands if is_here(brand.tenant))
    return part
