"""`POST /v1/classify`: what it answers, what it leaves alone, and whom it sends away."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from mention_triage.v1.mention_pb2 import Mention
from services.classify.app import CLASSIFY_PATH, MAX_TEXT_CHARS, MAX_TEXTS
from services.classify.model.base import ModelInput
from services.classify.proto import to_model_input
from services.classify.schemas import REQUEST_EXAMPLES, TriedResults
from tests.integration.classify.conftest import World

COMPLAINT = {"text": "😡 nadie arregla mi internet"}


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come so far"
        await asyncio.sleep(0.01)


async def results(world: World, posted: Any, **params: str) -> list[dict[str, Any]]:
    answer = await world.client.post(CLASSIFY_PATH, json=posted, params=params)
    assert answer.status_code == 200, answer.text
    TriedResults.model_validate(answer.json())
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


async def test_a_text_gets_labels_and_the_words_that_decided(classify: World) -> None:
    (result,) = await results(classify, COMPLAINT)
    said = result["classification"]
    assert (said["inquiry_type"]["label"], said["sentiment"]["label"]) == ("complaint", "negative")
    assert len(said["inquiry_type"]["probabilities"]) == 5
    assert len(said["sentiment"]["probabilities"]) == 3
    assert said["model"] == {"name": "words", "version": "1"}
    words = result["explanation"]["words"]
    assert [(word["text"], word["inquiry_type"], word["sentiment"]) for word in words] == [
        ("😡", 0.0, 0.0),
        ("nadie", 1.0, 1.5),
        ("arregla", 0.0, 0.0),
        ("mi", 0.0, 0.0),
        ("internet", 2.0, 0.5),
    ]
    assert all(COMPLAINT["text"][word["start"] : word["end"]] == word["text"] for word in words)
    assert "in_reply_to" not in result["explanation"]


async def test_the_context_counts_and_is_explained(classify: World) -> None:
    reply = {"text": "nadie", "in_reply_to": {"by_brand": True, "text": "internet"}}
    (result,) = await results(classify, reply)
    assert result["explanation"]["in_reply_to"] == {"inquiry_type": 2.0, "sentiment": 0.5}


async def test_a_whole_mention_may_be_pasted_as_it_is_posted_or_routed(classify: World) -> None:
    mention = {
        "mention_id": "0" * 32,
        "brand": "TelAndes",
        "platform": "instagram",
        "id": "1",
        "kind": "comment",
        "text": "internet",
        "language": "pt-BR",
        "author": {"id": "77", "followers": 3},
        "in_reply_to": {"id": "0", "by_brand": None},
        "attributes": {"a": [1]},
        "received_at": "2026-03-01T12:00:00Z",
    }
    (result,) = await results(classify, mention)
    assert result["classification"]["language"] == "pt"


@pytest.mark.parametrize("example", REQUEST_EXAMPLES.values(), ids=REQUEST_EXAMPLES.keys())
async def test_the_examples_of_the_docs_are_answered(classify: World, example: Any) -> None:
    posted = example["value"]
    assert len(await results(classify, posted)) == (len(posted) if isinstance(posted, list) else 1)


async def test_explanations_are_for_one_text_and_can_be_left_out(classify: World) -> None:
    several = [COMPLAINT, {"text": "gracias"}]
    assert [set(result) for result in await results(classify, several)] == [{"classification"}] * 2
    assert [set(result) for result in await results(classify, COMPLAINT, explain="false")] == [{"classification"}]
    assert len(classify.model.asked) == 3
    answer = await classify.client.post(CLASSIFY_PATH, json=several, params={"explain": "true"})
    assert (answer.status_code, answer.json()["field"]) == (422, "explain")


async def test_ndjson_is_taken_too(classify: World) -> None:
    body = "".join(json.dumps(each) + "\n" for each in (COMPLAINT, {"text": "gracias"}))
    answer = await classify.client.post(CLASSIFY_PATH, content=body, headers={"Content-Type": "application/x-ndjson"})
    assert [each["classification"]["inquiry_type"]["label"] for each in answer.json()["results"]] == [
        "complaint",
        "feedback",
    ]


async def test_tries_leave_cache_and_counters_of_mentions_alone(classify: World) -> None:
    await results(classify, COMPLAINT)
    assert len(classify.classifier.cache) == 0
    for result in ("hit", "miss"):
        assert classify.metric("triage_classify_cache_requests_total", result=result) == 0
    assert b"triage_classify_mentions_total{" not in classify.metrics.exposition()
    assert classify.metric("triage_classify_requests_total", route=CLASSIFY_PATH, status="200") == 1
    assert classify.metric("triage_classify_request_seconds_count", route=CLASSIFY_PATH) == 1


async def test_what_the_pipeline_knows_is_not_asked_again(classify: World) -> None:
    await classify.classifier.classify([to_model_input(Mention(text="internet"))], [""])
    await results(classify, {"text": "internet"}, explain="false")
    assert classify.model.asked == ["internet | "]


@pytest.mark.parametrize(
    ("posted", "status", "code", "field"),
    [
        ({}, 422, "missing_field", "text"),
        ({"text": 5}, 422, "wrong_type", "text"),
        ({"text": "a" * (MAX_TEXT_CHARS + 1)}, 422, "too_long", "text"),
        ({"text": "a", "in_reply_to": {"text": "a" * (MAX_TEXT_CHARS + 1)}}, 422, "too_long", "in_reply_to.text"),
        ({"text": "s3cret", "kind": "s3cret"}, 422, "invalid_value", "kind"),
        ({"text": "s3cret", "platform": "S3CRET"}, 422, "invalid_value", "platform"),
        ({"text": "s3cret", "in_reply_to": "s3cret"}, 422, "wrong_type", "in_reply_to"),
        ([{"text": "a"}, 5], 422, "wrong_type", None),
        ([], 422, "empty_batch", None),
        ("s3cret", 422, "wrong_type", None),
        ([{"text": "a"}] * (MAX_TEXTS + 1), 413, "too_many_events", None),
        ({"text": "a" * (1 << 20)}, 413, "body_too_large", None),
    ],
)
async def test_what_is_wrong_is_named_and_not_repeated(
    classify: World, posted: Any, status: int, code: str, field: str | None
) -> None:
    answer = await classify.client.post(CLASSIFY_PATH, json=posted)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "s3cret" not in answer.text.lower()
    if isinstance(posted, list) and field is None and code == "wrong_type":
        assert problem["index"] == 1
    assert classify.model.asked == []


async def test_no_key_no_answer(classify: World) -> None:
    answer = await classify.client.post(CLASSIFY_PATH, json=COMPLAINT, headers={"Authorization": "Bearer mt_wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_tenant_holds_half_of_the_places(classify: World) -> None:
    classify.model.gate.clear()
    tries = [asyncio.create_task(classify.client.post(CLASSIFY_PATH, json={"text": f"t{n}"})) for n in range(3)]
    (refused,), held = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
    answer = refused.result()
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "too_busy", "1")
    classify.model.gate.set()
    assert [each.status_code for each in await asyncio.gather(*held)] == [200, 200]
    assert (await classify.client.post(CLASSIFY_PATH, json={"text": "t3"})).status_code == 200


async def test_mentions_go_first_where_the_model_is_behind(classify: World) -> None:
    classify.model.gate.clear()
    mentions = [ModelInput(f"mention {number}") for number in range(5_000)]
    spike = asyncio.create_task(classify.classifier.classify(mentions, [""] * len(mentions)))
    await until(lambda: classify.classifier.full)
    answer = await classify.client.post(CLASSIFY_PATH, json=COMPLAINT)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "model_busy", "1")
    classify.model.gate.set()
    assert len(await spike) == len(mentions)
    assert (await classify.client.post(CLASSIFY_PATH, json=COMPLAINT)).status_code == 200


async def test_mentions_that_come_during_an_explanation_go_before_the_rest_of_it(classify: World) -> None:
    text = " ".join(f"w{number}" for number in range(40))
    await classify.classifier.classify([ModelInput(text)], [""])  # so that the cache has it
    classify.model.entered.clear()
    classify.model.gate.clear()
    trying = asyncio.create_task(classify.client.post(CLASSIFY_PATH, json={"text": text}))
    await until(classify.model.entered.is_set)  # the first of the texts without a word
    mention = asyncio.create_task(classify.classifier.classify([ModelInput("mention")], [""]))
    await asyncio.sleep(0)  # it waits now
    classify.model.gate.set()
    await asyncio.gather(trying, mention)
    assert classify.model.asked.index("mention | ") <= 5
    assert len(classify.model.asked) == 42


async def test_a_service_that_stops_answers_503(classify: World) -> None:
    await classify.classifier.stop()
    answer = await classify.client.post(CLASSIFY_PATH, json=COMPLAINT)
    assert (answer.status_code, answer.json()["code"]) == (503, "model_busy")


async def test_openapi_describes_the_path_completely(classify: World) -> None:
    schema = (await classify.client.get("/openapi.json")).json()
    operation = schema["paths"][CLASSIFY_PATH]["post"]
    assert set(operation["responses"]) == set(map(str, (200, 400, 401, 408, 413, 415, 422, 429, 500, 503)))
    assert operation["security"]
    for status in ("429", "503"):
        assert "Retry-After" in operation["responses"][status]["headers"]
    text = json.dumps(schema)
    names = set(schema["components"]["schemas"])
    references = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert {"TriedMention", "TriedResults", "ProblemJson"} <= references <= names
