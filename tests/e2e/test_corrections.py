"""Against a real stack: what is tried is what would be routed, and what is judged is counted and exported."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.stack import Stack
from training.data import read

MENTION = {
    "brand": "TelAndes",
    "platform": "instagram",
    "id": "1",
    "kind": "comment",
    "text": "llevo tres días sin internet y nadie contesta, mi correo es ana.perez@mail.example",
    "author": {"id": "77"},
    "in_reply_to": {"id": "0", "by_brand": True, "text": "Hola, ¿en qué podemos ayudarte?"},
}
JUDGED = "triage_agreement_judgements_total"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    started = Stack(tmp_path_factory.mktemp("stack") / "var")
    started.start()
    yield started
    started.stop()


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 30
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return value


@pytest.fixture(scope="module")
def routed(stack: Stack) -> dict[str, Any]:
    """The mention as it was routed."""
    posted = httpx.post(f"{stack.ready.ingest}/v1/mentions", json=MENTION, headers=stack.headers)
    assert posted.status_code == 202

    def items() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{stack.ready.router}/v1/routed", headers=stack.headers).json()[
            "items"
        ]
        return found

    item: dict[str, Any] = until(items)[0]
    return item


def cli(stack: Stack, *arguments: str) -> str:
    """What a command prints that runs beside the stack."""
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        env=os.environ | {"TRIAGE_DATA_DIR": str(stack.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_tried_is_what_would_be_routed(stack: Stack, routed: dict[str, Any]) -> None:
    answer = httpx.post(f"{stack.ready.classify}/v1/classify", json=MENTION, headers=stack.headers, timeout=30)
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    assert result["classification"] == routed["classification"]
    assert {word["text"] for word in result["explanation"]["words"]} >= {"internet", "nadie", "contesta"}
    again = httpx.post(f"{stack.ready.classify}/v1/classify", json=routed["mention"], headers=stack.headers, timeout=30)
    assert again.json() == answer.json()


def test_a_judgement_is_counted_once_and_exported(stack: Stack, routed: dict[str, Any], tmp_path: Path) -> None:
    said = routed["classification"]["inquiry_type"]["label"]
    other = "feedback" if said != "feedback" else "complaint"
    correction = {
        **routed,
        "id": "ticket-1",
        "labels": {"inquiry_type": other, "actionable": routed["classification"]["actionable"]},
        "occurred_at": routed["mention"]["received_at"],
    }
    for _ in range(2):  # the second one as after an answer that was lost
        posted = httpx.post(f"{stack.ready.ingest}/v1/corrections", json=correction, headers=stack.headers)
        assert posted.status_code == 202, posted.text

    def metrics() -> str:
        text = httpx.get(f"{stack.ready.router}/metrics").text
        taken = 'triage_stage_records_in_total{stage="agreement"} 2.0'
        return text if taken in text else ""

    counted = {
        (sample.labels["field"], sample.labels["agreed"]): sample.value
        for family in text_string_to_metric_families(until(metrics))
        for sample in family.samples
        if sample.name == JUDGED and sample.value
    }
    assert counted == {("inquiry_type", "no"): 1, ("actionable", "yes"): 1}
    kept = cli(stack, "tail", "corrections", "--from", "beginning", "--no-follow", "--json")
    assert len(kept.splitlines()) == 2
    assert "ana.perez" not in kept
    file = tmp_path / "rows.jsonl"
    cli(stack, "corrections", "export", str(file))
    (row,) = map(json.loads, file.read_text().splitlines())
    assert (row["inquiry_type"], row["predicted"]["inquiry_type"]) == (other, said)
    assert row["text"].endswith("mi correo es [email]")
    (example,) = read(file, "corrections")
    assert (example.given.parent_text, example.given.parent_by_brand) == (MENTION["in_reply_to"]["text"], True)  # type: ignore[index]
    assert example.given.kind == "comment"
