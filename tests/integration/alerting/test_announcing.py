"""What people are told of a spike, by a real Prometheus and a real Alertmanager, from gauges that are set by hand."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.integration.alerting.exporter import BRAND, TENANT, SpikeExporter
from tests.support.prometheus import CHAT, Alerting
from tests.support.webhooks import Notification, WebhookReceiver

PATIENCE_SECONDS = 60
SEVERE = [("SpikeSevere", "firing")]


@pytest.fixture
def router() -> Iterator[SpikeExporter]:
    with SpikeExporter() as exporter:
        yield exporter


@pytest.fixture
def other_router() -> Iterator[SpikeExporter]:
    with SpikeExporter() as exporter:
        yield exporter


def test_a_severe_spike_is_told_once_with_its_numbers_and_so_is_its_end(
    router: SpikeExporter, receiver: WebhookReceiver, alerting: Callable[..., Alerting]
) -> None:
    alerting(router=[router.address])
    router.show(severity=8, observed=200)
    for name in ("brand-owner", "operations", "on-call"):
        (told,) = receiver.wait_for(name, bool, PATIENCE_SECONDS)
        assert told.alerts == SEVERE
        assert told.authorization == f"Bearer {name}'s secret"
        assert told.body["commonLabels"]["tenant"] == TENANT
        assert told.body["commonLabels"]["brand"] == BRAND
        assert told.body["commonAnnotations"] == {
            "summary": f"{BRAND} ({TENANT}): 200.0 mentions per minute, 20.0 times the expected 10.0; severity 8 of 10,"
            " cause: virality",
            "runbook_url": "docs/runbooks/spike-severe.md",
        }
    (told,) = receiver.wait_for(CHAT, bool, PATIENCE_SECONDS)
    assert told.authorization == f"Bearer {CHAT}'s secret"
    (message,) = told.body["attachments"]
    assert message["title"] == f"PAGE: SpikeSevere of {BRAND}"
    assert "20.0 times the expected 10.0" in message["text"]
    assert message["color"] == "danger"
    router.show(severity=0)
    for name in ("brand-owner", "operations", "on-call"):
        told_of_both = receiver.wait_for(name, is_over, PATIENCE_SECONDS)
        assert [each.status for each in told_of_both] == ["firing", "resolved"]
    assert receiver.of("brand-owner")[0].body["groupLabels"] == {"tenant": TENANT, "brand": BRAND}


def test_a_mild_spike_that_becomes_severe_and_mild_again_is_told_when_it_starts_when_it_is_severe_and_at_its_end(
    router: SpikeExporter, receiver: WebhookReceiver, alerting: Callable[..., Alerting]
) -> None:
    prometheus = alerting(router=[router.address])
    router.show(severity=4)
    receiver.wait_for("brand-owner", bool, PATIENCE_SECONDS)
    router.show(severity=7)
    receiver.wait_for("brand-owner", lambda came: len(came) == 2, PATIENCE_SECONDS)
    router.show(severity=3)
    prometheus.wait_for("tenant_brand:triage_spikes_severity:max == 3", PATIENCE_SECONDS)
    router.show(severity=0)
    came = receiver.wait_for("brand-owner", is_over, PATIENCE_SECONDS)
    assert [each.alerts for each in came[:2]] == [[("SpikeStarted", "firing")], SEVERE]
    assert len(came) == 3, [each.alerts for each in came]
    called = receiver.wait_for("on-call", is_over, PATIENCE_SECONDS)
    assert [each.alerts for each in called] == [SEVERE, [("SpikeSevere", "resolved")]]


def test_a_partition_that_moves_to_another_process_is_no_news(
    router: SpikeExporter, other_router: SpikeExporter, receiver: WebhookReceiver, alerting: Callable[..., Alerting]
) -> None:
    prometheus = alerting(router=[router.address, other_router.address])
    router.show(severity=8)
    receiver.wait_for("brand-owner", bool, PATIENCE_SECONDS)
    router.give_up()
    prometheus.wait_for("absent(tenant_brand:triage_spikes_active:max)", PATIENCE_SECONDS)
    other_router.show(severity=8)
    prometheus.wait_for(f'triage_spikes_active{{instance="{other_router.address}"}}', PATIENCE_SECONDS)
    # What is told of another brand would come behind what is told of this one.
    other_router.show(severity=8, brand="Another")
    receiver.wait_for("brand-owner", lambda came: came[-1].body["groupLabels"]["brand"] == "Another", PATIENCE_SECONDS)
    assert [each.alerts for each in receiver.of("brand-owner")] == [SEVERE, SEVERE]


def is_over(came: Sequence[Notification]) -> bool:
    return bool(came) and came[-1].status == "resolved"
