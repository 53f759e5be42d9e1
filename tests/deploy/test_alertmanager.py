"""Routes, receivers and texts of Alertmanager."""

import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.support.prometheus import DEPLOY, program_or_skip

FILE: Final = DEPLOY / "alertmanager" / "alertmanager.yml"
CONFIG: Final[dict[str, Any]] = yaml.safe_load(FILE.read_text())


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [program_or_skip("amtool"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_settings_and_the_templates_are_valid() -> None:
    assert "1 templates" in amtool("check-config", FILE)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("alertname=SpikeStarted severity=ticket audience=brand tenant=t brand=b", "brand-owner,operations"),
        ("alertname=SpikeSevere severity=page audience=brand tenant=t brand=b", "on-call,brand-owner,operations"),
        ("alertname=SpikeSustained severity=info audience=operations tenant=t brand=b", "operations"),
        ("alertname=ServiceDown severity=page audience=operations job=router", "on-call,operations"),
        ("alertname=DeadLettersRising severity=ticket audience=operations stage=route", "operations"),
    ],
)
def test_who_is_told(labels: str, receivers: str) -> None:
    amtool("config", "routes", "test", f"--config.file={FILE}", f"--verify.receivers={receivers}", *labels.split())


def test_a_brand_is_one_group_and_the_system_is_grouped_by_trouble() -> None:
    tree = amtool("config", "routes", "show", f"--config.file={FILE}")
    assert "brand-owner" in tree
    (brands,) = (route for route in CONFIG["route"]["routes"] if route.get("matchers") == ['brand != ""'])
    assert brands["group_by"] == ["tenant", "brand"]
    assert CONFIG["route"]["group_by"] == ["alertname"]


def test_everybody_who_is_told_of_a_beginning_is_told_of_the_end() -> None:
    kinds = [(kind, each) for receiver in CONFIG["receivers"] for kind in receiver if kind != "name"
             for each in receiver[kind]]  # fmt: skip
    assert kinds
    assert [kind for kind, each in kinds if each["send_resolved"] is not True] == []


def test_no_address_and_no_secret_of_anybody_is_in_the_file() -> None:
    told = [
        (each.get("url") or each["api_url"], each["http_config"]["authorization"])
        for receiver in CONFIG["receivers"]
        for each in [*receiver["webhook_configs"], *receiver.get("slack_configs", ())]
    ]
    index = (DEPLOY.parent / "docs" / "alerts.md").read_text()
    for address, authorization in told:
        assert ".example.invalid/" in address
        assert authorization.keys() == {"credentials_file"}
        assert f"`{authorization['credentials_file']}`" in index, "docs/alerts.md lists the files that a team writes"
