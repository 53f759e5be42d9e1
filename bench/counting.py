"""What partial counting costs: mentions per second of the router with and without its counting stages.

The same mentions, accepted and classified, wait on an embedded log. Each set of stages works them off in a process of
its own, all in turns, so that a drift of the machine meets all; the best turn counts, since whatever else the machine
does only adds. Processor time is that of the whole process, the log's threads included. `read twice` is two stages that
do nothing: what any other reader of both topics costs.
"""

import argparse
import asyncio
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

import orjson
import psutil
import structlog
import uvloop

from bench.ingest_server import NoAppend
from bench.kafka.load import TENANT, classified_records
from bench.pipeline import mentions, percentile
from bench.report import Row, report
from mention_triage.v1.classification_pb2 import ClassifiedMention
from mention_triage.v1.counts_pb2 import MentionCounts, PartialCount
from mention_triage.v1.mention_pb2 import Mention
from services.common.contracts.records import event_record
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.port import Log, NewRecord, Record
from services.common.log.reading import read_to_end
from services.common.log.topics import CLASSIFIED, COUNTS, MENTIONS
from services.common.service import tune_interpreter
from services.common.stage.runner import StageRunner
from services.common.stage.stage import Result, Stage
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from services.ingest.events import MentionIntake, Received
from services.ingest.settings import IngestSettings
from services.router.counting.mix import mix_stage
from services.router.counting.partial import BATCH_RECORDS
from services.router.counting.reach import SAMPLED_AUTHORS, ReachSample
from services.router.counting.sketches import Summary
from services.router.counting.volume import volume_stage
from services.router.policy import DEFAULT_POLICY
from services.router.policy.load import load_policy
from services.router.stage import route_stage

_PARTITIONS: Final = 12
_PER_SECOND: Final = 5_000  # as many as a router takes, by the mentions' own time
_OLD_SECONDS: Final = 3_600
_SEEN_LIMIT: Final = 200_000
_SETS: Final = ("route", "route,volume,mix", "route,volume", "route,mix", "route,read twice")
_BRANDS: Final = 30
_PLATFORMS: Final = ("x", "facebook", "instagram", "tiktok")
_KEPT: Final = 0.9
_UNIQUE: Final = {"unique texts": 1.0, "90 % copies": 0.1}


