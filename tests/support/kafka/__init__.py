"""A real Apache Kafka for tests, benchmarks and development."""

from tests.support.kafka.cluster import KafkaCluster
from tests.support.kafka.runtime import KafkaMissing
from tests.support.kafka.topics import create_topics, delete_topics, topics_of_ours

__all__ = ["KafkaCluster", "KafkaMissing", "create_topics", "delete_topics", "topics_of_ours"]
