"""The Kafka that other tests break: it breaks as told, comes back, and never outlives its tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin._config import ConfigResource

from services.common.log.topics import DAY_MS, TopicSpec
from tests.support.kafka import KafkaCluster, KafkaMissing, create_topics
from tests.support.kafka.ports import is_listening, listening_ports
from tests.support.kafka.runtime import find_runtime
from tests.support.kafka.skipping import runtime_or_skip

TOPIC = TopicSpec("t.v1", DAY_MS, "delete", "anything")
QUICK_FAILOVER = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}


def eventually(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def append(bootstrap: str, value: bytes) -> None:
    """Append one record, acknowledged by every replica in sync."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True})
    failed: list[object] = []
    producer.produce(TOPIC.name, value, partition=0, on_delivery=lambda error, _: failed.append(error))
    assert producer.flush(30) == 0
    assert failed == [None]


def values(bootstrap: str, count: int) -> list[bytes]:
    """The first records of the topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "check", "isolation.level": "read_committed"})
    consumer.assign([TopicPartition(TOPIC.name, 0, 0)])
    try:
        return [message.value() or b"" for message in consumer.consume(count, 20)]
    finally:
        consumer.close()


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_partition_survives_the_kill_of_its_leader(kafka_cluster: Callable[..., KafkaCluster]) -> None:
    cluster = kafka_cluster(brokers=3, config=QUICK_FAILOVER)
    create_topics(cluster.bootstrap, [TOPIC], partitions=1, replication=3)
    resource = ConfigResource(ConfigResource.Type.TOPIC, TOPIC.name)
    config = cluster.admin.describe_configs([resource])[resource].result()
    assert config["min.insync.replicas"].value == "2"
    append(cluster.bootstrap, b"before")

    killed = cluster.leader(TOPIC.name, 0)
    cluster.kill(killed)
    assert not cluster.running(killed)
    eventually(lambda: cluster.leader(TOPIC.name, 0) not in (killed, -1))
    assert cluster.controller() not in (killed, -1)
    append(cluster.bootstrap, b"during")

    cluster.start(killed)
    cluster.wait_replicated()
    append(cluster.bootstrap, b"after")
    assert values(cluster.bootstrap, 3) == [b"before", b"during", b"after"]


def test_stopped_broker_keeps_its_data_and_a_paused_one_answers_nothing(
    kafka_cluster: Callable[..., KafkaCluster], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    cluster = kafka_cluster(log_dirs={1: elsewhere})
    create_topics(cluster.bootstrap, [TOPIC])
    append(cluster.bootstrap, b"kept")
    assert (cluster.log_dir(1) / f"{TOPIC.name}-0").is_dir()
    assert cluster.log_dir(1) == elsewhere

    cluster.stop(1)
    cluster.start(1)
    cluster.wait_ready()
    cluster.pause(1)
    with pytest.raises(TimeoutError):
        cluster.wait_ready(seconds=1)
    cluster.resume(1)
    cluster.wait_ready()
    assert values(cluster.bootstrap, 1) == [b"kept"]


def test_proxy_cuts_one_client_off(kafka_cluster: Callable[..., KafkaCluster]) -> None:
    cluster = kafka_cluster(proxied=True)
    create_topics(cluster.bootstrap, [TOPIC])
    proxy = cluster.proxies[1]
    producer = Producer({"bootstrap.servers": cluster.proxied_bootstrap, "acks": "all", "log_level": 0})
    delivered: list[object] = []

    def send(value: bytes) -> None:
        producer.produce(TOPIC.name, value, partition=0, on_delivery=lambda error, _: delivered.append(error))

    send(b"1")
    assert producer.flush(20) == 0
    proxy.cut()
    send(b"2")
    assert producer.flush(1) == 1
    assert is_listening(proxy.host, proxy.port)
    append(cluster.bootstrap, b"3")  # the others are not cut off
    proxy.heal()
    assert producer.flush(20) == 0

    proxy.refuse()
    assert not is_listening(proxy.host, proxy.port)
    send(b"4")
    assert producer.flush(1) == 1
    proxy.heal()
    assert producer.flush(20) == 0
    assert delivered == [None, None, None]
    assert values(cluster.bootstrap, 4) == [b"1", b"3", b"2", b"4"]


def test_killed_process_leaves_no_broker(tmp_path: Path) -> None:
    runtime_or_skip()
    program = (
        "import sys, threading; from pathlib import Path; from tests.support.kafka import KafkaCluster\n"
        "cluster = KafkaCluster(Path(sys.argv[1])); opening = threading.Thread(target=cluster.open)\n"
        "opening.start(); opening.join(); cluster.wait_ready(); print(cluster.pid(1), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        # It outlives the thread that asked for it, as `asyncio.to_thread` needs,
        broker = int(parent.stdout.readline())
        assert is_alive(broker)
        # but not the process.
        parent.kill()
    eventually(lambda: not is_alive(broker), seconds=10)


def test_broker_for_development_keeps_its_data(tmp_path: Path) -> None:
    runtime_or_skip()
    port = listening_ports(1)[0]
    environment = os.environ | {"KAFKA_FOLDER": str(tmp_path), "KAFKA_PORT": str(port)}
    bootstrap = f"127.0.0.1:{port}"
    for run in range(2):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.support.kafka"], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            try:
                assert process.stdout is not None
                shown = [process.stdout.readline() for _ in range(3)]
                assert f"LOG_URL=kafka://{bootstrap}" in shown[-1]
                if run == 0:
                    create_topics(bootstrap, [TOPIC])
                    append(bootstrap, b"kept")
                else:
                    assert values(bootstrap, 1) == [b"kept"]
                process.send_signal(signal.SIGINT)
                assert process.wait(30) == 0
            finally:
                process.kill()
    assert not is_listening("127.0.0.1", port)


def test_broker_for_development_says_that_its_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.kafka"],
            env=os.environ | {"KAFKA_PORT": str(taken.getsockname()[1])},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "set KAFKA_PORT" in done.stderr


def test_without_java_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(KafkaMissing, match="apt-get install openjdk-17-jre-headless maven"):
        find_runtime()


def test_kafka_home_is_used_instead_of_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runtime = runtime_or_skip()
    (tmp_path / "libs").symlink_to(Path(runtime.classpath.split(":")[0]).parent)
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    assert all(jar.startswith(str(tmp_path)) for jar in find_runtime().classpath.split(":"))
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path / "nothing"))
    with pytest.raises(KafkaMissing, match="KAFKA_HOME"):
        find_runtime()
