"""`mention-triage up` as its users meet it: one real process, HTTP from outside."""

import json
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.stack import Stack, free_ports

PATIENCE_SECONDS = 20
COMPLAINT = "@NubiaTelecom llevo tres días sin internet y nadie me contesta, PÉSIMO servicio"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    started = Stack(tmp_path_factory.mktemp("stack") / "var")
    started.start()
    yield started
    started.kill()


def post(stack: Stack, mention: dict[str, Any] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = httpx.post(f"{stack.ready.ingest}/v1/mentions", json=mention, headers=stack.headers)
    assert answer.status_code == 202, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def page(stack: Stack, cursor: str | None = None, **filters: str) -> dict[str, Any]:
    params = filters | ({"cursor": cursor} if cursor else {})
    answer = httpx.get(f"{stack.ready.router}/v1/routed", params=params, headers=stack.headers)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def routed(stack: Stack, mention_ids: set[str]) -> dict[str, dict[str, Any]]:
    """The items of these mentions, once all are there."""
    deadline, cursor = time.monotonic() + PATIENCE_SECONDS, None
    items: dict[str, dict[str, Any]] = {}
    while not items.keys() >= mention_ids:
        assert time.monotonic() < deadline, f"{len(mention_ids - items.keys())} mentions were not routed"
        found = page(stack, cursor)
        items |= {item["mention"]["mention_id"]: item for item in found["items"]}
        cursor = found["next_cursor"]
    return items


def smallest(native_id: str, text: str = COMPLAINT, **fields: object) -> dict[str, Any]:
    return {"brand": "Nubia Telecom", "platform": "x", "id": native_id, "text": text, **fields}


def test_the_smallest_mention_comes_out_with_everything(stack: Stack) -> None:
    (result,) = post(stack, smallest("smallest"))
    assert result["status"] == "accepted"
    item = routed(stack, {result["mention_id"]})[result["mention_id"]]
    assert item["mention"].keys() == {"mention_id", "brand", "platform", "id", "text", "received_at"}
    assert item["mention"]["text"] == COMPLAINT
    found = item["classification"]
    assert found["inquiry_type"]["label"] == "complaint"
    assert found["sentiment"]["label"] == "negative"
    assert found["actionable"] is True
    assert found["language"] == "es"
    for field, labels in (("inquiry_type", 5), ("sentiment", 3)):
        assert len(found[field]["probabilities"]) == labels
        assert sum(found[field]["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        assert found["confidence"][field] in ("high", "medium", "low")
    assert found["model"].keys() == {"name", "version"}
    routing = item["routing"]
    assert routing.keys() == {
        "priority", "score", "reasons", "queue", "first_response_due", "resolution_due", "tone", "length_limit",
        "policy_version",
    }  # fmt: skip
    assert sum(reason["points"] for reason in routing["reasons"]) == routing["score"]
    assert routing["length_limit"] == 280
    assert item["customer_key"].startswith("demo/x/")


def test_every_posted_field_comes_back(stack: Stack) -> None:
    posted = smallest(
        "full",
        kind="reply",
        language="es-MX",
        author={
            "id": "a/1 é", "handle": "ana", "followers": 12, "verified": False, "tags": ["press"], "customer_id": "C-1",
            "tier": "gold", "value": 10.5,
        },
        conversation="c1",
        in_reply_to={"id": "0", "by_brand": True, "text": "¿Nos das tu folio?"},
        url="https://example.com/1",
        occurred_at="2026-01-02T03:04:05.678Z",
        attributes={"n": 1, "x": 1.5, "deep": {"list": [True, None, "é"]}},
    )  # fmt: skip
    (result,) = post(stack, posted)
    mention = routed(stack, {result["mention_id"]})[result["mention_id"]]["mention"]
    assert mention.pop("mention_id") == result["mention_id"]
    assert mention.pop("received_at").endswith("Z")
    assert mention.pop("occurred_at").startswith("2026-01-02T03:04:05.678")
    posted.pop("occurred_at")
    assert mention == posted


def test_a_repeat_is_accepted_and_routed_once(stack: Stack) -> None:
    first = post(stack, [smallest("twice"), smallest("twice")])
    again = post(stack, smallest("twice"))
    last = post(stack, smallest("after-twice"))
    assert {r["mention_id"] for r in [*first, *again]} == {first[0]["mention_id"]}
    routed(stack, {first[0]["mention_id"], last[0]["mention_id"]})
    cursor, seen = None, []
    while (found := page(stack, cursor))["next_cursor"] != cursor:
        seen += [item["mention"]["mention_id"] for item in found["items"]]
        cursor = found["next_cursor"]
    assert seen.count(first[0]["mention_id"]) == 1


def test_each_service_shows_its_own_metrics_and_is_healthy(stack: Stack) -> None:
    (result,) = post(stack, smallest("metrics"))
    routed(stack, {result["mention_id"]})
    for url, metric in (
        (stack.ready.ingest, "triage_ingest_events_total"),
        (stack.ready.classify, "triage_classify_mentions_total"),
        (stack.ready.router, "triage_router_queued_total"),
    ):
        shown = httpx.get(f"{url}/metrics").text
        assert f"{metric}{{" in shown
        assert COMPLAINT[:20] not in shown
        assert httpx.get(f"{url}/healthz").json()["status"] == "ok"
        assert httpx.get(f"{url}/readyz").json() == {"status": "ready", "waiting_for": {}}
        page = httpx.get(f"{url}/docs").text
        script = next(part for part in page.split('"') if part.endswith(".js"))
        assert httpx.get(f"{url}{script}").status_code == 200, "the page needs nothing from elsewhere"
        assert "https://" not in page


def test_v1_wants_a_key_and_operations_do_not(stack: Stack) -> None:
    assert httpx.post(f"{stack.ready.ingest}/v1/mentions", json=smallest("x")).status_code == 401
    refused = httpx.get(f"{stack.ready.router}/v1/routed", headers={"Authorization": "Bearer nonsense"})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_key_added_while_running_is_taken_up_and_sees_only_its_tenant(stack: Stack) -> None:
    (result,) = post(stack, smallest("demo-only"))
    routed(stack, {result["mention_id"]})
    key = next(word for word in cli(stack, "keys", "add", "globex").stdout.split() if word.startswith("mt_"))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (
        answer := httpx.get(f"{stack.ready.router}/v1/routed", headers={"Authorization": f"Bearer {key}"})
    ).status_code == 401:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert answer.json()["items"] == []


def test_secrets_are_readable_by_their_owner_only(stack: Stack) -> None:
    for name in ("ready.json", "demo.key", "keys.json", "log.db", "log.db-wal", "log.db-shm"):
        assert stat.S_IMODE((stack.folder / name).stat().st_mode) == 0o600, name
    assert (stack.folder / "demo.key").read_text().strip() == stack.ready.api_key
    assert stack.ready.api_key not in (stack.folder / "keys.json").read_text()


def test_a_second_stack_on_the_same_folder_is_refused(stack: Stack) -> None:
    ports = dict(zip(("INGEST_PORT", "CLASSIFY_PORT", "ROUTER_PORT"), map(str, free_ports(3)), strict=True))
    done = cli(stack, "up", **ports)
    assert done.returncode == 1
    assert f"held by process {stack.process.pid}" in done.stderr
    assert "Traceback" not in done.stderr
    assert (stack.folder / "ready.json").exists(), "the running stack's ready.json must stay"


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        broken = Stack(tmp_path / "var", CLASSIFY_PORT=str(taken.getsockname()[1]))
        with pytest.raises(AssertionError, match="not ready") as error:
            broken.start()
    assert "CLASSIFY_PORT" in str(error.value)
    assert "Traceback" not in str(error.value)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LOG_URL", "postgres://x", "LOG_URL"),
        ("LOG_PARTITIONS", "many", "LOG_PARTITIONS"),
        ("CLASSIFY_MODEL", "/nowhere", "CLASSIFY_MODEL"),
        ("CLASSIFY_BACKEND", "magic", "CLASSIFY_BACKEND"),
        ("POLICY_FILE", "/nowhere.yaml", "POLICY_FILE"),
        ("API_KEYS_FILE", "{tmp}/broken", "keys file"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_clear_message(
    tmp_path: Path, variable: str, value: str, message: str
) -> None:
    (tmp_path / "broken").write_text("{")
    broken = Stack(tmp_path / "var", **{variable: value.replace("{tmp}", str(tmp_path))})
    with pytest.raises(AssertionError, match="not ready") as error:
        broken.start()
    assert message in str(error.value)
    assert "Traceback" not in str(error.value)


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "var")
    stack.start()
    try:
        before = post(stack, [smallest(f"before-{n}") for n in range(20)])
        routed(stack, {r["mention_id"] for r in before})
        first = page(stack, limit="7")
        assert stack.stop() == 0
        assert not (stack.folder / "ready.json").exists()
        key = stack.ready.api_key
        stack.start()
        assert stack.ready.api_key == key
        rest = page(stack, first["next_cursor"])
        seen = [i["mention"]["mention_id"] for i in first["items"] + rest["items"]]
        assert sorted(seen) == sorted(r["mention_id"] for r in before)
        again = post(stack, [smallest("before-3"), smallest("after")])
        routed(stack, {again[1]["mention_id"]})
        news = page(stack, rest["next_cursor"])["items"]
        assert [i["mention"]["id"] for i in news] == ["after"]
        assert stack.stop() == 0
        for line in stack.log().splitlines():
            if line.startswith("{"):
                assert json.loads(line)["level"] != "error", line
    finally:
        stack.kill()


def cli(stack: Stack, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        env=stack.environment | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
