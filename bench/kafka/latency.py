"""From received to routed, with the three services as processes of their own: `--brokers 1` (the default) or 3.

The load arrives at a constant rate, however long answers take. Received is when ingest took the mention (its record's
time); routed is when a read_committed reader, which is not aiokafka, has the routed mention in hand. Copies of few
texts: the model's cache answers, so that what is measured is the pipeline. Three brokers with every topic on each need
several cores of their own: on a small machine it is then they that are measured.
"""

import argparse
import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import httpx
import orjson
from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from bench.kafka.cluster import PARTITIONS, broker_cpu_seconds, cpu_seconds, running_kafka
from bench.kafka.load import copies
from bench.pipeline import percentile
from bench.report import Row, report
from services.common.log.topics import ROUTED
from tests.support.deployment import Deployment, ServiceName
from tests.support.kafka import KafkaCluster

_SECONDS: Final = 60.0
_WARM_SECONDS: Final = 10.0  # the brokers compile what they run often
_NDJSON: Final = {"Content-Type": "application/x-ndjson"}
_PROMISED_MS: Final = 400


@dataclass(frozen=True, slots=True)
class Load:
    """Requests at a constant rate, each of so many mentions."""

    requests_per_second: int
    mentions: int

    @property
    def name(self) -> str:
        """How the figures call it."""
        each = "one by one" if self.mentions == 1 else f"NDJSON of {self.mentions}"
        return f"{self.requests_per_second * self.mentions:,}/s, {each}"


SERVICES: Final[tuple[ServiceName, ...]] = ("ingest", "classify", "router")
LOADS: Final = (Load(100, 1), Load(100, 10))


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a mention was received and when it could be read as routed, seconds since the epoch."""

    received: float
    routed: float


class Arrivals:
    """Reads what is routed from now on, in a thread of its own."""

    def __init__(self, bootstrap: str) -> None:
        self.by_id: dict[str, Arrival] = {}
        self.failure: str | None = None
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "bench-arrivals",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        places = [TopicPartition(ROUTED, partition, OFFSET_END) for partition in range(PARTITIONS)]
        self._consumer.assign(places)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="arrivals")
        self._thread.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.1)
            if message is None:
                continue
            if message.error():
                self.failure = str(message.error())
                return
            now = time.time()
            identifier = dict(message.headers() or [])["ce_id"]
            assert isinstance(identifier, bytes)
            self.by_id[identifier.decode()] = Arrival(message.timestamp()[1] / 1000, now)

    async def all_of(self, ids: Sequence[str]) -> list[Arrival]:
        """Those of these mentions, once all have arrived. Raises `TimeoutError`, and `RuntimeError` of the reader."""
        deadline = time.monotonic() + _SECONDS
        while missing := sum(i not in self.by_id for i in ids):
            if self.failure or time.monotonic() > deadline:
                raise TimeoutError(f"{missing} of {len(ids)} mentions are not routed: {self.failure or 'too slow'}")
            await asyncio.sleep(0.05)
        return [self.by_id[i] for i in ids]

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()
        self._consumer.close()


@contextmanager
def arrivals_of(kafka: KafkaCluster) -> Iterator[Arrivals]:
    """A reader, closed at the end."""
    reader = Arrivals(kafka.bootstrap)
    try:
        yield reader
    finally:
        reader.close()


async def post(url: str, headers: dict[str, str], load: Load, seconds: float, kind: str) -> dict[str, float]:
    """Send the load; when each accepted mention was due, seconds since the epoch, by its id."""
    source = copies(kind)
    due_at: dict[str, float] = {}
    # Connections are given up sooner than the server closes them (5 s), or a request would meet a closed one.
    limits = httpx.Limits(max_connections=200, keepalive_expiry=2)
    async with (
        httpx.AsyncClient(timeout=60, limits=limits, headers=headers | _NDJSON) as client,
        asyncio.TaskGroup() as group,
    ):

        async def send(body: bytes, due: float) -> None:
            answer = await client.post(f"{url}/v1/mentions", content=body)
            due_at.update((result["mention_id"], due) for result in answer.raise_for_status().json()["results"])

        start = time.time()
        for n in range(int(load.requests_per_second * seconds)):
            body = b"\n".join(orjson.dumps(mention) for mention in islice(source, load.mentions))
            due = start + n / load.requests_per_second
            await asyncio.sleep(max(0.0, due - time.time()))
            group.create_task(send(body, due))
    return due_at


async def measure_load(
    deployment: Deployment, kafka: KafkaCluster, arrivals: Arrivals, load: Load, seconds: float
) -> list[Row]:
    """The figures under one load."""
    (ingest,) = deployment.of("ingest")
    warm = await post(ingest.url, deployment.headers, load, _WARM_SECONDS, f"warm-{load.mentions}")
    await arrivals.all_of(list(warm))
    pids = [process.process.pid for process in deployment.processes]
    services, brokers, started = cpu_seconds(pids), broker_cpu_seconds(kafka), time.perf_counter()
    due_at = await post(ingest.url, deployment.headers, load, seconds, f"at-{load.mentions}")
    found = await arrivals.all_of(list(due_at))
    services, brokers = cpu_seconds(pids) - services, broker_cpu_seconds(kafka) - brokers
    took = time.perf_counter() - started
    received = sorted(each.routed - each.received for each in found)
    posted = sorted(each.routed - due for each, due in zip(found, due_at.values(), strict=True))
    promised = f" (promised: below {_PROMISED_MS})" if load is LOADS[0] else ""
    return [
        Row(f"{load.name}: received to routed p50", 1000 * percentile(received, 0.5), "ms"),
        Row(f"{load.name}: received to routed p99{promised}", 1000 * percentile(received, 0.99), "ms"),
        Row(f"{load.name}: POST due to routed p50", 1000 * percentile(posted, 0.5), "ms"),
        Row(f"{load.name}: POST due to routed p99", 1000 * percentile(posted, 0.99), "ms"),
        Row(f"{load.name}: processor, the services", services / took, "cores"),
        Row(f"{load.name}: processor, the brokers", brokers / took, "cores"),
    ]


async def measure(quick: bool, brokers: int) -> list[Row]:
    """All figures."""
    seconds = 8.0 if quick else 30.0
    rows = [Row("brokers", brokers, "brokers"), Row("partitions", PARTITIONS, "partitions")]
    with (
        running_kafka(brokers) as kafka,
        tempfile.TemporaryDirectory() as folder,
        Deployment(Path(folder), kafka.bootstrap, TRIAGE_LOG_LEVEL="warning") as deployment,
        arrivals_of(kafka) as arrivals,
    ):
        for service in SERVICES:
            deployment.add(service)
        deployment.wait_ready()
        for load in LOADS:
            rows += await measure_load(deployment, kafka, arrivals, load, seconds)
    return rows


def main() -> None:
    """Measure, print and write `bench/results/kafka-latency.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    arguments = parser.parse_args()
    report("kafka-latency", asyncio.run(measure(arguments.quick, arguments.brokers)))


if __name__ == "__main__":
    main()
