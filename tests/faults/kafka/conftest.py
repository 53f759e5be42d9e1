"""One arena for all faults, and the table of what they did."""

from collections.abc import Iterator

import pytest

from tests.faults.kafka.arena import Arena, open_arena
from tests.faults.kafka.rounds import Outcome
from tests.faults.kafka.table import table
from tests.support.kafka.skipping import runtime_or_skip

_OUTCOMES = pytest.StashKey[list[Outcome]]()


@pytest.fixture(scope="package")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Three brokers with the services on them. Each fault leaves it whole for the next."""
    runtime_or_skip()
    with open_arena(tmp_path_factory.mktemp("arena")) as arena:
        yield arena


@pytest.fixture
def outcomes(request: pytest.FixtureRequest) -> list[Outcome]:
    """What is printed at the end of the run."""
    return request.config.stash.setdefault(_OUTCOMES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if outcomes := terminalreporter.config.stash.get(_OUTCOMES, []):
        terminalreporter.section("faults on Kafka")
        terminalreporter.write_line(table(outcomes))
