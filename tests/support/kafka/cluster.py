"""A KRaft cluster of one or three nodes on this machine, which tests can break as they like."""

import atexit
import base64
import uuid
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata, PartitionMetadata

from tests.support.kafka.archive import ensure_archive
from tests.support.kafka.broker import Broker
from tests.support.kafka.ports import is_listening, listening_ports
from tests.support.kafka.proxy import TcpProxy
from tests.support.kafka.runtime import find_runtime
from tests.support.kafka.topics import admin_client, metadata, wait_for_metadata

HOST: Final = "127.0.0.1"
READY_SECONDS: Final = 60.0
PLAINTEXT: Final = "PLAINTEXT"
PROXIED: Final = "PROXIED"
_CONTROLLER: Final = "CONTROLLER"


class KafkaCluster:
    """Nodes 1 to `brokers`, each a broker and a controller. Always stopped: at exit, and when this process is killed.

    Three nodes replicate three times with two in sync, one node once. `config`: settings of every broker, beyond those
    that keep a cluster small. `listeners`: further listeners by name, with their security protocol. `proxied`: one
    more listener whose advertised ports are those of proxies, which can cut its clients off. `log_dirs`: where a node
    keeps its data, if not in `folder`. `ports`: of the first listener, by node.
    """

    def __init__(
        self,
        folder: Path,
        brokers: int = 1,
        *,
        config: Mapping[str, str] | None = None,
        listeners: Mapping[str, str] | None = None,
        proxied: bool = False,
        log_dirs: Mapping[int, Path] | None = None,
        ports: Mapping[int, int] | None = None,
        heap: str = "256m",
        jvm_options: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.nodes: Final = range(1, brokers + 1)
        self._id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self._protocols = {PLAINTEXT: PLAINTEXT, **(listeners or {})} | ({PROXIED: PLAINTEXT} if proxied else {})
        names = [*self._protocols, _CONTROLLER]
        free = iter(listening_ports(len(names) * brokers))
        self._ports = {node: {name: next(free) for name in names} for node in self.nodes}
        for node, port in (ports or {}).items():
            self._ports[node][PLAINTEXT] = port
        self.proxies: Final = {
            node: TcpProxy(HOST, self._ports[node][PROXIED]) for node in (self.nodes if proxied else ())
        }
        runtime = ensure_archive(find_runtime())
        self._brokers = {
            node: Broker(
                runtime,
                folder / f"node-{node}",
                self._config(node, (log_dirs or {}).get(node)) | dict(config or {}),
                heap=heap,
                jvm_options=jvm_options,
            )
            for node in self.nodes
        }

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Format what is new, start every node, and wait until all serve."""
        atexit.register(self.close)
        try:
            for proxy in self.proxies.values():
                proxy.start()
            formatting = {node: broker.format(self._id) for node, broker in self._brokers.items()}
            for node, process in formatting.items():
                if process is not None and process.wait(READY_SECONDS):
                    raise RuntimeError(f"node {node} could not be formatted:\n{self.log(node)[-3000:]}")
            for broker in self._brokers.values():
                broker.start()
            self.wait_ready()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Kill every node, and end the proxies."""
        for broker in self._brokers.values():
            broker.kill()
        for proxy in self.proxies.values():
            proxy.close()
        atexit.unregister(self.close)

    @property
    def bootstrap(self) -> str:
        """`host:port,…` of the brokers, without any security."""
        return self.bootstrap_of(PLAINTEXT)

    @property
    def proxied_bootstrap(self) -> str:
        """`host:port,…` of the proxies before the brokers."""
        return ",".join(f"{HOST}:{proxy.port}" for proxy in self.proxies.values())

    def bootstrap_of(self, listener: str) -> str:
        """`host:port,…` of a listener."""
        return ",".join(f"{HOST}:{ports[listener]}" for ports in self._ports.values())

    @cached_property
    def admin(self) -> AdminClient:
        """An administrator's client."""
        return admin_client(self.bootstrap)

    def start(self, node: int) -> None:
        """Start a node that was stopped or killed, with the data that it has."""
        self._brokers[node].start()

    def kill(self, node: int) -> None:
        """kill -9."""
        self._brokers[node].kill()

    def stop(self, node: int) -> None:
        """SIGTERM: the node hands its partitions over and ends."""
        self._brokers[node].stop()

    def pause(self, node: int) -> None:
        """SIGSTOP: the node stays connected and answers nothing."""
        self._brokers[node].pause()

    def resume(self, node: int) -> None:
        """SIGCONT."""
        self._brokers[node].resume()

    def running(self, node: int) -> bool:
        """Whether the node's process lives."""
        return self._brokers[node].running

    def pid(self, node: int) -> int:
        """Process id of a node."""
        return self._brokers[node].pid

    def log(self, node: int) -> str:
        """What the node printed: warnings and errors."""
        return self._brokers[node].log()

    def log_dir(self, node: int) -> Path:
        """Where the node keeps its data."""
        return self._brokers[node].log_dir

    def leader(self, topic: str, partition: int) -> int:
        """The node that leads a partition; -1: none, or no broker answers."""
        found = metadata(self.admin)
        return found.topics[topic].partitions[partition].leader if found and topic in found.topics else -1

    def controller(self) -> int:
        """The node that leads the controllers' quorum; -1: none now."""
        return max((self._brokers[node].quorum() for node in self.nodes if self.running(node)), default=(-1, -1))[1]

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every running node serves clients and every partition has a leader."""
        running = {node for node in self.nodes if self.running(node)}

        def ready(found: ClusterMetadata) -> bool:
            for node in running:
                if not self.running(node):
                    raise RuntimeError(f"node {node} ended by itself:\n{self.log(node)[-3000:]}")
            return (
                set(found.brokers) == running
                and all(partition.leader >= 0 for partition in _partitions(found))
                and all(is_listening(HOST, self._ports[node][PLAINTEXT]) for node in running)
            )

        wait_for_metadata(self.admin, ready, seconds, "every running node serves")

    def wait_replicated(self, seconds: float = READY_SECONDS) -> None:
        """Wait until every node serves and every replica is in sync: the next node may be taken down."""

        def replicated(found: ClusterMetadata) -> bool:
            return set(found.brokers) == set(self.nodes) and all(
                set(partition.isrs) == set(partition.replicas) for partition in _partitions(found)
            )

        wait_for_metadata(self.admin, replicated, seconds, "every replica is in sync")

    def _config(self, node: int, log_dir: Path | None) -> dict[str, str]:
        names = list(self._protocols)
        advertised = self._ports[node] | ({PROXIED: self.proxies[node].port} if self.proxies else {})
        replication, in_sync = (3, 2) if len(self.nodes) >= 3 else (1, 1)
        return {
            "process.roles": "broker,controller",
            "node.id": str(node),
            "controller.quorum.voters": ",".join(
                f"{n}@{HOST}:{ports[_CONTROLLER]}" for n, ports in self._ports.items()
            ),
            "listeners": ",".join(f"{name}://{HOST}:{self._ports[node][name]}" for name in [*names, _CONTROLLER]),
            "advertised.listeners": ",".join(f"{name}://{HOST}:{advertised[name]}" for name in names),
            "listener.security.protocol.map": ",".join(
                f"{name}:{protocol}" for name, protocol in (self._protocols | {_CONTROLLER: PLAINTEXT}).items()
            ),
            "inter.broker.listener.name": PLAINTEXT,
            "controller.listener.names": _CONTROLLER,
            "log.dirs": str(log_dir or self.folder / f"node-{node}" / "data"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": str(replication),
            "min.insync.replicas": str(in_sync),
            "offsets.topic.replication.factor": str(replication),
            "transaction.state.log.replication.factor": str(replication),
            "transaction.state.log.min.isr": str(in_sync),
            "share.coordinator.state.topic.replication.factor": str(replication),
            "share.coordinator.state.topic.min.isr": str(in_sync),
            # Small and quick: few internal partitions and threads, no wait for further members of a new group.
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.num.partitions": "4",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "group.initial.rebalance.delay.ms": "0",
            "log.cleaner.dedupe.buffer.size": str(4 << 20),
        }


def _partitions(found: ClusterMetadata) -> Iterator[PartitionMetadata]:
    for topic in found.topics.values():
        yield from topic.partitions.values()
