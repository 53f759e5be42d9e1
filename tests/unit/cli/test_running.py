import json
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.cli.running import ready_block
from services.common.ready import Ready
from services.ingest.models import PostedMention
from tests.unit.cli.conftest import Run

INFO = Ready("http://127.0.0.1:8080", "http://127.0.0.1:8081", "http://127.0.0.1:8082", "mt_abc_def")


@dataclass
class Curl:
    url: str
    headers: list[str]
    data: str


def curl_lines() -> list[Curl]:
    lines = [line for line in ready_block(INFO, Path("var/demo.key")) if line.startswith("curl ")]
    parsed = []
    for line in lines:
        words = shlex.split(line.replace("$(date +%s)", "1700000000"))
        headers = [words[i + 1] for i, word in enumerate(words) if word == "-H"]
        url = next(word for word in words if word.startswith("http"))
        parsed.append(Curl(url, headers, words[words.index("-d") + 1] if "-d" in words else ""))
    return parsed


def test_the_ready_block_says_where_and_with_which_key() -> None:
    block = "\n".join(ready_block(INFO, Path("var/demo.key")))
    assert block.startswith("mention-triage is ready.\n")
    for part in ("http://127.0.0.1:8080/docs", "http://127.0.0.1:8082/docs", "mt_abc_def", "var/demo.key"):
        assert part in block


def test_the_curl_lines_work_when_pasted() -> None:
    post, read = curl_lines()
    assert post.url == "http://127.0.0.1:8080/v1/mentions"
    assert post.headers == ["Authorization: Bearer mt_abc_def", "Content-Type: application/json"]
    PostedMention.model_validate(json.loads(post.data))
    assert read.url.startswith("http://127.0.0.1:8082/v1/routed")
    assert read.headers == ["Authorization: Bearer mt_abc_def"]


def test_check_policy(run: Run, tmp_path: Path) -> None:
    good = Path("services/router/policy/default.yaml").read_text()
    policy = tmp_path / "policy.yaml"
    policy.write_text(good)
    done = run("router", "--check-policy", str(policy))
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip()
    policy.write_text(good.replace("scoring:", "scorings:"))
    done = run("router", "--check-policy", str(policy))
    assert done.exit_code == 1
    assert "scorings" in done.stderr


@pytest.mark.parametrize("command", ["up", "ingest"])
def test_a_wrong_port_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("INGEST_PORT", "http")
    done = run(command)
    assert done.exit_code == 1
    assert "INGEST_PORT" in done.stderr
