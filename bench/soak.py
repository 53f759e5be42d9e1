"""Ten minutes at 80 % of capacity: does the memory stay flat? `python -m bench.soak [--minutes 10]`."""

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass

import psutil

from bench.pipeline import capacity, latency, percentile, running_stack, throughput
from bench.report import Row, report

_SAMPLE_SECONDS = 2.0
# The cache fills until it has reached its bound: the soak judges what comes after, so it is given a bound that it
# reaches within the first third.
_CACHE_ENTRIES = "5000"


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident memory at a moment."""

    seconds: float
    bytes: int


async def watch_memory(pid: int, samples: list[Sample]) -> None:
    """Sample a process until cancelled."""
    process, started = psutil.Process(pid), time.monotonic()
    while True:
        samples.append(Sample(time.monotonic() - started, process.memory_info().rss))
        await asyncio.sleep(_SAMPLE_SECONDS)


async def soak(minutes: float) -> list[Row]:
    """Load a stack at 80 % of its capacity and watch its memory."""
    async with running_stack(CLASSIFY_CACHE_ENTRIES=_CACHE_ENTRIES) as (stack, watcher):
        await throughput(stack, watcher, "warm", 1.0, 200)
        rate = 0.8 * await capacity(stack, watcher, "capacity", 1_500)
        samples: list[Sample] = []
        watching = asyncio.create_task(watch_memory(stack.process.pid, samples))
        times = await latency(stack, watcher, "soak", rate, minutes * 60)
        watching.cancel()
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    slope = statistics.linear_regression([s.seconds for s in samples[third:]], [s.bytes for s in samples[third:]]).slope
    mib = 1 << 20
    return [
        Row("load, 80 % of capacity", rate, "1/s"),
        Row("mentions routed", len(times), "mentions"),
        Row("POST to routed, p50", percentile(times, 0.5) * 1000, "ms"),
        Row("POST to routed, p99", percentile(times, 0.99) * 1000, "ms"),
        Row("resident memory, start", samples[0].bytes / mib, "MiB"),
        Row("resident memory, second third (median)", statistics.median(s.bytes for s in middle) / mib, "MiB"),
        Row("resident memory, last third (median)", statistics.median(s.bytes for s in last) / mib, "MiB"),
        Row("growth after the first third", slope * 3600 / mib, "MiB/h"),
    ]


def main() -> None:
    """Soak, print and write `bench/results/soak.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    report("soak", asyncio.run(soak(parser.parse_args().minutes)))


if __name__ == "__main__":
    main()
