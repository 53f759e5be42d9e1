from pathlib import Path

import pytest

from services.common.settings import SettingsError, load_settings
from services.router.policy.load import load_policy
from services.router.settings import RouterSettings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROUTER_PORT", "POLICY_FILE", "ROUTER_MAX_PAGE", "ROUTER_MAX_SCAN", "ROUTER_MAX_PAGES_AT_ONCE"):
        monkeypatch.delenv(name, raising=False)


def test_defaults() -> None:
    settings = load_settings(RouterSettings)
    assert (settings.port, settings.max_page, settings.max_scan) == (8082, 500, 5_000)
    assert settings.max_pages_at_once == 8
    assert load_policy(settings.policy_file).platforms["x"].length_limit == 280


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_FILE", "/etc/triage/policy.yaml")
    monkeypatch.setenv("ROUTER_PORT", "9000")
    settings = load_settings(RouterSettings)
    assert (settings.policy_file, settings.port) == (Path("/etc/triage/policy.yaml"), 9000)


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_MAX_PAGE", "0")
    with pytest.raises(SettingsError, match="ROUTER_MAX_PAGE"):
        load_settings(RouterSettings)
