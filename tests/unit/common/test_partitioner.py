"""The partitioner is Kafka's."""

import pytest

from services.common.log.partitioner import murmur2, partition_for


# From Apache Kafka's own UtilsTest#testMurmur2.
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_kafkas_values(data: bytes, expected: int) -> None:
    assert murmur2(data) == expected & 0xFFFFFFFF


def test_partitions_are_in_range_and_evenly_used() -> None:
    counts = [0] * 12
    for n in range(12_000):
        counts[partition_for(f"acme/x/{n}".encode(), 12)] += 1
    assert min(counts) > 800
