import errno

import httpx
import pytest

from services.cli.errors import CliError, explain
from services.common.log.port import LogFull
from services.common.settings import SettingsError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CliError("do this"), "do this"),
        (SettingsError("wrong settings: X"), "wrong settings: X"),
        (LogFull("slow down"), "slow down"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.jsonl"), "a.jsonl: No such file or directory"),
        (
            httpx.ConnectError("refused", request=httpx.Request("GET", "http://127.0.0.1:9/v1/routed?cursor=x")),
            "no answer from http://127.0.0.1:9/: refused",
        ),
        (ModuleNotFoundError("No module named 'yaml'", name="yaml"), "mention-triage[router]"),
    ],
)
def test_what_a_person_is_told(error: Exception, told: str) -> None:
    assert told in (explain(error) or "")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        ModuleNotFoundError("No module named 'services.nothing'", name="services.nothing"),
    ],
)
def test_what_nobody_expected_is_not_hidden(error: Exception) -> None:
    assert explain(error) is None
