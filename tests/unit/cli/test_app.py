import subprocess
import sys

import pytest

from tests.unit.cli.conftest import Run, WriteLog
from tests.unit.cli.records import mention_record

# What no image of a single service needs to carry, and what would make `--help` slow.
HEAVY = ("httpx", "openvino", "tokenizers", "numpy", "torch", "yaml", "fastapi", "google.protobuf")


def without(modules: tuple[str, ...], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command line where these modules are not installed."""
    code = (
        f"import sys\nfor name in {modules!r}: sys.modules[name] = None\n"
        f"sys.argv = ['mention-triage', *{arguments!r}]\nfrom services.cli import main\nmain()"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command", [(), ("up",), ("send",), ("tail",), ("classify",), ("keys", "add"), ("demo",), ("spikes",)]
)
def test_help_needs_no_extra(command: tuple[str, ...]) -> None:
    done = without(HEAVY, *command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: mention-triage" in done.stdout


@pytest.mark.parametrize(
    ("missing", "extra", "command"),
    [
        ("httpx", "client", ("send", __file__, "--url", "http://127.0.0.1:1", "--key", "k")),
        ("openvino", "classify", ("classify", __file__)),
        ("yaml", "router", ("router", "--check-policy", __file__)),
    ],
)
def test_a_missing_extra_is_named(missing: str, extra: str, command: tuple[str, ...]) -> None:
    done = without((missing,), *command)
    assert done.returncode == 1
    assert f"pip install 'mention-triage[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_usage_errors_exit_with_2(run: Run) -> None:
    assert run("no-such-command").exit_code == 2
    assert run("send").exit_code == 2
    assert run("tail", "no-such-topic").exit_code == 2


def test_a_wrong_setting_is_one_clear_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_PARTITIONS", "many")
    done = run("topics")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: wrong settings: LOG_PARTITIONS")
    assert done.stderr.count("\n") == 1


def test_no_log_yet_says_what_to_do(run: Run) -> None:
    done = run("tail", "routed")
    assert done.exit_code == 1
    assert "make run" in done.stderr


def test_a_reader_that_leaves_is_no_error(write_log: WriteLog) -> None:
    write_log([mention_record(n, n % 3, n) for n in range(500)])
    command = f"{sys.executable} -m services.cli tail mentions --from beginning --json | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
