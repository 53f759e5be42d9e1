"""Where a detector raises false episodes, or misses one: none of either."""

import pytest

from bench.spikes.hard import CASES, Case, outcome


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hard_case(case: Case) -> None:
    """Every event is announced in time, nothing else is; rises begin where nothing happens only by chance."""
    found = outcome(case)
    assert (found.false_spikes, found.missed, found.missed_rises) == (0, 0, 0)
    # Two or so rises in three series-weeks are chance; where a case provokes one, all of its series show it.
    assert found.chance_rises <= found.series / 3
