"""A receiver, and a Prometheus with Alertmanager that tells it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.prometheus import QUICK, Alerting, Pace, program_or_skip
from tests.support.webhooks import WebhookReceiver


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as listening:
        yield listening


@pytest.fixture
def alerting(tmp_path: Path, receiver: WebhookReceiver) -> Iterator[Callable[..., Alerting]]:
    """Starts both: takes the addresses by job."""
    for name in ("prometheus", "alertmanager"):
        program_or_skip(name)
    with ExitStack() as started:

        def start(pace: Pace = QUICK, **targets: list[str]) -> Alerting:
            return started.enter_context(Alerting(tmp_path / "alerting", targets, receiver.url, pace))

        yield start
