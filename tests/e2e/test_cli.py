"""The command line against a real stack: `up`, `send`, `tail`, `topics`, `keys`, `classify`."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.stack import Stack

MENTIONS = Path("bench/data/mentions.jsonl")
COUNT = 120

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    started = Stack(tmp_path_factory.mktemp("stack") / "var")
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def cli(stack: Stack) -> Command:
    """Run the command line beside the stack."""

    def run(*arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments],
            env=os.environ | {"TRIAGE_DATA_DIR": str(stack.folder)},
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def sent(stack: Stack, cli: Command, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Ids of mentions that were sent by the command line and have come out of the router."""
    rows = MENTIONS.read_text().splitlines()[:COUNT]
    file = tmp_path_factory.mktemp("data") / "mentions.jsonl"
    file.write_text("\n".join(rows) + "\n")
    done = cli("send", str(file), "--batch", "25")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{COUNT} accepted, 0 rejected")
    assert "sent already" in cli("send", str(file)).stdout
    assert len(routed(stack, COUNT)) == COUNT
    return [json.loads(row)["id"] for row in rows]


def routed(stack: Stack, count: int) -> list[str]:
    """Ids from GET /v1/routed, once there are `count`."""
    ids: list[str] = []
    cursor = None
    deadline = time.monotonic() + 60
    with httpx.Client(base_url=stack.ready.router, headers=stack.headers) as client:
        while len(ids) < count and time.monotonic() < deadline:
            page = client.get("/v1/routed", params={"limit": 500} | ({"cursor": cursor} if cursor else {})).json()
            ids += [item["mention"]["id"] for item in page["items"]]
            cursor = page["next_cursor"]
    return ids


def test_what_was_sent_can_be_tailed(cli: Command, sent: list[str]) -> None:
    done = cli("tail", "routed", "--from", "beginning", "--json", "--no-follow")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(record["value"]["mention"]["id"] for record in records) == sorted(sent)
    times = [record["timestamp"] for record in records]
    assert times == sorted(times)
    assert {record["value"]["routing"]["priority"] for record in records} <= {"P1", "P2", "P3", "P4"}


def test_readable_lines_and_filters(cli: Command, sent: list[str]) -> None:
    done = cli("tail", "routed", "-n", "1000", "--no-follow", "--type", "complaint", "--sentiment", "negative")
    lines = done.stdout.splitlines()
    assert 0 < len(lines) < COUNT
    assert all("complaint/negative" in line for line in lines)


def test_topics_show_what_went_through(cli: Command, sent: list[str]) -> None:
    found = {topic["topic"]: topic for topic in json.loads(cli("topics", "--json").stdout)}
    for topic in ("mentions.v1", "classified.v1", "routed.v1"):
        assert found[topic]["records"] >= COUNT  # ticks among them
    assert found["routed.v1"]["records"] == COUNT
    assert [group["group"] for group in found["mentions.v1"]["groups"]] == ["classify", "volume"]
    assert found["dead-letters.v1"]["records"] == 0


def test_what_ingest_rejects_is_named(cli: Command, stack: Stack) -> None:
    done = cli("send", "-", text='{"brand": "B", "platform": "x", "id": "1", "text": "a", "nick": "n"}\nno json\n')
    assert done.returncode == 1
    assert "line 1: unknown_field nick:" in done.stderr
    assert "line 2: invalid_json" in done.stderr


def test_a_wrong_key_is_refused_at_once(cli: Command, stack: Stack) -> None:
    done = cli("send", "-", "--key", "mt_wrong", text='{"text": "a"}\n')
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "keys add" in done.stderr


def test_a_new_key_works_and_a_revoked_one_does_not(cli: Command, stack: Stack) -> None:
    key = cli("keys", "add", "acme").stdout.strip()

    def status() -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.get(f"{stack.ready.router}/v1/routed", headers=headers).status_code

    assert becomes(status, 200)
    cli("keys", "revoke", key.split("_")[1])
    assert becomes(status, 401)


def becomes(status: Callable[[], int], wanted: int) -> bool:
    deadline = time.monotonic() + 10
    while status() != wanted:
        if time.monotonic() > deadline:
            return False
    return True


def test_up_prints_a_block_that_stands_alone(stack: Stack) -> None:
    printed = stack.log()
    assert printed.startswith("mention-triage is ready.\n")
    assert stack.ready.api_key in printed
    assert "\x1b" not in printed
    curls = [line for line in printed.splitlines() if line.startswith("curl ")]
    assert len(curls) == 2
    assert f"{stack.ready.ingest}/v1/mentions" in curls[0]
    assert f"{stack.ready.router}/v1/routed" in curls[1]


def test_pasted_curl_lines_work(stack: Stack) -> None:
    post, read = [line for line in stack.log().splitlines() if line.startswith("curl ")]
    answer = json.loads(subprocess.run(["bash", "-c", post], capture_output=True, check=True, timeout=30).stdout)
    assert answer["results"][0]["status"] == "accepted"
    page = json.loads(subprocess.run(["bash", "-c", read], capture_output=True, check=True, timeout=30).stdout)
    assert set(page) == {"items", "next_cursor"}


def test_a_file_is_labelled_as_the_stack_does_it(cli: Command, sent: list[str]) -> None:
    done = cli("tail", "classified", "--from", "beginning", "--json", "--no-follow")
    online = {
        record["value"]["mention"]["id"]: record["value"]["classification"]
        for record in map(json.loads, done.stdout.splitlines())
    }
    rows = MENTIONS.read_text().splitlines()[:COUNT]
    labelled = cli("classify", "-", text="\n".join(rows))
    assert labelled.returncode == 0, labelled.stderr
    offline = [json.loads(line) for line in labelled.stdout.splitlines()]
    assert [line["id"] for line in offline] == sent
    assert {line["id"]: line["classification"] for line in offline} == {name: online[name] for name in sent}
