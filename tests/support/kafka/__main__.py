"""`make kafka`: one broker for development, whose data stays between runs."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from tests.support.kafka.cluster import HOST, KafkaCluster
from tests.support.kafka.ports import is_listening
from tests.support.kafka.runtime import KafkaMissing

FOLDER: Final = Path(os.environ.get("KAFKA_FOLDER", "var/kafka"))


def main() -> int:
    """Run the broker until Ctrl-C or SIGTERM. Returns the exit status."""
    port = int(os.environ.get("KAFKA_PORT", "9092"))
    if is_listening(HOST, port):
        print(f"port {port} is in use: stop what listens there, or set KAFKA_PORT", file=sys.stderr)
        return 1
    try:
        cluster = KafkaCluster(FOLDER, ports={1: port}, heap="512m")
    except KafkaMissing as error:
        print(error, file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with cluster:
        print(f"Kafka is ready; its data stays in {FOLDER}. Ctrl-C stops it.")
        print("  mention-triage topics apply    makes the topics, with this in the environment:")
        print(f"  export LOG_URL=kafka://{cluster.bootstrap} KAFKA_REPLICATION_FACTOR=1", flush=True)
        while not stop.wait(0.5):
            if not cluster.running(1):
                print(f"the broker ended by itself:\n{cluster.log(1)[-2000:]}", file=sys.stderr)
                return 1
        cluster.stop(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
