"""What holds for every test."""

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.common.log.topics import TOPICS
from tests.faults.kafka.table import OUTCOME, from_property, table
from tests.support.kafka import KafkaCluster, delete_topics, topics_of_ours
from tests.support.kafka.skipping import cluster_or_skip


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """With CI=true a skipped test is a failure: a skip there hides what nobody looks at."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI=true does not allow: {report.longrepr}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With two processes (`make test`): what mostly waits in one, everything else in the other, in its order."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("waiting" if item.get_closest_marker("waits") else "working"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of the faults that were played."""
    outcomes = [
        from_property(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == OUTCOME
    ]
    if outcomes:
        terminalreporter.section("faults on Kafka")
        terminalreporter.write_line(table(outcomes))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port,…` of a broker that all tests share: each keeps to topics and groups of its own.

    KAFKA_BOOTSTRAP_SERVERS names a running cluster to use instead of starting one.
    """
    if running := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        if there := topics_of_ours(running):
            pytest.fail(
                f"KAFKA_BOOTSTRAP_SERVERS={running} has {', '.join(there)}, which tests would empty: name another one"
            )
        yield running
        delete_topics(running, [spec.name for spec in TOPICS])
        return
    with cluster_or_skip(tmp_path_factory.mktemp("kafka")) as cluster:
        yield cluster.bootstrap


@pytest.fixture
def kafka_cluster(tmp_path: Path) -> Iterator[Callable[..., KafkaCluster]]:
    """Starts clusters that the test may break; takes what `KafkaCluster` takes, but for the folder."""
    started: list[KafkaCluster] = []

    def start(**options: Any) -> KafkaCluster:
        cluster = cluster_or_skip(tmp_path / f"kafka-{len(started)}", **options)
        started.append(cluster)
        cluster.open()
        return cluster

    yield start
    for cluster in started:
        cluster.close()
