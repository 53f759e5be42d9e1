"""One arena for all faults."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.kafka.arena import Arena, open_arena
from tests.faults.kafka.rounds import Outcome
from tests.faults.kafka.table import OUTCOME, to_property
from tests.support.kafka.skipping import runtime_or_skip


@pytest.fixture(scope="package")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Three brokers with the services on them. Each fault leaves it whole for the next."""
    runtime_or_skip()
    with open_arena(tmp_path_factory.mktemp("arena")) as arena:
        yield arena


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[Outcome], None]:
    """Takes what is printed at the end of the run."""
    return lambda outcome: record_property(OUTCOME, to_property(outcome))
