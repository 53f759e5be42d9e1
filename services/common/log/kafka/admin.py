"""Asks the brokers about topics and groups, makes topics and alters their settings."""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from aiokafka.client import CoordinationType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)
from aiokafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest, DescribeGroupsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from services.common.log.kafka.client import BrokerClient
from services.common.log.kafka.diagnosis import connection_error
from services.common.log.kafka.errors import port_error
from services.common.log.kafka.topic_plan import ActualTopic, Change, DesiredTopic
from services.common.log.port import LogError
from services.common.log.topics import generation_of

_REQUEST_MS: Final = 15_000
_TOPIC: Final = 2  # the type of a resource
_SET: Final = 0  # of the operations on a setting
_SET_ON_TOPIC: Final = 1  # of the sources of a setting
_REFUSED_BY_RIGHTS: Final = (
    TopicAuthorizationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
)


class IncrementalAlterConfigsResponse(Response):  # type: ignore[misc] # aiokafka has no types
    """One answer for each resource. Source: Kafka's IncrementalAlterConfigsResponse.json, version 0."""

    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "responses",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


class IncrementalAlterConfigsStruct(RequestStruct):  # type: ignore[misc] # aiokafka has no types
    """Source: Kafka's IncrementalAlterConfigsRequest.json, version 0."""

    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = IncrementalAlterConfigsResponse
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                (
                    "configs",
                    Array(("name", String("utf-8")), ("config_operation", Int8), ("value", String("utf-8"))),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class IncrementalAlterConfigsRequest(Request[IncrementalAlterConfigsStruct]):  # type: ignore[misc] # aiokafka has no types
    """Sets the settings that it names and leaves the others.

    aiokafka has only the older AlterConfigs, which resets every setting that it does not name: one that an operator or
    a reassignment of replicas has just set would be lost.
    """

    API_KEY = 44

    def __init__(self, topic: str, values: Mapping[str, str]) -> None:
        self._resources = [(_TOPIC, topic, [(name, _SET, value) for name, value in values.items()])]

    def build(self, request_struct_class: type[IncrementalAlterConfigsStruct]) -> IncrementalAlterConfigsStruct:
        """See `Request.build`."""
        return request_struct_class(self._resources, False)


class TopicAdmin:
    """An administrator's connection, open as an async context manager.

    Its methods raise `LogUnavailable` where the brokers do not answer, `LogError` where they refuse. Nothing is tried
    again: a person or an init container starts the command anew.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """`options`: see `connection_options`."""
        self._options = options
        self._client = BrokerClient(**options, request_timeout_ms=_REQUEST_MS)

    async def __aenter__(self) -> Self:
        try:
            await self._client.bootstrap()
        except KafkaError:
            await self._client.close()
            raise await connection_error(self._options) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def topics(self) -> list[ActualTopic]:
        """The topics named like ours, of every generation, as far as this user may see them."""
        metadata = await self._ask(MetadataRequest(None, False), "asking for the topics")
        replication: dict[str, list[int]] = {}
        for error_code, topic, _, partitions in metadata.topics:
            if generation_of(topic):
                _check(error_code, None, f"asking for {topic}")
                replication[topic] = [len(replicas) for _, _, _, replicas, *_ in partitions]
        if not replication:
            return []
        request = DescribeConfigsRequest([(_TOPIC, topic, None) for topic in sorted(replication)])
        described = await self._ask(request, "asking for the topics' settings")
        found = []
        for error_code, message, _, topic, entries in described.resources:
            _check(error_code, message, f"asking for the settings of {topic}")
            found.append(_actual(topic, replication[topic], entries))
        return found

    async def create(self, topics: Sequence[DesiredTopic]) -> None:
        """Make topics. One that somebody else has made meanwhile is left as it is."""
        by_the_brokers: list[object] = []  # which broker has which replica
        wanted = [(t.name, t.partitions, t.replication, by_the_brokers, list(t.config.items())) for t in topics]
        response = await self._ask(CreateTopicsRequest(wanted, _REQUEST_MS, False), "making topics")
        for topic, error_code, message in response.topic_errors:
            if error_code != TopicAlreadyExistsError.errno:
                _check(error_code, message, f"making {topic}")

    async def alter(self, topic: str, changes: Sequence[Change]) -> None:
        """Set settings of a topic; all others stay."""
        request = IncrementalAlterConfigsRequest(topic, {change.name: change.new for change in changes})
        response = await self._ask(request, f"altering {topic}")
        for error_code, message, _, _ in response.responses:
            _check(error_code, message, f"altering {topic}")

    async def members(self, group: str) -> list[str]:
        """Client id and host of each member of a group."""
        doing = f"asking for the members of group {group}"
        try:
            async with asyncio.timeout(_REQUEST_MS / 1000):
                node = await self._client.coordinator_lookup(CoordinationType.GROUP, group)
                response = await self._client.send(node, DescribeGroupsRequest([group]))
        except (KafkaError, OSError, TimeoutError) as error:
            raise port_error(error, doing) from None
        ((error_code, _, _, _, _, members, *_),) = response.groups
        _check(error_code, None, doing)
        return [f"{client_id} at {host.removeprefix('/')}" for _, client_id, host, *_ in members]

    async def _ask(self, request: Any, doing: str) -> Any:
        try:
            return await self._client.send(self._client.get_random_node(), request)
        except (KafkaError, OSError, TimeoutError) as error:
            raise port_error(error, doing) from None


def _actual(topic: str, replication: Sequence[int], entries: Sequence[Sequence[Any]]) -> ActualTopic:
    config = {name: value for name, value, *_ in entries}
    overrides = frozenset(name for name, _, _, source, *_ in entries if source == _SET_ON_TOPIC)
    return ActualTopic(topic, replication, config, overrides)


def _check(error_code: int, message: str | None, doing: str) -> None:
    """Raise `LogError` unless the code says that all went well. `message`: what the brokers say, about names only."""
    if not error_code:
        return
    error = for_code(error_code)
    if issubclass(error, _REFUSED_BY_RIGHTS):
        raise port_error(error(), doing)
    hint = "; the brokers' policy does not allow it" if issubclass(error, PolicyViolationError) else ""
    raise LogError(f"{doing}: {message or error.description}{hint}")
