"""A short form of `python -m tests.faults.kill`."""

from pathlib import Path

import pytest

from tests.faults.kill import kill_and_judge

MENTIONS, KILLS = 2_000, 4


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_nothing_accepted_is_lost_repeated_or_reordered_by_kill_9(tmp_path: Path) -> None:
    verdict = await kill_and_judge(tmp_path, MENTIONS, KILLS, seed=20)
    assert verdict.accepted == MENTIONS
    assert verdict.routed == MENTIONS
    assert verdict.faults == 0, verdict
