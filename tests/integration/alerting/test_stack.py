"""A real stack, a real Prometheus, a real Alertmanager, a webhook: a spike as its people meet it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.mention_load import BRAND, PER_MINUTE, TENANT, MentionLoad, write_baseline
from tests.support.prometheus import QUICK, Alerting
from tests.support.stack import Stack
from tests.support.webhooks import WebhookReceiver

PATIENCE_SECONDS = 180
# Enough to be told within a row or two, and over after minutes: the last five are remembered. Twenty times as much is
# for `python -m bench.spikes_alerting`.
SUDDEN = 8.0
# An episode is calm when its last five minutes are, and the shortest calm that ends it follows.
UNTIL_THE_END_SECONDS = 600


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """One that knows what is normal for the brand, and calls an episode over as soon as it may."""
    baseline = tmp_path / "baseline.json"
    write_baseline(baseline)
    started = Stack(tmp_path / "var", SPIKES_BASELINE_FILE=str(baseline), SPIKES_END_AFTER_SECONDS="10")
    started.start()
    yield started
    started.kill()


@pytest.mark.slow
@pytest.mark.waits
@pytest.mark.timeout(2 * PATIENCE_SECONDS + UNTIL_THE_END_SECONDS + 60)
def test_a_sudden_load_is_told_once_and_so_is_its_end(
    stack: Stack, receiver: WebhookReceiver, alerting: Callable[..., Alerting]
) -> None:
    targets = {
        job: [url.removeprefix("http://")]
        for job, url in (
            ("ingest", stack.ready.ingest),
            ("classify", stack.ready.classify),
            ("router", stack.ready.router),
        )
    }
    prometheus = alerting(QUICK, **targets)
    with MentionLoad(stack.ready.ingest, stack.headers) as load:
        prometheus.wait_for("tenant_brand:triage_spikes_observed_per_minute:max > 0", PATIENCE_SECONDS)
        load.multiply(SUDDEN)
        (told,) = receiver.wait_for("brand-owner", bool, PATIENCE_SECONDS)
        assert told.status == "firing"
        assert told.body["groupLabels"] == {"tenant": TENANT, "brand": BRAND}
        summary = told.body["commonAnnotations"]["summary"]
        numbers = re.search(r"([\d.]+) times the expected ([\d.]+); severity [1-9]\d? of 10, cause: virality$", summary)
        assert numbers is not None, summary
        assert float(numbers[1]) > 2, summary
        assert float(numbers[2]) == pytest.approx(PER_MINUTE, rel=0.3), summary
        load.calm()
        for name in ("brand-owner", "operations"):
            came = receiver.wait_for(name, lambda came: came[-1].status == "resolved", UNTIL_THE_END_SECONDS)
            assert [each.status for each in came] == ["firing", "resolved"], [each.alerts for each in came]
