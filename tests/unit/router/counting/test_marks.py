"""How far `volume` says that its partition has come: in marks, after all counts, for this partition alone."""

import pytest

from services.common.stage.stage import Result, Stage
from services.router.counting.volume import VolumeState
from tests.unit.router.counting.support import (
    PARTITIONS,
    START_MS,
    commit,
    counts_of,
    make_stage,
    mention,
    record_of,
    tick,
)


@pytest.fixture
def stage() -> Stage[VolumeState]:
    return make_stage()


def marks_of(result: Result) -> list[tuple[int, int]]:
    """Partitions and seconds after the start."""
    return [(record.partition, m.until - START_MS // 1000) for record, m in counts_of(result) if not m.tenant]


def to_every_partition(seconds: int) -> list[tuple[int, int]]:
    return [(partition, seconds) for partition in range(PARTITIONS)]


async def test_a_mark_goes_to_every_partition_once_a_bucket_is_over(stage: Stage[VolumeState]) -> None:
    state = stage.new_state()
    seconds = (2.0, 3.0, 11.9, 12.0)
    mentions = [mention(f"{s}", received_ms=START_MS + int(s * 1000)) for s in seconds]
    first, within, almost, over = [
        await commit(stage, state, [record_of(each, each, offset)]) for offset, each in enumerate(mentions)
    ]
    ticked = await commit(stage, state, [tick(START_MS + 20_000, 4)])
    found = [marks_of(each) for each in (first, within, almost, over, ticked)]
    assert found == [[], to_every_partition(0), [], to_every_partition(10), to_every_partition(20)]
    assert [message.tenant for _, message in counts_of(over)] == ["acme", *[""] * PARTITIONS]  # counts first


async def test_counts_carry_a_bound_that_no_right_clock_is_beyond(stage: Stage[VolumeState]) -> None:
    wrong = mention("wrong", received_ms=START_MS + 86_400_000)
    right = [mention(f"{s}", received_ms=START_MS + s * 1000) for s in (0, 3, 11)]
    stamped = [*right[:2], wrong, right[2]]
    result = await commit(stage, stage.new_state(), [record_of(each, each, n) for n, each in enumerate(stamped)])
    ((_, counts),) = [each for each in counts_of(result) if each[1].tenant]
    assert (counts.until, max(count.bucket for count in counts.counts)) == (
        START_MS // 1000 + 10, START_MS // 1000 + 86_400)  # fmt: skip
    assert marks_of(result) == to_every_partition(0)


async def test_how_far_a_partition_is_known_belongs_to_its_state(stage: Stage[VolumeState]) -> None:
    """Else a partition that was elsewhere meanwhile would be judged by records of hours ago."""
    before, after = stage.new_state(), stage.new_state()
    for offset in range(5):
        await commit(stage, before, [tick(START_MS + offset * 10_000, offset)])
    later = START_MS + 7_200_000
    returned = [await commit(stage, after, [tick(later + n * 10_000, 900 + n)]) for n in range(2)]
    assert [marks_of(each) for each in returned] == [[], to_every_partition(7_210)]


async def test_a_mark_that_was_not_committed_is_made_again(stage: Stage[VolumeState]) -> None:
    state, records = stage.new_state(), [tick(START_MS), tick(START_MS + 10_000, 1)]
    lost = await stage.process(state, records)
    again = await stage.process(state, records)
    assert len(counts_of(lost)) == len(counts_of(again)) == PARTITIONS
