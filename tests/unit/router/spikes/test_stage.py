"""The stage `spikes`: the same episodes whatever the batches, from a snapshot as without one, one alert per event."""

import random

import pytest

from mention_triage.v1.alert_pb2 import SpikeEvent
from services.common.log.port import Record
from services.common.log.topics import COUNTS, SPIKE_STATE
from services.common.telemetry import metric_defs as defs
from services.router.spikes.series import ALL, SeriesKey
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
        assert outputs == whole


@pytest.mark.parametrize("stop", [100, 700, 1_000, 1_500])
async def test_a_restart_goes_on_from_the_snapshot_and_what_came_after_it(stop: int) -> None:
    messages = minutes(VIRAL)
    whole = await World().take(messages)
    world = World()
    before = await world.take(messages[:stop])
    start = world.again(before)
    assert 0 < start <= stop
    for record in records(messages[start:stop], start):  # what the runner does, outputs dropped
        await world.stage.process(world.watched, [record])
    after = await world.take(messages[stop:])
    assert alerts([*before, *after]) == alerts(whole)


async def test_a_round_that_is_not_complete_leaves_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.router.spikes.snapshots._SERIES_PER_SHARD", 1)
    world = World()
    outputs = await world.take(minutes(CALM))
    kept = [each for each in outputs if each.topic == SPIKE_STATE]
    closing = [place for place, each in enumerate(kept) if (each.key or b"").endswith(b"/end")]
    assert len(closing) >= 2
    world.again(kept[: closing[1] + 1])
    second = world.watched.state.covers
    for cut in range(closing[0], closing[1]):
        assert 0 < world.again(kept[: cut + 1]) < second
        assert len(world.watched.state.table) == 2
    assert world.again(kept[: closing[0]]) == 0


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