def load(number: int, unique_share: float) -> Iterator[NewRecord]:
    """Mentions of a contact center's brands, each by another author, most of them replies.

    A few brands have most of the mentions, and a few authors most of the followers.
    """
    classifications = [
        ClassifiedMention.FromString(record.value or b"").classification
        for record in classified_records(15, lambda _: 0)
    ]
    intake = MentionIntake(IngestSettings(), cast(Log, NoAppend(_PARTITIONS)))
    now_ms, draw = int(time.time() * 1000), random.Random(1)
    for n, posted in enumerate(islice(mentions("counting", unique_share), number)):
        author = posted["author"] | {"followers": int(draw.paretovariate(1.1) * 50)}
        series = {"brand": f"brand-{int(draw.paretovariate(1.0)) % _BRANDS}", "platform": draw.choice(_PLATFORMS)}
        answers = {"in_reply_to": {"id": f"root-{draw.randrange(200)}"}} if draw.random() < 0.6 else {}
        record = intake.record(
            posted | {"author": author} | series | answers, Received(TENANT, now_ms + n * 1000 // _PER_SECOND)
        )[1]
        yield record
        mention = Mention.FromString(record.value or b"")
        yield event_record(
            CLASSIFIED,
            record.partition,
            mention.customer_key,
            ClassifiedMention(mention=mention, classification=classifications[n % len(classifications)]),
            event_id=mention.mention_id,
            source="classify",
            timestamp_ms=record.timestamp_ms,
        )


async def fill(path: Path, number: int, unique_share: float) -> None:
    """Write the load to a new log."""
    log, records = EmbeddedLog(path, _PARTITIONS), load(number, unique_share)
    while chunk := list(islice(records, 2_000)):
        await log.append(chunk)
    await log.close()


async def _nothing(_: None, __: Sequence[Record]) -> Result:
    return Result(())


def _reading(group: str, topic: str) -> Stage[None]:
    return Stage(group, topic, _nothing, new_state=lambda: None, max_batch_records=BATCH_RECORDS)


_STAGES: Final[dict[str, Callable[[Metrics], Sequence[Stage[Any]]]]] = {
    "route": lambda metrics: [route_stage(load_policy(DEFAULT_POLICY), metrics)],
    "volume": lambda metrics: [volume_stage(metrics, _SEEN_LIMIT, _OLD_SECONDS, _PARTITIONS)],
    "mix": lambda _: [mix_stage(_OLD_SECONDS, _PARTITIONS)],
    "read twice": lambda _: [_reading("volume", MENTIONS), _reading("mix", CLASSIFIED)],
}


async def work_off(path: Path, stages: str, number: int) -> float:
    """Microseconds of processor time per mention of these stages, in this process."""
    tune_interpreter()
    log, metrics = EmbeddedLog(path, _PARTITIONS), Metrics("router")
    made = [stage for name in stages.split(",") for stage in _STAGES[name](metrics)]
    runners = [StageRunner(log, stage, metrics, Health()) for stage in made]
    started = time.process_time()
    running = [asyncio.create_task(runner.run()) for runner in runners]
    while any(runner.processed < number for runner in runners):
        await asyncio.sleep(0.01)
    seconds = time.process_time() - started
    log.stop_consuming()
    await asyncio.gather(*running)
    await log.close()
    return seconds / number * 1e6


def run(folder: Path, filled: Path, stages: str, number: int) -> float:
    """The same on a copy of a log, in a process of its own."""
    path = folder / "run.db"
    shutil.copy(filled, path)
    command = [sys.executable, "-m", "bench.counting", "--work-off", str(path), stages, str(number)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return float(orjson.loads(output))


async def partial_counts(path: Path) -> tuple[list[PartialCount], int]:
    """What was counted of the mentions, and the bytes of all counts."""
    log = EmbeddedLog(path, _PARTITIONS)
    found: list[PartialCount] = []
    size = 0
    for partition in range(_PARTITIONS):
        async for records in read_to_end(log, COUNTS, partition, 0):
            size += sum(len(record.value or b"") for record in records)
            for record in records:
                found += [
                    each for each in MentionCounts.FromString(record.value or b"").counts if each.HasField("sketches")
                ]
    await log.close()
    return found, size


def throughput(folder: Path, kind: str, number: int, rounds: int) -> list[Row]:
    """What counting costs, and what its counts are."""
    filled = folder / "filled.db"
    filled.unlink(missing_ok=True)
    asyncio.run(fill(filled, number, _UNIQUE[kind]))
    turns: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for stages in _SETS:
            turns[stages].append(run(folder, filled, stages, number))
    best = {stages: min(turns[stages]) for stages in _SETS}
    rows = [Row(f"{kind}: {stages}", us, "CPU µs/mention") for stages, us in best.items()]
    for stages in _SETS[1:]:
        target = _KEPT if stages == _SETS[1] else None
        rows.append(Row(f"{kind}: throughput kept, {stages}", best["route"] / best[stages], "ratio", target))
    run(folder, filled, "volume", number)
    counts, size = asyncio.run(partial_counts(folder / "run.db"))
    return [
        *rows,
        Row(f"{kind}: mentions per partial count", number / len(counts), "mentions"),
        Row(f"{kind}: counts.v1 per mention", size / number, "bytes"),
        *merging(kind, counts),
    ]


def merging(kind: str, counts: Sequence[PartialCount]) -> list[Row]:
    """What it costs to merge them, and to keep what comes of it."""
    started, total = time.perf_counter(), Summary()
    for count in counts:
        total.merge(count.sketches)
    merged = (time.perf_counter() - started) / len(counts) * 1e6
    kept = total.to_proto()
    before, copies = psutil.Process().memory_info().rss, [Summary() for _ in range(300)]
    for copy in copies:
        for _ in range(5):  # more than one sketch is, where it is full
            copy.merge(kept)
    memory = (psutil.Process().memory_info().rss - before) / len(copies)
    return [
        Row(f"{kind}: merging a partial count", merged, "µs"),
        Row(f"{kind}: a summary of all, serialised", kept.ByteSize() / 1024, "KB"),
        Row(f"{kind}: a summary of all, in memory", memory / 1024, "KB"),
    ]


def errors(trials: int) -> list[Row]:
    """Errors of the estimates for 5,000 authors with followers as heavy-tailed as networks have them."""
    reach: list[float] = []
    distinct: list[float] = []
    for trial in range(trials):
        draw, sample, summary = random.Random(trial), ReachSample(), Summary()
        followers = {f"{trial}/{n}": int(draw.paretovariate(1.1) * 50) for n in range(5_000)}
        for author, count in followers.items():
            sample.add(author, count)
            summary.add_author(author, ())
        total = sum(followers.values())
        reach.append(abs(sample.estimate() - total) / total)
        distinct.append(abs(summary.authors() - len(followers)) / len(followers))
    rows = [Row("reach: bound of the relative standard error", (SAMPLED_AUTHORS - 1) ** -0.5, "ratio")]
    for name, values in (("reach", reach), ("distinct authors", distinct)):
        values.sort()
        rows += [
            Row(f"{name}: relative error, standard", statistics.fmean(e * e for e in values) ** 0.5, "ratio"),
            Row(f"{name}: relative error, p95", percentile(values, 0.95), "ratio"),
        ]
    return rows


def main() -> None:
    """Measure, print and write `bench/results/counting.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    parser.add_argument("--work-off", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work_off:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is the parent's
        path, stages, number = arguments.work_off
        print(uvloop.run(work_off(Path(path), stages, int(number))))
        return
    number, rounds = (12_000, 1) if arguments.quick else (20_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for kind in _UNIQUE for row in throughput(Path(folder), kind, number, rounds)]
    report("counting", rows + errors(30 if arguments.quick else 200))


if __name__ == "__main__":
    main()
