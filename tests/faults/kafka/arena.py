"""What is broken: three brokers, the services on them, and two readers that look on."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException

from tests.faults.clients import CursorReader
from tests.faults.kafka.disk import MountRefused, SmallDisk
from tests.faults.kafka.load import Load
from tests.faults.kafka.watcher import Watcher
from tests.support.deployment import Deployment, ServiceName, ServiceProcess
from tests.support.kafka import KafkaCluster, create_topics
from tests.support.kafka.topics import admin_client

PARTITIONS: Final = 6
GROUPS: Final[dict[str, ServiceName]] = {"classify": "classify", "route": "router"}
# A dead broker is replaced after 3 s (9 by default) and a silent worker after 6 (10 by default): shorter than in
# production, so that the tests are; everything else is as it comes, but for the longer commit interval of a machine
# that holds brokers, services and senders.
BROKER_CONFIG: Final = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}
SERVICE_SETTINGS: Final = {
    "KAFKA_SESSION_TIMEOUT_SECONDS": "6",
    "KAFKA_COMMIT_INTERVAL_SECONDS": "0.1",
    "KAFKA_LONGEST_COMMIT_INTERVAL_SECONDS": "0.5",
    "CLASSIFY_THREADS": "1",
}
DISK_NODE: Final = 3
SECONDS: Final = 60.0


class Arena:
    """Faults break it; it knows what should be running.

    `disk`: of one broker, or why there is none. `load`: what is sent in this round. `struck`: when the fault began,
    monotonic seconds.
    """

    load: Load

    def __init__(
        self, cluster: KafkaCluster, deployment: Deployment, watcher: Watcher, disk: SmallDisk | MountRefused
    ) -> None:
        self.cluster = cluster
        self.deployment = deployment
        self.watcher = watcher
        self.disk = disk
        (self.ingest,) = deployment.of("ingest")
        self.reader = CursorReader(lambda: [each.url for each in deployment.of("router")], deployment.headers)
        self.struck = 0.0
        self._proxied: ServiceProcess | None = None

    def strike(self) -> None:
        """The fault begins now: what came before was preparation."""
        self.struck = time.monotonic()

    def forget(self) -> None:
        """What the readers saw is judged; what they see from now on belongs to the next round."""
        for arrivals in self.watcher.arrivals.values():
            arrivals.clear()
        self.watcher.counted.clear()
        self.reader.read.clear()

    def silence(self, topic: str) -> float:
        """Seconds since the last record of a topic."""
        return time.monotonic() - self.watcher.arrivals[topic][-1].at

    def members(self, group: str) -> int:
        """Members of a consumer group, as the brokers see it; -1: no answer."""
        try:
            # A client of its own: one that was there before goes on asking a coordinator that has moved.
            admin = admin_client(self.cluster.bootstrap)
            answer = admin.describe_consumer_groups([group], request_timeout=5)[group].result()
        except KafkaException:
            return -1
        return len(answer.members)

    def wait_members(self, group: str, count: int) -> None:
        """Wait until the group has so many members."""
        wait_for(lambda: self.members(group) == count, f"{group} has {count} members")

    def wait_whole(self) -> None:
        """Wait until every process is ready and a member of its group. Raises `AssertionError` for one that ended."""
        for process in self.deployment.processes:
            assert process.running, f"{process.service} ended by itself:\n{process.log()[-3000:]}"
            process.wait_ready()
        for group, service in GROUPS.items():
            self.wait_members(group, len(self.deployment.of(service)))

    def put_behind_proxy(self, service: ServiceName) -> ServiceProcess:
        """One process of the service that reaches the brokers over their proxies, alone: started anew for it."""
        if self._proxied and self._proxied.service == service and self._proxied in self.deployment.processes:
            return self._proxied
        process = self.deployment.of(service)[-1]
        for each, bootstrap in ((self._proxied, self.cluster.bootstrap), (process, self.cluster.proxied_bootstrap)):
            if each is not None and each in self.deployment.processes:
                assert each.stop() == 0, each.log()[-3000:]
                each.environment["LOG_URL"] = f"kafka://{bootstrap}"
                each.start()
        self._proxied = process
        self.wait_whole()
        return process


@contextlib.contextmanager
def open_arena(folder: Path) -> Iterator[Arena]:
    """Start everything: ingest, two of classify, two of the router."""
    with contextlib.ExitStack() as stack:
        disk = _small_disk(folder / "disk")
        if isinstance(disk, SmallDisk):
            stack.callback(disk.close)
        log_dirs = {DISK_NODE: disk.folder / "data"} if isinstance(disk, SmallDisk) else None
        cluster = stack.enter_context(
            KafkaCluster(folder / "kafka", 3, config=BROKER_CONFIG, proxied=True, log_dirs=log_dirs)
        )
        create_topics(cluster.bootstrap, partitions=PARTITIONS, replication=3)
        deployment = stack.enter_context(Deployment(folder / "services", cluster.bootstrap, **SERVICE_SETTINGS))
        watcher = stack.enter_context(Watcher(cluster.bootstrap, PARTITIONS))
        deployment.add("ingest")
        deployment.add("classify", 2)
        deployment.add("router", 2)
        arena = Arena(cluster, deployment, watcher, disk)
        arena.wait_whole()
        yield arena


def _small_disk(folder: Path) -> SmallDisk | MountRefused:
    try:
        return SmallDisk(folder)
    except MountRefused as refused:
        return refused


def wait_for(condition: Callable[[], bool], awaited: str, seconds: float = SECONDS) -> None:
    """Poll until the condition holds. Raises `AssertionError`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {awaited}"
        time.sleep(0.1)
