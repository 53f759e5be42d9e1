"""What it costs to remember the mentions that were output: memory per entry, and the time to restore a partition."""

import hashlib
import time
import tracemalloc

from bench.report import Row, report
from services.common.log.topics import SEEN
from services.common.stage.dedupe import Seen, Sighting, seen_records

_ENTRIES = 200_000  # the default of CLASSIFY_SEEN_LIMIT, per partition
_BATCH = 100
_HOUR_MS = 3_600_000


def main() -> None:
    """Measure, print and write `bench/results/dedupe.json`."""
    records = [
        record
        for start in range(0, _ENTRIES, _BATCH)
        for record in seen_records(
            SEEN,
            0,
            [
                Sighting(b"acme/x/%d" % n, hashlib.md5(b"%d" % n).hexdigest(), start * 200 * _HOUR_MS // _ENTRIES)
                for n in range(start, start + _BATCH)
            ],
        )
    ]
    started = time.perf_counter()
    Seen(_ENTRIES).restore(records)
    seconds = time.perf_counter() - started
    tracemalloc.start()
    seen = Seen(_ENTRIES)
    seen.restore(records)
    size, _ = tracemalloc.get_traced_memory()
    report(
        "dedupe",
        [
            Row("entries", len(seen), "entries"),
            Row("memory per entry", size / len(seen), "bytes"),
            Row("restore of a full partition, from records in memory", seconds * 1000, "ms"),
        ],
    )


if __name__ == "__main__":
    main()
