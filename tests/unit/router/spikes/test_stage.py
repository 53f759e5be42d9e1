"""The stage `spikes`: the same episodes whatever the batches, from a snapshot as without one, one alert per event."""

import random
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest

from mention_triage.v1.alert_pb2 import SpikeEvent
from mention_triage.v1.counts_pb2 import MentionCounts, PartialCount
from mention_triage.v1.spike_state_pb2 import EvidenceState
from services.common.log.port import NewRecord, Record
from services.common.log.topics import ALERTS, COUNTS, SPIKE_STATE
from services.common.telemetry import metric_defs as defs
from services.router.counting.sketches import Summary
from services.router.spikes.evidence import BrandEvidence
from services.router.spikes.series import ALL, SeriesKey
from services.router.spikes.snapshots import complete_rounds, key_of
from tests.unit.router.spikes.world import (
    CLASSIFIED,
    START,
    World,
    alerts,
    message,
    minutes,
    mix_count,
    partial_count,
    records,
    steady,
)

CALM = steady(1.0, 360)
VIRAL = [*CALM, *steady(20.0, 60), *steady(1.0, 1_000)]
BATCH = (20,)


async def restart(world: World, outputs: Sequence[NewRecord], messages: Sequence[MentionCounts]) -> int:
    """Start anew as the runner does after `messages`, which gave these outputs: gives where the replay began."""
    start = world.again(outputs)
    for record in records(messages[start:], start):
        await world.stage.process(world.watched, [record])
    return start


def answers(per_row: Sequence[int], hit_from: int) -> list[MentionCounts]:
    """Rows of mentions that answer more posts, with longer names, than what is written of a sketch holds.

    One of them is among the least before the row `hit_from`, and then the most.
    """
    chance = random.Random(5)
    messages: list[MentionCounts] = []
    for row, mentions in enumerate(per_row):
        summary = Summary()
        for number in range(mentions):
            hit = number < 5 if row >= hit_from else number == row % 20 == 0
            summary.add_author(f"acme/x/{row}-{number}", ())
            summary.add_root("x/hit" if hit else f"x/{'9' * 100}{chance.randrange(150)}")
        start = START + 10 * row
        count = PartialCount(brand="Acme", platform="x", bucket=start, mentions=mentions, sketches=summary.to_proto())
        messages += [message(start, [count] if mentions else []), message(start + 10)]
    return messages


def table(outputs: Sequence[NewRecord]) -> dict[bytes, bytes]:
    """What a compacted state topic keeps of them."""
    return {each.key or b"": each.value or b"" for each in outputs if each.topic == SPIKE_STATE}


def covered(kept: dict[bytes, bytes]) -> int:
    """Up to which offset the newest complete round covers the counts; 0 without one."""
    return max((shards[-1].end.covers for _, shards in complete_rounds(kept.items())), default=0)


async def test_a_viral_hour_of_a_young_brand_is_announced_once_and_ends() -> None:
    found = alerts(await World().take(minutes(VIRAL)))
    assert found[0].event == SpikeEvent.SPIKE_EVENT_STARTED
    assert found[-1].event == SpikeEvent.SPIKE_EVENT_ENDED
    assert sum(alert.event == SpikeEvent.SPIKE_EVENT_STARTED for alert in found) == 1
    assert len({alert.episode_id for alert in found}) == 1
    rise = START + 10 * len(CALM)
    assert rise <= found[0].at.seconds <= rise + 60
    assert rise - 60 <= found[0].since.seconds <= found[0].at.seconds
    assert (found[0].tenant, found[0].brand) == ("acme", "Acme")
    assert {series.platform for series in found[0].series} == {"", "x"}


async def test_episodes_do_not_depend_on_the_batches_nor_on_how_counts_are_cut_up() -> None:
    whole = await World(partitions=3).take(minutes(VIRAL, partitions=3))
    assert len(alerts(whole)) >= 2
    for seed in range(3):
        sizes = [random.Random(seed).randint(1, 40) for _ in range(50)]
        outputs = await World(partitions=3).take(minutes(VIRAL, partitions=3), sizes)
        assert [each for each in outputs if each.topic == ALERTS] == [each for each in whole if each.topic == ALERTS]


