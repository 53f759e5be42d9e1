"""Connecting: the log and the reader, ready to use."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import structlog

from services.common.log.kafka.client import KafkaClient
from services.common.log.kafka.connection import connection_options
from services.common.log.kafka.log import KafkaLog
from services.common.log.kafka.reader import KafkaReader
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import LogError, LogUnavailable, NotAuthorized

log = structlog.get_logger()

_PAUSE_SECONDS: Final = 1.0
# Brokers and services are often started together.
_LOG_PATIENCE_SECONDS: Final = 60.0
_READER_PATIENCE_SECONDS: Final = 5.0


async def open_kafka_log(
    url: str, settings: KafkaSettings, topics: Sequence[str], optional: Sequence[str] = ()
) -> KafkaLog:
    """Connect, waiting a minute for the brokers. Raises `LogError` if they do not answer or a topic is missing.

    `optional`: topics that may be missing.
    """
    options = connection_options(url, settings)
    client = await _connected(url, settings, [*topics, *optional], _LOG_PATIENCE_SECONDS)
    try:
        _require(client, topics)
    except LogError:
        await client.close()
        raise
    return KafkaLog(client, options, settings)


def _require(client: KafkaClient, topics: Sequence[str]) -> None:
    if refused := [topic for topic in topics if topic in client.refused]:
        raise NotAuthorized(
            f"this user may not describe {', '.join(refused)}: give it the rights that `mention-triage acls` lists"
        )
    if missing := [topic for topic in topics if topic not in client.partitions]:
        raise LogError(f"the cluster has no {', '.join(missing)}: `mention-triage topics apply` makes the topics")
    if len({client.partitions[topic] for topic in topics}) > 1:
        counts = ", ".join(f"{topic} has {client.partitions[topic]}" for topic in topics)
        raise LogError(
            f"the topics must have equal partition counts, and {counts}: see `mention-triage topics check`; only a new"
            " generation (docs/topics.md) can have another count"
        )


async def open_kafka_reader(url: str, settings: KafkaSettings, topics: Sequence[str]) -> KafkaReader:
    """Connect for reading. Raises `LogError` if the brokers do not answer."""
    return KafkaReader(await _connected(url, settings, topics, _READER_PATIENCE_SECONDS))


async def _connected(url: str, settings: KafkaSettings, topics: Sequence[str], patience: float) -> KafkaClient:
    deadline = time.monotonic() + patience
    while True:
        client = KafkaClient(connection_options(url, settings), topics)
        try:
            await client.connect()
        except LogUnavailable as error:
            await client.close()
            if time.monotonic() > deadline:
                raise
            log.warning("no broker answers yet", error=str(error))
            await asyncio.sleep(_PAUSE_SECONDS)
        except BaseException:
            await client.close()
            raise
        else:
            return client
