"""A broker whose authorizer is on, and users who may do exactly what a test gives them."""

import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from pydantic import SecretStr

from services.common.log.kafka.acls import ROLES, Acl
from services.common.log.kafka.log import KafkaLog
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.topics import TOPICS
from tests.support.kafka import KafkaCluster, create_topics
from tests.support.kafka.certificates import Authority
from tests.support.kafka.security import SECURE_LISTENERS, WITH_AUTHORIZER, add_users, secure_config
from tests.support.kafka.skipping import cluster_or_skip

NAMES: Final = [spec.name for spec in TOPICS]
PASSWORD: Final = "curtain-9"
_OPERATIONS: Final = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Describe": AclOperation.DESCRIBE,
    "Create": AclOperation.CREATE,
    "AlterConfigs": AclOperation.ALTER_CONFIGS,
}
_RESOURCES: Final = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional-id": ResourceType.TRANSACTIONAL_ID,
}


class Guarded:
    """The cluster, and what each user may do there. Roles are users."""

    def __init__(self, cluster: KafkaCluster) -> None:
        self.cluster = cluster
        self.url = "kafka://" + cluster.bootstrap_of("SASL")
        self.admin: AdminClient = cluster.admin

    def settings(self, user: str) -> KafkaSettings:
        """How a user connects."""
        return KafkaSettings(security_protocol="SASL_PLAINTEXT", sasl_username=user, sasl_password=SecretStr(PASSWORD))

    @contextmanager
    def given(self, user: str, acls: Iterable[Acl]) -> Iterator[None]:
        """Exactly these rights for a while."""
        bindings = [binding(user, acl) for acl in acls]
        for done in self.admin.create_acls(bindings).values():
            done.result(10)
        self._wait_for(user, len(bindings))
        try:
            yield
        finally:
            self.take_all(user)

    def take_all(self, user: str) -> None:
        """Take every right from a user."""
        for done in self.admin.delete_acls([of_user(user)]).values():
            done.result(10)
        self._wait_for(user, 0)

    def _wait_for(self, user: str, rights: int) -> None:
        """The broker learns from the controller what it is to allow."""
        deadline = time.monotonic() + 10
        while len(self.admin.describe_acls(of_user(user)).result(10)) != rights:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    @asynccontextmanager
    async def log(self, user: str) -> AsyncIterator[KafkaLog]:
        """The log as a user opens it."""
        log = await open_kafka_log(self.url, self.settings(user), NAMES)
        try:
            yield log
        finally:
            await log.close()

    @asynccontextmanager
    async def unguarded(self) -> AsyncIterator[KafkaLog]:
        """The log of somebody who may do everything."""
        log = await open_kafka_log("kafka://" + self.cluster.bootstrap, KafkaSettings(), NAMES)
        try:
            yield log
        finally:
            await log.close()


def binding(user: str, acl: Acl) -> AclBinding:
    """A right as the client that gives it has it."""
    pattern = ResourcePatternType.PREFIXED if acl.prefixed else ResourcePatternType.LITERAL
    operation = _OPERATIONS[acl.operation]
    return AclBinding(
        _RESOURCES[acl.resource], acl.name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW
    )


def of_user(user: str) -> AclBindingFilter:
    """Every right of a user."""
    return AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type] # any name
        ResourcePatternType.ANY,
        f"User:{user}",
        None,  # type: ignore[arg-type] # any host
        AclOperation.ANY,
        AclPermissionType.ANY,
    )


@contextmanager
def guarded_cluster(folder: Path) -> Iterator[Guarded]:
    """One broker with every topic, and a user for each role who has no rights yet."""
    config = secure_config(Authority(folder / "ca")) | WITH_AUTHORIZER
    with cluster_or_skip(folder / "kafka", config=config, listeners=SECURE_LISTENERS) as cluster:
        create_topics(cluster.bootstrap, TOPICS, partitions=1)
        add_users(cluster.admin, dict.fromkeys(ROLES, PASSWORD))
        yield Guarded(cluster)
