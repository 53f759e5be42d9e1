"""How soon people hear of a spike: from the first mention of a twentyfold load to the webhook, demo scrape settings.

A brand with 12 mentions a minute and a baseline gets 240 a minute, replies to one post. Three ways of running: all
services in one process on the embedded log; each in a process of its own on Kafka; the same, with classify stopped.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench.kafka.cluster import empty_topics, running_kafka
from bench.report import Row, report
from tests.support.deployment import Deployment, ServiceName
from tests.support.kafka import KafkaCluster
from tests.support.mention_load import MentionLoad, write_baseline
from tests.support.prometheus import Alerting
from tests.support.stack import Stack
from tests.support.webhooks import WebhookReceiver

SERVICES: Final[tuple[ServiceName, ...]] = ("ingest", "classify", "router")
LIMIT_SECONDS: Final = 60.0
_TOLD: Final = "brand-owner"
_PATIENCE_SECONDS: Final = 180.0
# The steady load before, and the spike after its alert: a second notification would come within a minute of the first.
_STEADY_SECONDS: Final = 40.0
_GOES_ON_SECONDS: Final = 90.0
# A bucket, a scrape and an evaluation begin at times of their own: where in them the spike falls must not be the same.
_ROUND_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Running:
    """Services that run: how to reach them."""

    ingest: str
    headers: Mapping[str, str]
    targets: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Told:
    """`seconds`: to the webhook. `notifications`: that somebody got while the spike went on."""

    seconds: float
    notifications: int


def announce(running: Running, folder: Path, phase: float) -> Told:
    """Run one spike. `phase`: seconds of steady load more."""
    with (
        WebhookReceiver() as receiver,
        Alerting(folder, running.targets, receiver.url) as alerting,
        MentionLoad(running.ingest, running.headers) as load,
    ):
        alerting.wait_for("tenant_brand:triage_spikes_observed_per_minute:max > 0", _PATIENCE_SECONDS)
        time.sleep(_STEADY_SECONDS + phase)
        before = receiver.of(_TOLD)
        if before:
            raise AssertionError(f"somebody was told before the spike: {before[0].body['commonAnnotations']}")
        since = load.multiply()
        first = receiver.wait_for(_TOLD, bool, _PATIENCE_SECONDS)[0]
        print(f"  {first.at - since:.1f} s: {first.body['commonAnnotations']['summary']}", flush=True)
        time.sleep(_GOES_ON_SECONDS)
        return Told(first.at - since, len(receiver.of(_TOLD)))


@contextmanager
def on_one_process(folder: Path, baseline: Path) -> Iterator[Running]:
    """All services in one process, on the embedded log."""
    stack = Stack(folder / "var", SPIKES_BASELINE_FILE=str(baseline))
    try:
        ready = stack.start()
        urls = {"ingest": ready.ingest, "classify": ready.classify, "router": ready.router}
        yield Running(ready.ingest, stack.headers, {job: [_address(url)] for job, url in urls.items()})
    finally:
        stack.kill()


@contextmanager
def on_kafka(folder: Path, baseline: Path, *, kafka: KafkaCluster, classify_runs: bool) -> Iterator[Running]:
    """Each service in a process of its own."""
    empty_topics(kafka)
    with Deployment(folder / "var", kafka.bootstrap, SPIKES_BASELINE_FILE=str(baseline)) as deployment:
        for service in SERVICES:
            deployment.add(service)
        deployment.wait_ready()
        targets: dict[str, list[str]] = {each.service: [_address(each.url)] for each in deployment.processes}
        if not classify_runs:
            (classify,) = deployment.of("classify")
            classify.stop()
        yield Running(deployment.of("ingest")[0].url, deployment.headers, targets)


def _address(url: str) -> str:
    return url.removeprefix("http://")


def measure(rounds: int) -> list[Row]:
    """All figures: seconds to the webhook, and notifications."""
    phases = [_ROUND_SECONDS * n / rounds for n in range(rounds)]
    random.Random(1).shuffle(phases)
    told: dict[str, list[Told]] = {}
    with tempfile.TemporaryDirectory() as name, running_kafka(1) as kafka:
        folder = Path(name)
        for number, phase in enumerate(phases):
            baseline = folder / f"baseline-{number}.json"  # anew: a gap since its end would be an outage of ingest
            write_baseline(baseline)
            ways: dict[str, Callable[[Path, Path], AbstractContextManager[Running]]] = {
                "one process": on_one_process,
                "on Kafka": partial(on_kafka, kafka=kafka, classify_runs=True),
                "on Kafka, classify stopped": partial(on_kafka, kafka=kafka, classify_runs=False),
            }
            for way, run in ways.items():
                print(f"{way}, round {number + 1} of {rounds}", flush=True)
                place = folder / f"{number}-{way}"
                with run(place, baseline) as running:
                    told.setdefault(way, []).append(announce(running, place / "alerting", phase))
    return [row for way, all_told in told.items() for row in _rows(way, all_told)]


def _rows(way: str, told: Sequence[Told]) -> list[Row]:
    seconds = [each.seconds for each in told]
    return [
        Row(f"{way}: median", median(seconds), "s"),
        Row(f"{way}: longest of {len(told)}", max(seconds), f"s (at most {LIMIT_SECONDS:g})"),
        Row(f"{way}: notifications, most", max(each.notifications for each in told), "(at most 1)"),
    ]


def main() -> None:
    """Measure, print and write `bench/results/spikes-alerting.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    report("spikes-alerting", measure(1 if parser.parse_args().quick else 3))


if __name__ == "__main__":
    main()
