"""LOG_URL picks the adapter; nothing else in the services knows which one runs."""
# ruff: noqa: PLC0415 - a service imports the adapter that it uses

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from services.common.log.port import Log, LogError, Reader
from services.common.log.topics import GENERATION, TOPICS, earlier_routed
from services.common.settings import CommonSettings, load_settings

log = structlog.get_logger()

_SQLITE: Final = "sqlite:///"
_KAFKA: Final = "kafka://"


async def open_log(settings: CommonSettings) -> Log:
    """Open the log for reading and writing. Raises `LogError` for a URL it cannot serve, or if the log is away."""
    url = settings.url_of_log
    if url.startswith(_KAFKA):
        from services.common.log.kafka.opening import open_kafka_log
        from services.common.log.kafka.settings import KafkaSettings

        kafka = load_settings(KafkaSettings)
        log.info("settings of the log", url=url, **kafka.model_dump(mode="json"))
        return await open_kafka_log(url, kafka, [spec.name for spec in TOPICS], earlier_routed())
    from services.common.log.embedded.log import EmbeddedLog
    from services.common.log.embedded.retention import Retention

    path = _sqlite_path(url)
    retention = Retention(TOPICS, settings.log_max_bytes)
    return EmbeddedLog(path, settings.log_partitions, retention=retention)


async def open_reader(settings: CommonSettings, also: Sequence[str] = ()) -> Reader:
    """Open the log read-only, also beside a running stack. Raises `LogError` as `open_log` does.

    `also`: topics of earlier generations to be read where they are still there.
    """
    url = settings.url_of_log
    if url.startswith(_KAFKA):
        from services.common.log.kafka.opening import open_kafka_reader
        from services.common.log.kafka.settings import KafkaSettings

        return await open_kafka_reader(url, load_settings(KafkaSettings), [*(spec.name for spec in TOPICS), *also])
    from services.common.log.embedded.reader import EmbeddedReader

    return EmbeddedReader(_sqlite_path(url))


def _sqlite_path(url: str) -> Path:
    """File of `sqlite:///relative.db` or `sqlite:////absolute.db`."""
    if not url.startswith(_SQLITE) or len(url) == len(_SQLITE):
        raise LogError(
            f"LOG_URL={url!r} is not served: write sqlite:///var/log.db (relative), sqlite:////… (absolute)"
            " or kafka://host:9092[,host:9092…]"
        )
    if GENERATION != 1:
        raise LogError(f"LOG_GENERATION={GENERATION} is for Kafka: the embedded log has one generation of topics, 1")
    return Path(url.removeprefix(_SQLITE))
