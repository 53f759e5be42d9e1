"""Metrics, their document, health and log lines."""

import asyncio
import json
import logging
from collections.abc import Iterator
from itertools import product

import pytest
import structlog

from services.common.contracts.views import INQUIRY_TYPES, SENTIMENTS
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.health import Health
from services.common.telemetry.logging import configure_logging
from services.common.telemetry.metric_docs import DOCUMENT, render
from services.common.telemetry.metrics import OTHER, Bounded, Metrics


def test_names_follow_the_convention() -> None:
    for spec in defs.METRICS:
        assert spec.name.startswith("triage_")
        assert spec.name.endswith("_total") == (spec.kind == "counter"), spec.name
        assert bool(spec.buckets) == (spec.kind == "histogram"), spec.name
        assert not {"id", "handle", "text", "path", "customer_key"} & set(spec.labels)


def test_the_document_is_in_sync() -> None:
    assert DOCUMENT.read_text() == render(), "run `make docs`"


@pytest.mark.parametrize("service", ["ingest", "classify", "router"])
def test_a_service_shows_its_own_metrics_only(service: defs.Service) -> None:
    shown = Metrics(service).exposition().decode()
    for spec in defs.METRICS:
        name = spec.name.removesuffix("_total") if spec.kind == "counter" else spec.name
        assert (f"# HELP {name}" in shown) == (service in spec.services), spec.name


def test_brands_beyond_the_first_are_counted_together() -> None:
    metrics = Metrics("router")
    shown = {metrics.brand("acme", f"brand-{n}") for n in range(500)}
    assert len(shown) == 21
    assert metrics.brand("acme", "brand-0") == "brand-0"
    assert metrics.brand("acme", "brand-499") == OTHER
    assert metrics.brand("globex", "brand-499") == "brand-499"


def test_a_tenant_cannot_take_the_platforms_of_another() -> None:
    metrics = Metrics("router")
    shown = {metrics.platform("acme", f"platform-{n}") for n in range(100)}
    assert len(shown) == 13
    assert metrics.platform("acme", "x") == OTHER
    assert metrics.platform("globex", "x") == "x"


def test_languages_beyond_the_served_ones_are_counted_together() -> None:
    metrics = Metrics("classify")
    named = ["es", "pt", "en", "und", "aaa", "fr"]
    assert [metrics.language(language) for language in named] == ["es", "pt", "en", "und", OTHER, OTHER]


def test_the_series_of_a_tenant_are_bounded() -> None:
    metrics = Metrics("router")
    for brand, platform, inquiry_type in product(range(30), range(20), INQUIRY_TYPES.values()):
        labels = "acme", metrics.brand("acme", str(brand))
        metrics.counter(defs.ROUTER_MENTIONS, *labels, metrics.platform("acme", str(platform)), inquiry_type).inc()
        for sentiment in SENTIMENTS.values():
            metrics.counter(defs.ROUTER_SENTIMENTS, *labels, inquiry_type, sentiment).inc()
    series = metrics.exposition().decode().count('tenant="acme"')
    assert series == 21 * 13 * 5 + 21 * 5 * 3
    assert series <= 3_000


def test_bounded_keeps_what_it_knows() -> None:
    bounded = Bounded(1)
    assert [bounded("a"), bounded("b"), bounded("a")] == ["a", OTHER, "a"]


def test_a_loop_that_stops_beating_is_stuck_until_it_ends() -> None:
    now = 0.0
    health = Health(lambda: now, stuck_seconds=10)
    health.beat("route-0")
    now = 10.0
    assert health.stuck() == []
    now = 10.1
    assert health.stuck() == ["route-0"]
    health.ended("route-0")
    assert health.stuck() == []


async def test_the_event_loop_beats() -> None:
    health = Health()
    watching = asyncio.create_task(health.watch_event_loop())
    await asyncio.sleep(0)
    assert health.stuck() == []
    watching.cancel()


def test_a_service_is_not_ready_before_its_start_and_after_its_stop() -> None:
    health = Health()
    assert health.unready() == {"start": "starting"}
    health.ready("start")
    assert health.unready() == {}
    health.not_ready("stop", "stopping")
    assert health.unready() == {"stop": "stopping"}


@pytest.fixture
def restored_logging() -> Iterator[None]:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


@pytest.mark.usefixtures("restored_logging")
def test_log_lines_are_json_ours_and_the_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    structlog.get_logger().info("routed", mention_id="abc")
    logging.getLogger("uvicorn.error").warning("careful")
    structlog.get_logger().debug("hidden")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [("routed", "info"), ("careful", "warning")]
    assert lines[0]["mention_id"] == "abc"
