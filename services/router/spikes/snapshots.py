"""Snapshots of the state, in rounds of small shards; and the state that the last complete round gives.

A round is taken at one moment and written with the batches that come after it, a few shards at a time, so that no unit
of the log is large. Its records have keys and the topic is compacted: two slots are written in turn, so that the last
complete round stays while the next one is being written.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from google.protobuf.message import DecodeError, Message

from mention_triage.v1 import spike_snapshot_pb2 as pb
from mention_triage.v1.spike_state_pb2 import BrandState
from services.router.spikes.detector import dump, load, pick
from services.router.spikes.episodes.episode import dump_episode, load_episode
from services.router.spikes.evidence import BrandEvidence
from services.router.spikes.series import ALL, SeriesKey
from services.router.spikes.state import Brand, SpikeState
from services.router.spikes.watermark import Watermark

UNREADABLE: Final = (ValueError, DecodeError)
"""What reading a snapshot raises: it is of another version, or damaged. What is normal must be learned anew."""

_SHARD_BYTES: Final = 400_000  # as large as a brand may become
_SERIES_PER_SHARD: Final = 96  # of 3.4 KB each, which need not become less when they are compressed, and their names
_SLOTS: Final = 2


@dataclass(slots=True)
class Rounds:
    """The rounds of one partition: which one is the newest, and what of it is still to be written."""

    origin: str = ""
    """Whose state it is: the generation of the topics and the partition."""
    number: int = 0
    """Of the newest round: seconds since the epoch, by the mentions' own time."""
    slot: int = 0
    unwritten: deque[tuple[bytes, bytes]] = field(default_factory=deque)
    """Keys and values, in order."""

    def begin(self, state: SpikeState, number: int) -> None:
        """Take the state as it is now as a new round, and `settle` it: a second or two for ten thousand series.

        The round before must be written, or nothing of it: then the new one replaces it.
        """
        if self.unwritten:
            self.unwritten.clear()
        else:
            self.slot = (self.slot + 1) % _SLOTS
        self.number = number
        shards = [
            *_series_shards(state),
            *_shards("brands", map(_dump_brand, state.brands.values())),
            *_shards("open", _dump_open(state)),
            *_shards("silence", (pb.TenantSilence(tenant=name, expected=n) for name, n in state.silence.items())),
        ]
        for place, shard in enumerate(shards):
            shard.origin, shard.round, shard.shard = self.origin, number, place
        end = pb.SpikeSnapshot(origin=self.origin, round=number, end=_end(state, len(shards)))
        names = [*map(str, range(len(shards))), "end"]
        self.unwritten.extend(
            (key_of(self.origin, self.slot, name), snapshot.SerializeToString(deterministic=True))
            for name, snapshot in zip(names, [*shards, end], strict=True)
        )

    def due(self, enough: int) -> list[tuple[bytes, bytes]]:
        """The next records to be written: until they have `enough` bytes."""
        records: list[tuple[bytes, bytes]] = []
        size = 0
        for record in self.unwritten:
            if size >= enough:
                break
            records.append(record)
            size += len(record[1])
        return records

    def written(self, records: int) -> None:
        """So many of those that were due are committed."""
        for _ in range(records):
            self.unwritten.popleft()


def settle(state: SpikeState) -> None:
    """Bring the state into the form that one restored from a round taken now would have.

    Whether there is such a round depends on batches and restarts; what the state says from here on must not.
    """
    for brand in state.brands.values():
        brand.evidence.dump()


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
        parts = [each for each in found if each.round == end.round and not each.HasField("end")]
        shards = {each.shard: each for each in parts if each.shard < end.end.shards}
        if len(shards) == end.end.shards and (origin not in newest or newest[origin][1][-1].round < end.round):
            newest[origin] = (slot, [*(shards[place] for place in sorted(shards)), end])
    yield from newest.values()


def restored(state: SpikeState, rounds: Rounds, records: Mapping[bytes, bytes]) -> None:
    """Fill a blank state from the state topic: from its own last round, else from those that a switch has moved here.

    Leaves it blank where there is none. Raises one of `UNREADABLE` for a round of another version, or a damaged one.
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
        if own:
            rounds.number, rounds.slot = shards[-1].round, slot
            state.covers = end.covers
            state.volume = Watermark.load(list(end.volume.numbers))
            state.mix = Watermark.load(list(end.mix.numbers))


def _generation(shards: list[pb.SpikeSnapshot]) -> int:
    return int(shards[-1].origin.split(".")[0])


def _series_shards(state: SpikeState) -> Iterator[pb.SpikeSnapshot]:
    table = state.table
    for start in range(0, len(table), _SERIES_PER_SHARD):
        rows = np.arange(start, min(start + _SERIES_PER_SHARD, len(table)))
        names = [pb.SeriesKey(**table.keys[row]._asdict()) for row in rows]
        yield pb.SpikeSnapshot(series=names, detector=dump(pick(table.detector, rows)))


def _shards(name: str, parts: Iterable[Message]) -> Iterator[pb.SpikeSnapshot]:
    """Shards with these parts in the field of that name."""
    shard, size = pb.SpikeSnapshot(), 0
    for part in parts:
        if size and size + part.ByteSize() > _SHARD_BYTES:
            yield shard
            shard, size = pb.SpikeSnapshot(), 0
        getattr(shard, name).append(part)
        size += part.ByteSize()
    if size:
        yield shard


def _dump_brand(brand: Brand) -> BrandState:
    return BrandState(
        tenant=brand.tenant,
        brand=brand.name,
        evidence=brand.evidence.dump(),
        episode=None if brand.episode is None else dump_episode(brand.episode),
    )


def _dump_open(state: SpikeState) -> Iterator[pb.OpenBucket]:
    for start, counted in sorted(state.open.items()):
        yield pb.OpenBucket(start=start, series=counted.keys(), mentions=counted.values())


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
    for bucket in shard.open:
        state.open[bucket.start] = dict(zip(bucket.series, bucket.mentions, strict=True))
    for silence in shard.silence:
        state.silence[silence.tenant] = silence.expected


def _end(state: SpikeState, shards: int) -> pb.SnapshotEnd:
    return pb.SnapshotEnd(
        covers=state.covers,
        shards=shards,
        closed=state.closed,
        volume=pb.WatermarkState(numbers=state.volume.dump()),
        mix=pb.WatermarkState(numbers=state.mix.dump()),
    )
