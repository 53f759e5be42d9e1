"""The gauges: of the partitions that are worked on now, with bounded labels."""

import re

from services.common.telemetry.metrics import Metrics
from services.router.spikes.gauges import keep_gauges
from services.router.spikes.state import SpikeState
from tests.unit.router.spikes.world import START, World, message, minutes, partial_count, steady


def shown(metrics: Metrics, name: str) -> dict[str, float]:
    """Values of a gauge by its labels."""
    found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", metrics.exposition().decode(), re.MULTILINE)
    return {labels: float(value) for labels, value in found}


async def test_a_brand_shows_what_is_observed_expected_and_how_bad_it_is() -> None:
    world = World()
    keep_gauges(world.metrics, lambda: [world.watched.state], lambda: START + 3_600.0 + 25)
    await world.take(minutes(steady(2.0, 330)))
    acme = 'brand="Acme",tenant="acme"'
    assert shown(world.metrics, "triage_spikes_active") == {acme: 0}
    assert 8 < shown(world.metrics, "triage_spikes_expected_per_minute")[acme] < 16
    assert shown(world.metrics, "triage_spikes_cause") == {}
    await world.take(minutes(steady(60.0, 30), start=START + 3_300))
    assert shown(world.metrics, "triage_spikes_active") == {acme: 1}
    assert 1 <= shown(world.metrics, "triage_spikes_severity")[acme] <= 10
    assert shown(world.metrics, "triage_spikes_rising") == {acme: 1}
    assert shown(world.metrics, "triage_spikes_observed_per_minute")[acme] > 100
    assert shown(world.metrics, "triage_spikes_ratio")[acme] > 5
    assert list(shown(world.metrics, "triage_spikes_cause").values()) == [1]
    assert shown(world.metrics, "triage_spikes_watermark_lag_seconds")['source="mentions"'] == 25
    assert shown(world.metrics, "triage_spikes_series") == {"": 2}


async def test_a_brand_leaves_with_its_partition() -> None:
    world = World()
    states: list[SpikeState] = []
    keep_gauges(world.metrics, lambda: states)
    await world.take(minutes([1, 2, 3]))
    states.append(world.watched.state)
    assert len(shown(world.metrics, "triage_spikes_ratio")) == 1
    states.clear()
    assert shown(world.metrics, "triage_spikes_ratio") == {}
    assert shown(world.metrics, "triage_spikes_left_out_partitions") == {
        'source="mentions"': 0,
        'source="classified"': 0,
    }


async def test_brands_beyond_the_first_twenty_share_a_label_and_the_worst_of_them_shows() -> None:
    world = World(max_series=200)
    keep_gauges(world.metrics, lambda: [world.watched.state])
    brands = [f"brand-{number}" for number in range(30)]
    for row in range(100):
        counts = [
            partial_count(START + 10 * row, 1 if row < 95 else 1 + 40 * (name == "brand-27"), name) for name in brands
        ]
        await world.take([message(START + 10 * row, counts), message(START + 10 * row + 10)])
    ratios = shown(world.metrics, "triage_spikes_ratio")
    assert len(ratios) == 21
    assert ratios['brand="other",tenant="acme"'] > 2
    assert ratios['brand="brand-1",tenant="acme"'] < 2
