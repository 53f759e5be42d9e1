"""Snapshots of the state, in rounds of small shards; and the state that the last complete round gives.

A round is taken at one moment and written with the records that come after it, a few shards at a time, so that no unit
of the log is large. Its records have keys and the topic is compacted: two slots are written in turn, so that the last
complete round stays while the next one is being written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mention_triage.v1 import spike_snapshot_pb2 as pb
from mention_triage.v1.spike_state_pb2 import BrandState
from services.router.spikes.detector import dump, load, pick
from services.router.spikes.episodes.episode import dump_episode, load_episode
from services.router.spikes.evidence import BrandEvidence
from services.router.spikes.series import ALL, SeriesKey
from services.router.spikes.state import Brand, SpikeState
from services.router.spikes.watermark import Watermark

SHARD_BYTES: Final = 400_000
_SERIES_PER_SHARD: Final = 128  # of 3 KB each, before they are compressed
_SLOTS: Final = 2


@dataclass(slots=True)
class Rounds:
    """The rounds of one partition: which comes next, and what of the newest is still to be written."""

    origin: str = ""
    """Whose state it is: the generation of the topics and the partition."""
    number: int = 0
    """Of the newest round: seconds since the epoch, by the mentions' own time."""
    slot: int = 0
    unwritten: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Keys and values, the last one first."""

    def begin(self, state: SpikeState, number: int) -> None:
        """Take the state as it is now as a new round."""
        self.number, self.slot = number, (self.slot + 1) % _SLOTS
        shards = [*_series_shards(state), *_brand_shards(state)]
        for place, shard in enumerate(shards):
            shard.origin, shard.round, shard.shard = self.origin, number, place
        end = pb.SpikeSnapshot(origin=self.origin, round=number, end=_end(state, len(shards)))
        names = [*map(str, range(len(shards))), "end"]
        self.unwritten = [
            (key_of(self.origin, self.slot, name), snapshot.SerializeToString(deterministic=True))
            for name, snapshot in zip(names, [*shards, end], strict=True)
        ][::-1]

    def next_shards(self, most: int) -> list[tuple[bytes, bytes]]:
        """Take up to `most` records that are still to be written, in order."""
        return [self.unwritten.pop() for _ in range(min(most, len(self.unwritten)))]


def key_of(origin: str, slot: int, name: str) -> bytes:
    """The key of a record of a round: its slot's earlier record of that name may go."""
    return f"{origin}/{slot}/{name}".encode()


def complete_rounds(records: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[int, list[pb.SpikeSnapshot]]]:
    """The newest complete round of each origin, with its slot: shards in order, then the closing record.

    `records`: keys and values of the state topic, each key once. Raises nothing for what is incomplete.
    """
    slots: dict[tuple[str, int], list[pb.SpikeSnapshot]] = {}
    for key, value in records:
        origin, number, _ = key.decode().split("/")
        slots.setdefault((origin, int(number)), []).append(pb.SpikeSnapshot.FromString(value))
    newest: dict[str, tuple[int, list[pb.SpikeSnapshot]]] = {}
    for (origin, slot), found in slots.items():
        end = max((each for each in found if each.HasField("end")), key=lambda each: each.round, default=None)
        if end is None:
            continue
        shards = {each.shard: each for each in found if each.round == end.round and not each.HasField("end")}
        if len(shards) == end.end.shards and (origin not in newest or newest[origin][1][-1].round < end.round):
            newest[origin] = (slot, [*(shards[place] for place in sorted(shards)), end])
    yield from newest.values()


def restored(state: SpikeState, rounds: Rounds, records: Mapping[bytes, bytes]) -> None:
    """Fill a blank state from the state topic: from its own last round, else from those that a switch has moved here.

    Leaves it blank where there is none. Raises ValueError for a round of another version of the detector.
    """
    found = list(complete_rounds(records.items()))
    own = [(slot, shards) for slot, shards in found if shards[-1].origin == rounds.origin]
    latest = max((_generation(shards) for _, shards in found), default=0)
    for slot, shards in own or [each for each in found if _generation(each[1]) == latest]:
        end = shards[-1].end
        for shard in shards[:-1]:
            _load_shard(state, shard)
        if end.HasField("closed"):
            state.closed = end.closed if state.closed is None else max(state.closed, end.closed)
        state.silence |= end.silence
        if own:
            rounds.number, rounds.slot = shards[-1].round, slot
            state.covers = end.covers
            state.volume = Watermark.load(list(end.volume.numbers))
            state.mix = Watermark.load(list(end.mix.numbers))
            for count in end.open:
                state.open.setdefault(count.bucket, {})[count.series] = count.mentions


def _generation(shards: list[pb.SpikeSnapshot]) -> int:
    return int(shards[-1].origin.split(".")[0])


def _series_shards(state: SpikeState) -> Iterator[pb.SpikeSnapshot]:
    table = state.table
    for start in range(0, len(table), _SERIES_PER_SHARD):
        rows = np.arange(start, min(start + _SERIES_PER_SHARD, len(table)))
        names = [pb.SeriesKey(**table.keys[row]._asdict()) for row in rows]
        yield pb.SpikeSnapshot(series=names, detector=dump(pick(table.detector, rows)))


def _brand_shards(state: SpikeState) -> Iterator[pb.SpikeSnapshot]:
    shard, size = pb.SpikeSnapshot(), 0
    for brand in state.brands.values():
        dumped = _dump_brand(brand)
        if size and size + dumped.ByteSize() > SHARD_BYTES:
            yield shard
            shard, size = pb.SpikeSnapshot(), 0
        shard.brands.append(dumped)
        size += dumped.ByteSize()
    if size:
        yield shard


def _dump_brand(brand: Brand) -> BrandState:
    return BrandState(
        tenant=brand.tenant,
        brand=brand.name,
        evidence=brand.evidence.dump(),
        episode=None if brand.episode is None else dump_episode(brand.episode),
    )


def _load_shard(state: SpikeState, shard: pb.SpikeSnapshot) -> None:
    if shard.series:
        keys = [SeriesKey(each.tenant, each.brand, each.platform) for each in shard.series]
        first = len(state.table)
        state.table.add(keys, load(shard.detector))
        for row, key in enumerate(keys, first):
            if key.platform == ALL:
                state.brands[key[:2]] = Brand(key.tenant, key.brand, {}, BrandEvidence())
            state.brands[key[:2]].rows[key.platform] = row
    for each in shard.brands:
        brand = state.brands[each.tenant, each.brand]
        brand.evidence = BrandEvidence.load(each.evidence)
        brand.episode = load_episode(each.episode) if each.HasField("episode") else None


def _end(state: SpikeState, shards: int) -> pb.SnapshotEnd:
    return pb.SnapshotEnd(
        covers=state.covers,
        shards=shards,
        closed=state.closed,
        volume=pb.WatermarkState(numbers=state.volume.dump()),
        mix=pb.WatermarkState(numbers=state.mix.dump()),
        open=[
            pb.OpenCount(series=row, bucket=bucket, mentions=mentions)
            for bucket, counted in sorted(state.open.items())
            for row, mentions in counted.items()
        ],
        silence=state.silence,
    )
