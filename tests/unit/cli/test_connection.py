import json
from pathlib import Path

import pytest

from services.cli.connection import ingest_and_key
from services.cli.errors import CliError

READY = {"ingest": "http://127.0.0.1:9001", "classify": "http://c", "router": "http://r", "api_key": "mt_demo"}


@pytest.fixture
def ready(data_dir: Path) -> None:
    (data_dir / "ready.json").write_text(json.dumps(READY))


@pytest.mark.usefixtures("ready")
def test_the_stack_running_here_is_the_default() -> None:
    assert ingest_and_key(None, None) == ("http://127.0.0.1:9001", "mt_demo")
    assert ingest_and_key("http://127.0.0.1:9001/", None) == ("http://127.0.0.1:9001", "mt_demo")
    assert ingest_and_key(None, "mine") == ("http://127.0.0.1:9001", "mine")


@pytest.mark.usefixtures("ready")
def test_the_demo_key_is_for_its_own_stack_only() -> None:
    with pytest.raises(CliError, match="no API key for https://elsewhere"):
        ingest_and_key("https://elsewhere", None)


@pytest.mark.usefixtures("data_dir")
def test_without_a_stack() -> None:
    assert ingest_and_key(None, "mine") == ("http://127.0.0.1:8080", "mine")
    with pytest.raises(CliError, match="mention-triage up"):
        ingest_and_key(None, None)


@pytest.mark.usefixtures("data_dir")
def test_an_address_has_a_scheme() -> None:
    with pytest.raises(CliError, match="http://host:port"):
        ingest_and_key("localhost:8080", "mine")


def test_a_broken_ready_file_is_named(data_dir: Path) -> None:
    (data_dir / "ready.json").write_text("{}")
    with pytest.raises(CliError, match=r"ready\.json"):
        ingest_and_key(None, None)
