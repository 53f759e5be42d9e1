"""The view of a client that is not aiokafka: what brokers and topics there are, and making topics."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.cimpl import NewTopic

from services.common.log.topics import TOPICS, TopicSpec
from tests.support.kafka.ports import is_listening

_REQUEST_SECONDS: Final = 5.0


def admin_client(bootstrap: str) -> AdminClient:
    """An administrator's client; quiet while brokers are down."""
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 100})


def create_topics(
    bootstrap: str, specs: Sequence[TopicSpec] = TOPICS, *, partitions: int = 2, replication: int = 1
) -> None:
    """Create topics as the table has them, and return when every broker knows a leader of every partition."""
    admin = admin_client(bootstrap)
    metadata(admin)  # a request before the client has learned the brokers can end with the bootstrap connection
    new = [
        NewTopic(
            spec.name,
            partitions,
            replication,
            config={"retention.ms": str(spec.retention_ms), "cleanup.policy": spec.cleanup},
        )
        for spec in specs
    ]
    for created in admin.create_topics(new, operation_timeout=30).values():
        created.result()

    def all_led(found: ClusterMetadata) -> bool:
        return all(
            spec.name in found.topics
            and len(found.topics[spec.name].partitions) == partitions
            and all(partition.leader >= 0 for partition in found.topics[spec.name].partitions.values())
            for spec in specs
        )

    for server in bootstrap.split(","):  # each learns of new topics in its own time
        host, _, port = server.rpartition(":")
        if is_listening(host, int(port)):
            wait_for_metadata(admin_client(server), all_led, 30, f"{server} knows the leader of every new partition")


def topics_of_ours(bootstrap: str) -> list[str]:
    """Topics of the pipeline that the cluster has."""
    found = metadata(admin_client(bootstrap))
    return [spec.name for spec in TOPICS if found is not None and spec.name in found.topics]


def delete_topics(bootstrap: str, names: Sequence[str]) -> None:
    """Delete those of the topics that exist, and return when they are gone; the groups' offsets in them go too."""
    admin = admin_client(bootstrap)
    found = metadata(admin)
    there = [name for name in names if found is not None and name in found.topics]
    if not there:
        return
    for deleted in admin.delete_topics(there, operation_timeout=30).values():
        deleted.result()
    wait_for_metadata(admin, lambda found: not set(there) & set(found.topics), 30, "the topics are deleted")


def wait_for_metadata(
    admin: AdminClient, condition: Callable[[ClusterMetadata], bool], seconds: float, awaited: str
) -> None:
    """Ask until what the brokers answer meets the condition. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := metadata(admin, 0.5)) is not None and condition(found):
            return
        time.sleep(0.02)
    raise TimeoutError(f"not within {seconds:g} s: {awaited}")


def metadata(admin: AdminClient, seconds: float = _REQUEST_SECONDS) -> ClusterMetadata | None:
    """Brokers and topics; None: no broker answered in time."""
    try:
        return admin.list_topics(timeout=seconds)
    except KafkaException:
        return None
