"""What the subcommands for a Kafka cluster share: where it is, and what is wanted there."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import logging
from typing import TYPE_CHECKING

from services.cli.errors import CliError

if TYPE_CHECKING:
    from services.common.log.kafka.settings import KafkaSettings
    from services.common.log.kafka.topic_plan import DesiredTopic


def cluster() -> tuple[str, "KafkaSettings"]:
    """LOG_URL and how to connect. Raises `CliError` where the log is the embedded one."""
    from services.common.log.kafka.connection import KAFKA_SCHEME
    from services.common.log.kafka.settings import KafkaSettings
    from services.common.settings import CommonSettings, load_settings

    url = load_settings(CommonSettings).url_of_log
    if not url.startswith(KAFKA_SCHEME):
        raise CliError(
            f"LOG_URL={url} is the embedded log, which makes its topics itself: this command is for Kafka, so set"
            " LOG_URL=kafka://host:9092"
        )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it would log, the error says
    return url, load_settings(KafkaSettings)


def desired_topics() -> list["DesiredTopic"]:
    """The table of LOG_GENERATION, with LOG_PARTITIONS and KAFKA_REPLICATION_FACTOR."""
    from services.common.log.kafka.topic_plan import TopicSettings, desired_topic
    from services.common.log.topics import TOPICS
    from services.common.settings import CommonSettings, load_settings

    partitions, settings = load_settings(CommonSettings).log_partitions, load_settings(TopicSettings)
    return [desired_topic(spec, partitions, settings) for spec in TOPICS]
