import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.contracts.corrections import correction_view
from services.common.contracts.records import headers_of
from services.common.contracts.views import mention_view, outcome_view
from services.common.log.partitioner import partition_for
from services.common.log.port import LogUnavailable
from services.common.log.topics import CORRECTIONS as CORRECTIONS_TOPIC
from services.common.log.topics import MENTIONS as MENTIONS_TOPIC
from services.common.log.topics import OUTCOMES as OUTCOMES_TOPIC
from services.ingest.examples import CORRECTION_EXAMPLES, MENTION_EXAMPLES, OUTCOME_EXAMPLES, Example
from services.ingest.models import PostedMention
from tests.integration.ingest.bad_requests import (
    CORRECTION,
    CORRECTIONS,
    MENTION,
    MENTIONS,
    OUTCOME,
    OUTCOMES,
    room_taken,
)
from tests.integration.ingest.world import NOW, PARTITIONS, TENANT, RefusingLog, World, world

NDJSON_TYPES = ("application/x-ndjson", "application/ndjson; charset=utf-8", "Application/JSONL")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def lines(events: list[Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@pytest.mark.parametrize("example", MENTION_EXAMPLES, ids=lambda example: example.name)
async def test_an_accepted_mention_is_durable_and_complete(ingest: World, example: Example) -> None:
    answer = await ingest.client.post(MENTIONS, json=example.value)
    assert answer.status_code == 202
    (mention,) = await ingest.mentions()
    assert answer.json() == {"results": [{"index": 0, "status": "accepted", "mention_id": mention.mention_id}]}
    expected = {**example.value, "mention_id": mention.mention_id, "received_at": "2026-03-03T12:00:00Z"}
    if "occurred_at" in expected:
        expected["occurred_at"] = "2026-03-01T12:30:00Z"
    assert mention_view(mention) == expected
    assert mention.tenant == TENANT


@pytest.mark.parametrize("example", OUTCOME_EXAMPLES, ids=lambda example: example.name)
async def test_an_accepted_outcome_is_durable_and_complete(ingest: World, example: Example) -> None:
    answer = await ingest.client.post(OUTCOMES, json=example.value)
    assert answer.json() == {"results": [{"index": 0, "status": "accepted", "outcome_id": example.value["id"]}]}
    (outcome,) = await ingest.outcomes()
    view = outcome_view(outcome)
    assert view.pop("received_at") == "2026-03-03T12:00:00Z"
    assert view.pop("occurred_at").endswith("Z")
    assert view == {name: value for name, value in example.value.items() if name != "occurred_at"}


@pytest.mark.parametrize("example", CORRECTION_EXAMPLES, ids=lambda example: example.name)
async def test_an_accepted_correction_is_durable_and_keeps_what_is_needed(ingest: World, example: Example) -> None:
    posted = example.value
    answer = await ingest.client.post(CORRECTIONS, json={**posted, "routing": {"queue": "complaints-pt"}})
    assert answer.json() == {"results": [{"index": 0, "status": "accepted", "correction_id": posted["id"]}]}
    (correction,) = await ingest.corrections()
    assert (correction.mention.tenant, correction.mention.customer_key) == (TENANT, posted["customer_key"])
    view = correction_view(correction)
    assert view.pop("received_at") == "2026-03-03T12:00:00Z"
    assert view.pop("occurred_at").endswith("Z")
    assert view.pop("mention") == {
        name: value for name, value in posted["mention"].items() if name not in ("id", "received_at")
    }
    said = {**posted["classification"]}
    del said["actionable_probability"]
    said |= {field: {"label": said[field]["label"]} for field in ("inquiry_type", "sentiment")}
    assert view.pop("classification") == said
    assert view == {name: posted[name] for name in posted.keys() - {"mention", "classification", "occurred_at"}}


async def test_records_of_one_customer_share_key_and_partition(ingest: World) -> None:
    author = {"author": {"id": "ana/77"}}
    await ingest.client.post(MENTIONS, json=[{**MENTION, **author, "id": str(n)} for n in range(3)])
    key = "acme/x/ana%2F77"
    await ingest.client.post(OUTCOMES, json={**OUTCOME, "customer_key": key})
    await ingest.client.post(CORRECTIONS, json={**CORRECTION, "customer_key": key})
    topics = (MENTIONS_TOPIC, CORRECTIONS_TOPIC, OUTCOMES_TOPIC)
    records = [record for topic in topics for record in await ingest.records(topic)]
    assert len(records) == 5
    assert {(record.key, record.partition) for record in records} == {
        (key.encode(), partition_for(key.encode(), PARTITIONS))
    }
    assert {record.timestamp_ms for record in records} == {int(NOW.timestamp() * 1000)}
    assert headers_of(records[-1].headers)["ce_id"] == b"acme/ticket-1"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (TRACEPARENT, TRACEPARENT.encode()),
        (TRACEPARENT.upper(), None),
        (TRACEPARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), None),
        (TRACEPARENT + "-x", None),
    ],
)
async def test_a_valid_traceparent_goes_with_the_record(ingest: World, sent: str, kept: bytes | None) -> None:
    await ingest.client.post(MENTIONS, json=MENTION, headers={"traceparent": sent})
    (record,) = await ingest.records(MENTIONS_TOPIC)
    assert headers_of(record.headers).get("traceparent") == kept


