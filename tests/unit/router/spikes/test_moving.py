"""After a switch of the topic generation every tenant is known in the partition that counts it now."""

from dataclasses import replace

import pytest

from services.common.log.partitioner import partition_for
from services.common.log.port import NewRecord, Record
from services.common.log.topics import SPIKE_STATE
from services.router.spikes.moving import spread_snapshots
from tests.unit.router.spikes.world import START, World, message, partial_count

TENANTS = ("acme", "bank", "cafe", "deli")


def as_records(outputs: list[NewRecord]) -> list[Record]:
    return [
        Record(each.topic, each.partition, offset, each.key, each.value, each.timestamp_ms)
        for offset, each in enumerate(outputs)
        if each.topic == SPIKE_STATE
    ]


@pytest.mark.parametrize("partitions", [1, 3])
async def test_every_tenant_is_known_in_its_new_partition_alone(
    partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.router.spikes.snapshots._SERIES_PER_SHARD", 3)
    world = World()
    messages = []
    for start in range(START, START + 1_000, 10):
        messages += [message(start, [partial_count(start, 2)], tenant=tenant) for tenant in TENANTS]
        messages.append(message(start + 10))
    old = as_records(await world.take(messages, (20,)))
    world.again([NewRecord(SPIKE_STATE, 0, each.key, each.value, each.timestamp_ms) for each in old])
    known = {
        key: world.watched.state.table.detector.counts[row] for row, key in enumerate(world.watched.state.table.keys)
    }
    assert len(known) == 2 * len(TENANTS)
    monkeypatch.setattr("services.router.spikes.stage.GENERATION", 2)
    moved = spread_snapshots(old, SPIKE_STATE, partitions)
    seen = 0
    for partition in range(partitions):
        new = World()
        assert new.again([each for each in moved if each.partition == partition]) == 0
        state = new.watched.state
        here = [tenant for tenant in TENANTS if partition_for(tenant.encode(), partitions) == partition]
        assert {key.tenant for key in state.table.keys} == set(here)
        assert {tenant for tenant, _ in state.brands} == set(here)
        for row, key in enumerate(state.table.keys):
            assert list(state.table.detector.counts[row]) == list(known[key])
        seen += len(state.table)
    assert seen == len(known)


@pytest.mark.parametrize("damage", ["other version", "cut off"])
async def test_a_shard_that_cannot_be_read_stays_behind_with_its_round(
    damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    counts = [message(START, [partial_count(START, 2)], tenant=tenant) for tenant in TENANTS]
    old = as_records(await world.take([*counts, *(message(START + 10 * row) for row in range(100))], (20,)))
    if damage == "cut off":
        broken = [replace(each, value=each.value[:-1]) if each.value and each.offset == 0 else each for each in old]
    else:
        broken = old
        monkeypatch.setattr("services.router.spikes.detector.snapshot._VERSION", 99)
    monkeypatch.setattr("services.router.spikes.stage.GENERATION", 2)
    moved = spread_snapshots(broken, SPIKE_STATE, 1)
    assert 0 < len(moved) < len(old)
    new = World()
    assert new.again(moved) == 0
    assert len(new.watched.state.table) == 0