@pytest.mark.parametrize("stop", [200, 700, 1_000, 1_500])
async def test_a_restart_goes_on_from_the_snapshot_and_what_came_after_it(stop: int) -> None:
    messages = minutes(VIRAL)
    whole = await World().take(messages)
    world = World()
    before = await world.take(messages[:stop], BATCH)
    assert 0 < await restart(world, before, messages[:stop]) <= stop
    after = await world.take(messages[stop:], BATCH)
    assert alerts([*before, *after]) == alerts(whole)


async def test_it_makes_no_difference_whether_a_round_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written of a sketch is not all of it, and the state goes on with that: also where nothing was written."""
    monkeypatch.setattr("services.router.spikes.stage._SNAPSHOT_BYTES", 1)
    rows = [*CALM, *steady(30.0, 150), *steady(1.0, 300)]
    messages = answers(rows, hit_from=480)  # when ten minutes are over
    whole = alerts(await World().take(messages))
    assert whole[-1].posts[0].post_id == "hit"
    batch = (60,)  # five minutes: five of these write a round
    assert alerts(await World().take(messages, batch)) == whole
    world = World()
    before = await world.take(messages[:1_000], batch)
    assert await restart(world, before, messages[:1_000]) < 600
    after = await world.take(messages[1_000:], batch)
    assert alerts([*before, *after]) == whole


async def test_a_round_that_is_not_complete_leaves_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.router.spikes.snapshots._SERIES_PER_SHARD", 1)
    world = World()
    outputs = await world.take(minutes(CALM), BATCH)
    kept = [each for each in outputs if each.topic == SPIKE_STATE]
    closing = [place for place, each in enumerate(kept) if (each.key or b"").endswith(b"/end")]
    assert len(closing) >= 2
    world.again(kept[: closing[1] + 1])
    second = world.watched.state.covers
    for cut in range(closing[0], closing[1]):
        assert 0 < world.again(kept[: cut + 1]) < second
        assert len(world.watched.state.table) == 2
    assert world.again(kept[: closing[0]]) == 0


@pytest.mark.parametrize("every", [91, 150])
async def test_there_is_a_complete_round_at_any_time_over_restarts(every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round takes longer to write than the ten minutes after which the next one is wanted."""
    monkeypatch.setattr("services.router.spikes.snapshots._SERIES_PER_SHARD", 1)
    monkeypatch.setattr("services.router.spikes.stage._SNAPSHOT_BYTES", 1)
    first = [message(START, [partial_count(START, 1, f"Brand {number}") for number in range(40)])]
    messages = [*first, *(message(START + 10 * row) for row in range(1, 800))]
    world, reached = World(max_series=200), 0
    outputs: list[NewRecord] = []
    for offset in range(len(messages)):
        if offset % every == 0:
            await restart(world, outputs, messages[:offset])
        outputs += await world.take(messages[offset : offset + 1])
        assert covered(table(outputs)) >= reached
        reached = covered(table(outputs))
    assert reached > len(messages) // 2


async def test_a_round_is_never_ahead_of_what_was_committed() -> None:
    """Else counts would be taken twice where a batch is repeated that was written but not committed."""
    messages = minutes(CALM)
    for size in (1, 7, 100):
        world = World()
        outputs: list[NewRecord] = []
        for start in range(0, len(messages), size):
            outputs += await world.take(messages[start : start + size])
            assert covered(table(outputs)) <= start
        assert covered(table(outputs)) > len(messages) // 2


async def test_a_batch_writes_no_more_than_a_few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.router.spikes.snapshots._SERIES_PER_SHARD", 1)
    monkeypatch.setattr("services.router.spikes.stage._SNAPSHOT_BYTES", 3_000)
    brands = [partial_count(START, 1, f"Brand {number}") for number in range(20)]
    world = World()
    await world.take([message(START, brands), message(START + 10)])
    sizes = []
    for batch in range(12):  # each record comes after ten minutes of nothing
        outputs = await world.take([message(START + batch * 3_000 + row * 600) for row in range(1, 6)])
        sizes.append([len(each.value or b"") for each in outputs if each.topic == SPIKE_STATE])
    assert all(sum(written) < 3_000 + max(written, default=0) for written in sizes)
    assert sum(map(len, sizes)) > 40  # a round and more


async def test_partitions_take_their_rounds_at_different_times() -> None:
    numbers = set()
    for partition in range(3):
        world = World(partitions=3)
        for record in records(minutes([1] * 150, partitions=3)):
            await world.stage.process(world.watched, [replace(record, partition=partition)])
        numbers.add(world.watched.rounds.number % 600)
        assert world.watched.rounds.origin.endswith(f".{partition}")
    assert len(numbers) == 3


