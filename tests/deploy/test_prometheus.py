"""Rules, scrape settings and runbooks of Prometheus: valid, tested, and about what the services really measure."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from services.classify.settings import ClassifySettings
from services.common.telemetry.metric_defs import METRICS, ROUTER_RECEIVED_TO_ROUTED
from services.ingest.settings import IngestSettings
from services.router.settings import RouterSettings
from tests.support.prometheus import DEPLOY, program_or_skip

PROMETHEUS: Final = DEPLOY / "prometheus"
TESTS: Final = sorted((PROMETHEUS / "tests").glob("*.yml"))
ROOT: Final = DEPLOY.parent


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


RULES: Final = [
    rule
    for file in sorted((PROMETHEUS / "rules").glob("*.yml"))
    for group in load(file)["groups"]
    for rule in group["rules"]
]
ALERTS: Final = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDS: Final = {rule["record"] for rule in RULES if "record" in rule}
SUFFIXES: Final = {"histogram": ("_bucket", "_count", "_sum")}
SERIES: Final = {metric.name + suffix for metric in METRICS for suffix in SUFFIXES.get(metric.kind, ("",))}
CASES: Final = [case for file in TESTS for case in load(file)["tests"]]


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        [program_or_skip("promtool"), *arguments], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def names(text: str) -> set[str]:
    """Names of our metrics, as the services export them or as rules record them."""
    return set(re.findall(r"(?:[a-z_]+:)?triage_\w+(?::\w+)?", text))


@pytest.mark.parametrize("name", ["prometheus", "demo"])
def test_the_settings_and_the_rules_are_valid(name: str) -> None:
    promtool("check", "config", PROMETHEUS / f"{name}.yml")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_the_tests_of_the_rules_pass(file: Path) -> None:
    promtool("test", "rules", file)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_seen_to_fire_and_not_to_fire(alert: str) -> None:
    expected = [
        bool(test["exp_alerts"])
        for case in CASES
        for test in case.get("alert_rule_test", ())
        if test["alertname"] == alert
    ]
    assert True in expected, "no test fires it"
    assert False in expected, "no test shows it silent"


def test_every_recording_is_tested() -> None:
    tested = " ".join(test["expr"] for case in CASES for test in case.get("promql_expr_test", ()))
    assert {record for record in RECORDS if record not in tested} == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_says_for_whom_with_numbers_and_what_to_do(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"].keys() == {"severity", "audience"}
    assert rule["labels"]["severity"] in {"page", "ticket", "info"}
    assert rule["labels"]["audience"] in {"brand", "operations"}
    assert rule["annotations"].keys() == {"summary", "runbook_url"}
    assert re.search(r"\$value|query", rule["annotations"]["summary"]), "the summary has no number"
    runbook = (ROOT / rule["annotations"]["runbook_url"]).read_text()
    assert alert in runbook
    for part in ("What it means", "What to look at", "What to do"):
        assert f"\n## {part}\n" in runbook, f"the runbook has no part {part}"


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_chosen_how_long(alert: str) -> None:
    assert {"for", "keep_firing_for"} <= ALERTS[alert].keys()


def test_there_is_no_runbook_without_its_alert() -> None:
    named = {ROOT / rule["annotations"]["runbook_url"] for rule in ALERTS.values()}
    assert set((ROOT / "docs" / "runbooks").glob("*.md")) == named


def test_the_index_names_every_alert_and_its_runbook() -> None:
    index = (ROOT / "docs" / "alerts.md").read_text()
    for alert, rule in ALERTS.items():
        assert f"`{alert}`" in index
        assert rule["annotations"]["runbook_url"].removeprefix("docs/") in index


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_is_about_metrics_that_exist(rule: dict[str, Any]) -> None:
    in_expression = names(rule["expr"])
    assert in_expression or re.search(r"^vector\(|\bup\b", rule["expr"]), "it looks at nothing"
    assert in_expression - SERIES - RECORDS == set()
    # Summaries put a recorded name together from its beginning and `:max`.
    in_summary = names(rule.get("annotations", {}).get("summary", ""))
    assert {name for name in in_summary if not {name, f"{name}:max"} & RECORDS} == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_asks_for_labels_that_the_metric_has(rule: dict[str, Any]) -> None:
    for name, matchers in re.findall(r"\b(triage_\w+)\{([^}]*)\}", rule["expr"]):
        metric = next(metric for metric in METRICS if name.startswith(metric.name))
        asked = set(re.findall(r"(\w+)\s*(?:=|!)", matchers)) - {"le" if metric.kind == "histogram" else ""}
        assert asked <= set(metric.labels), f"{name} has no label {asked - set(metric.labels)}"


def test_the_promised_seconds_are_an_edge_of_the_histogram() -> None:
    (edge,) = {edge for rule in RULES for edge in re.findall(r'le="([\d.]+)"', rule["expr"])}
    assert float(edge) in ROUTER_RECEIVED_TO_ROUTED.buckets
    assert edge == str(float(edge)), "the client library writes edges so"


def test_the_demo_differs_in_how_often_alone() -> None:
    usual, demo = load(PROMETHEUS / "prometheus.yml"), load(PROMETHEUS / "demo.yml")
    assert demo.pop("global").keys() == usual.pop("global").keys()
    assert demo == usual


def test_the_services_are_looked_for_where_they_listen() -> None:
    jobs = {
        job["job_name"]: job["static_configs"][0]["targets"]
        for job in load(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    }
    assert jobs == {
        "ingest": [f"127.0.0.1:{IngestSettings.model_fields['port'].default}"],
        "classify": [f"127.0.0.1:{ClassifySettings.model_fields['port'].default}"],
        "router": [f"127.0.0.1:{RouterSettings.model_fields['port'].default}"],
    }
