"""Tests that need Kafka are skipped where it cannot run."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.kafka.cluster import KafkaCluster
from tests.support.kafka.runtime import KafkaMissing, KafkaRuntime, find_runtime


def cluster_or_skip(folder: Path, **options: Any) -> KafkaCluster:
    """A cluster, not started yet; takes what `KafkaCluster` takes. Skips the test where something must be installed."""
    runtime_or_skip()
    return KafkaCluster(folder, **options)


def runtime_or_skip() -> KafkaRuntime:
    """What brokers run on. Skips the test where something must be installed first."""
    try:
        return find_runtime()
    except KafkaMissing as missing:
        pytest.skip(str(missing))
