import random

from services.common.log.partitioner import partition_for
from services.common.log.port import Record
from services.common.log.topics import SEEN
from services.common.stage.dedupe import Seen, Sighting, seen_records
from services.common.stage.redistribution import spread

HOUR_MS = 3_600_000


def records_of(partition: int, sightings: list[Sighting]) -> list[Record]:
    written = seen_records(SEEN, partition, sightings)
    return [Record(r.topic, partition, n, r.key, r.value, r.timestamp_ms) for n, r in enumerate(written)]


def test_every_mention_is_known_where_its_customer_is_now_and_nowhere_else() -> None:
    chance = random.Random(5)
    sightings = [
        Sighting(f"acme/x/{n % 700}".encode(), f"{chance.getrandbits(128):032x}", (1_000 + n % 9) * HOUR_MS + n)
        for n in range(20_000)
    ]
    old = [r for p in range(3) for r in records_of(p, [s for s in sightings if partition_for(s.key, 3) == p])]
    new = spread(old, "seen.v2", 6)
    states = {partition: Seen(100_000) for partition in range(6)}
    for record in new:
        assert (record.topic, record.key) == ("seen.v2", None)
        assert len(record.value or b"") <= 64 << 10
        states[record.partition].restore([record])
    assert sum(map(len, states.values())) == len(sightings)
    for sighting in sightings:
        where = [n for n, seen in states.items() if seen.has(sighting.mention_id, sighting.received_ms)]
        assert where == [partition_for(sighting.key, 6)]


def test_an_entry_keeps_its_hour() -> None:
    sighting = Sighting(b"acme/x/1", "ab" * 16, 41 * HOUR_MS + 5)
    (record,) = spread(records_of(0, [sighting]), "seen.v2", 4)
    assert record.timestamp_ms == 41 * HOUR_MS


def test_nothing_gives_nothing() -> None:
    assert spread([Record("seen.v1", 0, 0, None, None, 1), Record("seen.v1", 0, 1, None, b"", 1)], "seen.v2", 4) == []
