"""The JVM's archive of Kafka's classes, recorded once: brokers then start in half the time."""

import shutil
import tempfile
from pathlib import Path
from typing import Final

from tests.support.kafka.broker import Broker
from tests.support.kafka.ports import listening_ports
from tests.support.kafka.runtime import KafkaRuntime, cache_lock
from tests.support.kafka.topics import admin_client, wait_for_metadata

_CLUSTER_ID: Final = "AAAAAAAAAAAAAAAAAAAAAA"


def ensure_archive(runtime: KafkaRuntime) -> KafkaRuntime:
    """Record the archive if there is none yet (about 5 s): what a broker loads until it serves."""
    if not runtime.archive.exists():
        with cache_lock():
            if not runtime.archive.exists():
                _record(runtime)
    return runtime


def _record(runtime: KafkaRuntime) -> None:
    folder = Path(tempfile.mkdtemp(prefix="kafka-archive-"))
    unfinished = runtime.archive.with_suffix(".unfinished")
    client, controller = listening_ports(2)
    config = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(folder / "data"),
        "log.cleaner.dedupe.buffer.size": str(4 << 20),
    }
    broker = Broker(runtime, folder, config, jvm_options=(f"-XX:ArchiveClassesAtExit={unfinished}",))
    try:
        formatting = broker.format(_CLUSTER_ID)
        if formatting is not None and formatting.wait(60):
            raise RuntimeError(f"Kafka's storage could not be formatted:\n{broker.log()[-3000:]}")
        broker.start()
        admin = admin_client(f"127.0.0.1:{client}")
        wait_for_metadata(admin, lambda found: bool(found.brokers), 60, "the broker serves")
        broker.stop()
        unfinished.rename(runtime.archive)
    finally:
        broker.kill()
        shutil.rmtree(folder)
