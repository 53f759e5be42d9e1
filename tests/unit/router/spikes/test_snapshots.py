"""Rounds of snapshots: every record small, whatever the state holds, and all of it back again."""

import numpy as np
import pytest

from services.router.spikes.detector.state import ARRAYS
from services.router.spikes.series import SeriesKey
from services.router.spikes.snapshots import Rounds, complete_rounds, restored
from services.router.spikes.state import SpikeState
from tests.unit.router.spikes.world import START, World, message, partial_count

MOST_BYTES = 500_000
LONG = "\N{OLD PERSIAN SIGN A}" * 100  # four bytes each


def taken(state: SpikeState, number: int = START, rounds: Rounds | None = None) -> dict[bytes, bytes]:
    rounds = rounds or Rounds("1.0")
    rounds.begin(state, number)
    records = dict(rounds.unwritten)
    rounds.written(len(records))
    return records


def again(records: dict[bytes, bytes]) -> SpikeState:
    state = World().stage.new_state().state
    restored(state, Rounds("1.0"), records)
    return state


async def test_counts_of_a_partition_far_ahead_do_not_make_a_record_large() -> None:
    """Two hours ahead, with four hundred series that are mentioned in every bucket."""
    world = World(partitions=2, max_series=800)
    brands = [partial_count(START, 1, f"Brand {number}") for number in range(200)]
    await world.take([message(START, brands)])
    state = world.watched.state
    for row in range(720):
        state.open[START + 10 * row] = dict.fromkeys(range(len(state.table)), 300)
    records = taken(state)
    assert max(map(len, records.values())) < MOST_BYTES
    assert again(records).open == state.open


async def test_many_tenants_do_not_make_a_record_large() -> None:
    world = World()
    await world.take([message(START, [partial_count(START, 1)])])
    state = world.watched.state
    state.silence = {f"{LONG}{number}": number / 7 for number in range(3_000)}
    records = taken(state)
    assert max(map(len, records.values())) < MOST_BYTES
    assert again(records).silence == state.silence


async def test_series_that_do_not_compress_and_have_long_names_do_not_make_a_record_large() -> None:
    world = World(max_series=600)
    await world.take([message(START, [partial_count(START, 1)])])
    state = world.watched.state
    for number in range(250):
        assert state.row(state.brands["acme", "Acme"], f"{number}{LONG}") is not None
    detector = state.table.detector
    chance = np.random.default_rng(1)
    for name in ARRAYS:
        values = getattr(detector, name)
        values[:] = chance.integers(0, 256, values.nbytes, np.uint8).view(values.dtype).reshape(values.shape)
    records = taken(state)
    assert max(map(len, records.values())) < MOST_BYTES
    found = again(records).table
    assert found.keys == state.table.keys
    for name in ARRAYS:
        assert getattr(found.detector, name).tobytes() == getattr(detector, name).tobytes()


async def test_a_shard_that_a_longer_round_has_left_is_no_part_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.router.spikes.snapshots._SERIES_PER_SHARD", 1)
    long, short = World(), World()
    await long.take([message(START, [partial_count(START, 1, f"Brand {number}") for number in range(5)])])
    await short.take([message(START, [partial_count(START, 1)])])
    records = {**taken(long.watched.state), **taken(short.watched.state)}
    assert again(records).table.keys == [SeriesKey("acme", "Acme", ""), SeriesKey("acme", "Acme", "x")]


async def test_rounds_are_written_to_two_slots_in_turn() -> None:
    world = World()
    await world.take([message(START, [partial_count(START, 1)])])
    rounds = Rounds("1.0")
    first, second = (taken(world.watched.state, START + 600 * number, rounds) for number in range(2))
    assert not first.keys() & second.keys()
    third = taken(world.watched.state, START + 1_200, rounds)
    assert third.keys() == first.keys()
    found = list(complete_rounds({**first, **second, **third}.items()))
    assert [(slot, shards[-1].round) for slot, shards in found] == [(1, START + 1_200)]
