"""Every fault once; `python -m tests.faults.kafka` goes on with them for as long as wanted."""

import random
from collections.abc import Callable

import pytest

from tests.faults.kafka.arena import Arena
from tests.faults.kafka.disk import MountRefused
from tests.faults.kafka.faults import FAULTS, FULL_DISK, VIRAL_POST, Fault
from tests.faults.kafka.load import VIRAL
from tests.faults.kafka.rounds import Outcome, play

MENTIONS = 5_000
LARGEST_SHARE = 2.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_every_accepted_mention_is_routed_once_and_in_order(
    arena: Arena, note: Callable[[Outcome], None], fault: Fault
) -> None:
    if fault is FULL_DISK and isinstance(arena.disk, MountRefused):
        pytest.skip(str(arena.disk))
    outcome = await play(arena, fault, MENTIONS, random.Random(fault.name))
    note(outcome)
    assert outcome.accepted >= MENTIONS
    assert outcome.good, outcome


async def test_the_replies_to_a_viral_post_spread_over_all_partitions(
    arena: Arena, note: Callable[[Outcome], None]
) -> None:
    outcome = await play(arena, VIRAL_POST, MENTIONS, random.Random(5), VIRAL)
    note(outcome)
    assert outcome.accepted >= MENTIONS
    assert outcome.good, outcome
    assert max(outcome.shares.values()) <= LARGEST_SHARE, outcome.shares