async def test_a_round_is_taken_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()
    kept = BrandEvidence.dump

    def dump(evidence: BrandEvidence) -> EvidenceState:
        threads.add(threading.get_ident())
        return kept(evidence)

    monkeypatch.setattr(BrandEvidence, "dump", dump)
    await World().take(minutes([1] * 200))  # two rounds; nothing of the first one is written before the second
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("damage", ["other version", "cut off"])
async def test_a_snapshot_that_cannot_be_read_is_dropped(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    outputs = await world.take(minutes(CALM), BATCH)
    if damage == "cut off":
        outputs.append(NewRecord(SPIKE_STATE, 0, key_of("1.0", 0, "0"), b"\xff\xff", START * 1000))
    else:
        monkeypatch.setattr("services.router.spikes.detector.snapshot._VERSION", 99)
    assert world.again(outputs) == 0
    assert world.watched.state.closed is None
    assert len(world.watched.state.table) == 0
    world.offset = 0
    again = await world.take(minutes(CALM), BATCH)
    assert world.again([*outputs, *again]) > 0


async def test_mentions_are_counted_for_their_platform_and_for_all_together() -> None:
    world = World()
    await world.take(
        [
            message(START, [partial_count(START, 3, platform="x"), partial_count(START, 4, platform="facebook")]),
            message(START, [partial_count(START, 2, platform="x")]),
        ]
    )
    table = world.watched.state.table
    by_key = {table.keys[row]: mentions for row, mentions in world.watched.state.open[START].items()}
    assert by_key == {
        SeriesKey("acme", "Acme", ALL): 9,
        SeriesKey("acme", "Acme", "x"): 5,
        SeriesKey("acme", "Acme", "facebook"): 4,
    }


async def test_volume_waits_for_the_mentions_alone() -> None:
    world = World(partitions=2)
    await world.take([message(START, [partial_count(START, 3)]), *(message(START + 10, partition=n) for n in (0, 1))])
    assert world.watched.state.closed == START + 10
    assert world.watched.state.mix.value is None
    await world.take([message(START, [mix_count(START, 2, 1)], partition=1, source=CLASSIFIED)])
    assert world.watched.state.closed == START + 10


async def test_what_comes_late_corrects_what_is_remembered_and_is_told() -> None:
    on_time, late = World(), World()
    await on_time.take(minutes([5] * 30))
    await late.take(minutes([5] * 10 + [1] * 10 + [5] * 10))
    await late.take([message(START + 300, [partial_count(START + 10 * row, 4)]) for row in range(10, 20)])
    assert late.watched.state.table.detector.counts == pytest.approx(on_time.watched.state.table.detector.counts)
    assert late.metrics.counter(defs.SPIKES_LATE, "acme")._value.get() == 40


async def test_a_tenant_that_falls_silent_is_missing_and_not_at_zero() -> None:
    """The normal level must not sink while ingest is down, or the first hour after it would be news."""
    world = World()
    await world.take(minutes([*steady(5.0, 720), *[0] * 720]))
    scores = world.watched.state.scores
    assert scores is not None
    assert scores.expected[0] > 3


async def test_series_beyond_the_limit_are_not_watched_but_count_for_their_brand() -> None:
    world = World(max_series=2)
    await world.take([message(START, [partial_count(START, 1, platform=name) for name in ("x", "facebook", "tiktok")])])
    state = world.watched.state
    assert [key.platform for key in state.table.keys] == [ALL, "x"]
    assert state.open[START] == {0: 3, 1: 1}
    await world.take([message(START, [partial_count(START, 1, brand="Other")])])
    assert len(state.table) == 2


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (b"\xff", "undecodable"),
        (message(START, source=0).SerializeToString(), "invalid"),  # type: ignore[arg-type]
        (message(START, partition=1).SerializeToString(), "invalid"),
        (message(START, [partial_count(START, 1)], tenant="").SerializeToString(), "invalid"),
    ],
)
async def test_what_is_no_count_becomes_a_dead_letter(counts: bytes, reason: str) -> None:
    world = World()
    result = await world.stage.process(world.watched, [Record(COUNTS, 0, 0, b"", counts, START * 1000)])
    assert [each.reason for each in result.rejected] == [reason]
    assert result.outputs == []