@pytest.mark.parametrize("content_type", NDJSON_TYPES)
async def test_ndjson_gives_one_result_per_line_that_is_not_blank(ingest: World, content_type: str) -> None:
    body = lines([MENTION]) + b"\r\n \n" + b'{"brand": \n' + lines([{**MENTION, "id": "2"}]).rstrip()
    answer = await ingest.client.post(MENTIONS, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [(result["index"], result["status"]) for result in results] == [
        (0, "accepted"),
        (1, "rejected"),
        (2, "accepted"),
    ]
    assert results[1]["error"]["message"].startswith("the event is not valid JSON at line 4")
    assert sorted(mention.native_id for mention in await ingest.mentions()) == ["1", "2"]


GOOD = st.builds(lambda number: {**MENTION, "id": str(number)}, st.integers(0, 10**6))
BAD = st.one_of(
    st.sampled_from([5, "hola", None, [], {}, {**MENTION, "nick": 1}, {**MENTION, "platform": "X"}]),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), GOOD, BAD), min_size=1, max_size=12), st.booleans())
async def test_every_event_gets_one_result_in_order(
    ingest: World, batch: list[tuple[bool, Any, Any]], ndjson: bool
) -> None:
    events = [good if is_good else bad for is_good, good, bad in batch]
    content = lines(events) if ndjson else json.dumps(events).encode()
    content_type = "application/x-ndjson" if ndjson else "application/json"
    before = len(await ingest.mentions())
    answer = await ingest.client.post(MENTIONS, content=content, headers={"Content-Type": content_type})
    results = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(len(events)))
    assert [result["status"] == "accepted" for result in results] == [is_good for is_good, _, _ in batch]
    accepted = sum(is_good for is_good, _, _ in batch)
    assert answer.status_code == (202 if accepted else 422)
    assert len(await ingest.mentions()) == before + accepted
    assert ingest.metric("triage_ingest_in_flight_bytes") == 0


async def test_too_many_attributes_are_refused_before_the_model_copies_them(
    ingest: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def validate(*_: Any) -> None:
        raise AssertionError("validated")

    monkeypatch.setattr(PostedMention, "model_validate", validate)
    answer = await ingest.client.post(MENTIONS, json={**MENTION, "attributes": {str(n): n for n in range(1001)}})
    assert answer.json()["results"][0]["error"]["code"] == "too_large"


async def test_a_batch_longer_than_a_turn_keeps_its_order(ingest: World) -> None:
    events = [{**MENTION, "id": str(number)} if number % 7 else {} for number in range(600)]
    results = (await ingest.client.post(MENTIONS, json=events)).json()["results"]
    assert [result["index"] for result in results] == list(range(600))
    assert [result["status"] == "accepted" for result in results] == [bool(event) for event in events]


async def test_a_log_that_fails_gets_nothing_and_the_sender_503(tmp_path: Path) -> None:
    async with world(tmp_path, lambda _: RefusingLog(LogUnavailable("disk")), retry_after_seconds=7) as ingest:
        answer = await ingest.client.post(MENTIONS, json=[MENTION, {}])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
        assert "results" not in answer.json()
        assert ingest.metric("triage_ingest_events_total", tenant=TENANT, event="mention", status="accepted") == 0
        assert ingest.metric("triage_ingest_in_flight_bytes") == 0


async def test_429_while_the_room_is_taken_and_202_once_it_is_free(tmp_path: Path) -> None:
    async with world(tmp_path, max_in_flight_bytes=16 << 20) as ingest:
        async with room_taken(ingest):
            answer = await ingest.client.post(MENTIONS, json=MENTION)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert (await ingest.client.post(MENTIONS, json=MENTION)).status_code == 202


async def test_requests_events_and_rejections_are_counted(ingest: World) -> None:
    await ingest.client.post(MENTIONS, json=[MENTION, {**MENTION, "nick": "secret"}])
    await ingest.client.post(MENTIONS, json=MENTION, headers={"Authorization": "Bearer wrong"})
    count = ingest.metric
    assert count("triage_ingest_events_total", tenant=TENANT, event="mention", status="accepted") == 1
    assert count("triage_ingest_events_total", tenant=TENANT, event="mention", status="rejected") == 1
    assert count("triage_ingest_rejections_total", event="mention", code="unknown_field") == 1
    assert count("triage_ingest_requests_total", route=MENTIONS, status="202") == 1
    assert count("triage_ingest_requests_total", route=MENTIONS, status="401") == 1
    assert count("triage_ingest_request_seconds_count", route=MENTIONS) == 2
    assert count("triage_ingest_append_seconds_count") == 1


@pytest.mark.parametrize(
    "event",
    [
        {**MENTION, "nick": "s3cret"},
        {**MENTION, "platform": "S3CRET"},
        {**MENTION, "text": {"s3cret": "s3cret"}},
        {**MENTION, "kind": "s3cret"},
        {**MENTION, "occurred_at": "s3cret"},
        {**MENTION, "author": {"followers": "s3cret", "verified": "s3cret", "tags": ["S3CRET!"]}},
        {**MENTION, "attributes": {"a": "s3cret\0"}},
    ],
)
async def test_no_message_repeats_what_was_sent(ingest: World, event: Any) -> None:
    answer = await ingest.client.post(MENTIONS, json=event)
    assert answer.status_code == 422
    assert "s3cret" not in answer.text.lower()


async def test_openapi_describes_all_paths_completely(ingest: World) -> None:
    schema = (await ingest.client.get("/openapi.json")).json()
    for path in (MENTIONS, OUTCOMES, CORRECTIONS):
        operation = schema["paths"][path]["post"]
        assert set(operation["requestBody"]["content"]) == {
            "application/json",
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
        }
        assert set(operation["responses"]) == {"202", *map(str, (400, 401, 408, 413, 415, 422, 429, 500, 503))}
        assert operation["security"]
    names = set(schema["components"]["schemas"])
    references = set(_references(schema))
    assert references
    assert {reference.rpartition("/")[2] for reference in references} <= names


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [reference for value in node.values() for reference in _references(value)]
    return [reference for value in node for reference in _references(value)] if isinstance(node, list) else []
