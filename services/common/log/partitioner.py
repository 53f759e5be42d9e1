"""Which partition a key belongs to: Kafka's default partitioner, so that both adapters agree."""


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2 (org.apache.kafka.common.utils.Utils#murmur2), unsigned."""
    length = len(data)
    m = 0x5BD1E995
    mask = 0xFFFFFFFF
    h = (0x9747B28C ^ length) & mask
    for i in range(0, length - length % 4, 4):
        k = int.from_bytes(data[i : i + 4], "little")
        k = (k * m) & mask
        k ^= k >> 24
        k = (k * m) & mask
        h = (h * m) & mask
        h ^= k
    tail = length % 4
    if tail:
        h ^= int.from_bytes(data[-tail:], "little")
        h = (h * m) & mask
    h ^= h >> 13
    h = (h * m) & mask
    return h ^ (h >> 15)


def partition_for(key: bytes, partitions: int) -> int:
    """Partition number, 0 to `partitions` - 1, of a record with this key."""
    return partition_of_hash(murmur2(key), partitions)


def partition_of_hash(key_hash: int, partitions: int) -> int:
    """The same for a key of which only the `murmur2` is known."""
    return (key_hash & 0x7FFFFFFF) % partitions
