"""Bad requests and what each gets. `python -m tests.integration.ingest.bad_requests` writes docs/bad-requests.md."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, get_args

import httpx

from services.common.log.port import LogFull, LogUnavailable
from tests.integration.ingest.world import NOW, RefusingLog, World, world

DOCUMENT: Final = Path("docs/bad-requests.md")

MENTIONS: Final = "/v1/mentions"
OUTCOMES: Final = "/v1/outcomes"
CORRECTIONS: Final = "/v1/corrections"
MENTION: Final[Mapping[str, Any]] = {"brand": "TelAndes", "platform": "x", "id": "1", "text": "sin internet"}
OUTCOME: Final[Mapping[str, Any]] = {
    "id": "ticket-1",
    "type": "resolved",
    "mention_id": "9f86d081884c7d659a2feaa0c55ad015",
    "customer_key": "acme/x/77",
    "occurred_at": "2026-03-01T11:00:00Z",
}
ECHOED_MENTION: Final[Mapping[str, Any]] = {
    "mention_id": "9f86d081884c7d659a2feaa0c55ad015",
    "brand": "TelAndes",
    "platform": "x",
    "text": "sin internet",
}
ECHOED_CLASSIFICATION: Final[Mapping[str, Any]] = {
    "inquiry_type": {"label": "technical"},
    "sentiment": {"label": "neutral"},
    "actionable": True,
    "language": "es",
    "confidence": {"inquiry_type": "abstain", "sentiment": "medium", "actionable": "high"},
    "model": {"name": "triage-es-pt-en", "version": "1"},
}
CORRECTION: Final[Mapping[str, Any]] = {
    "id": "ticket-1/label",
    "labels": {"inquiry_type": "complaint"},
    "occurred_at": "2026-03-01T11:00:00Z",
    "mention": ECHOED_MENTION,
    "classification": ECHOED_CLASSIFICATION,
    "customer_key": "acme/x/77",
}
MIB: Final = 1 << 20

# What the request meets: everything in order, another that holds the tenant's room, no patience, a log that refuses.
Circumstance = Literal["usual", "busy", "impatient", "full log", "no disk"]
Body = bytes | Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True, eq=False)
class BadRequest:
    """One row. `status`, `code` and `at` (the field) are what it must get; an event's own, where one is at fault."""

    what: str
    status: int
    code: str
    at: str | None = None
    body: Body = b""
    path: str = MENTIONS
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    circumstance: Circumstance = "usual"


def mention(what: str, code: str, at: str | None, **fields: Any) -> BadRequest:
    """A mention with these fields changed; None takes one away."""
    return BadRequest(what, 422, code, at, _event(MENTION, fields))


def outcome(what: str, code: str, at: str | None, **fields: Any) -> BadRequest:
    """An outcome with these fields changed; None takes one away."""
    return BadRequest(what, 422, code, at, _event(OUTCOME, fields), OUTCOMES)


def correction(what: str, code: str, at: str | None, **fields: Any) -> BadRequest:
    """A correction with these fields changed; None takes one away."""
    return BadRequest(what, 422, code, at, _event(CORRECTION, fields), CORRECTIONS)


def _event(base: Mapping[str, Any], fields: Mapping[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in {**base, **fields}.items() if value is not None}).encode()


def nested(levels: int) -> dict[str, Any]:
    """An object nested this many levels deep."""
    return {"a": nested(levels - 1)} if levels > 1 else {}


async def nine_mib() -> AsyncIterator[bytes]:
    """More than a body may have, in chunks, without a declared length."""
    for _ in range(9):
        yield b" " * MIB


async def stalled() -> AsyncIterator[bytes]:
    """A body that never ends."""
    yield b"["
    await asyncio.Event().wait()


GOOD: Final = json.dumps(MENTION).encode()
AHEAD: Final = (NOW + timedelta(hours=1)).isoformat()
NDJSON: Final = {"Content-Type": "application/x-ndjson"}

BAD_REQUESTS: Final = (
    # The request as a whole.
    BadRequest("no key", 401, "unauthenticated", body=GOOD, headers={"Authorization": ""}),
    BadRequest("an unknown key", 401, "unauthenticated", body=GOOD, headers={"Authorization": "Bearer mt_wrong"}),
    BadRequest("a key by another scheme", 401, "unauthenticated", body=GOOD, headers={"Authorization": "Basic dTpw"}),
    BadRequest("outcomes without a key", 401, "unauthenticated", path=OUTCOMES, headers={"Authorization": ""}),
    BadRequest("a path that does not exist", 404, "not_found", body=GOOD, path="/v1/mention"),
    BadRequest("GET instead of POST", 405, "method_not_allowed", method="GET"),
    BadRequest("form data", 415, "unsupported_media_type", body=b"brand=TelAndes",
               headers={"Content-Type": "application/x-www-form-urlencoded"}),
    BadRequest("no Content-Type", 415, "unsupported_media_type", body=GOOD, headers={"Content-Type": ""}),
    BadRequest("a compressed body", 415, "unsupported_encoding", body=b"\x1f\x8b",
               headers={"Content-Encoding": "gzip"}),
    BadRequest("Content-Length of 9 MiB", 413, "body_too_large", headers={"Content-Length": str(9 * MIB)}),
    BadRequest("9 MiB in chunks", 413, "body_too_large", body=nine_mib),
    BadRequest("10,001 events in an array", 413, "too_many_events", body=b"[" + b"{}," * 10_000 + b"{}]"),
    BadRequest("10,001 lines of NDJSON", 413, "too_many_events", body=b"{}\n" * 10_001, headers=NDJSON),
    BadRequest("100,001 opening brackets", 413, "too_many_brackets", body=b"[" * 100_001),
    BadRequest("a body that stalls", 408, "body_timeout", body=stalled, circumstance="impatient"),
    BadRequest("more than fits beside the tenant's other requests", 429, "too_busy", body=GOOD, circumstance="busy"),
    BadRequest("a log whose readers are too far behind", 503, "log_unavailable", body=GOOD, circumstance="full log"),
    BadRequest("a log that cannot be written", 503, "log_unavailable", body=GOOD, circumstance="no disk"),
    BadRequest("an empty body", 400, "invalid_json"),
    BadRequest("JSON cut short", 400, "invalid_json", body=GOOD[:-5]),
    BadRequest("JSON with a comma too many", 400, "invalid_json", body=b'{\n  "brand": "TelAndes",\n}'),
    BadRequest("NaN as a number", 400, "invalid_json", body=b'{"author": {"value": NaN}}'),
    BadRequest("half of a surrogate pair", 400, "invalid_json", body=b'{"text": "\\ud83d"}'),
    BadRequest("Latin-1 instead of UTF-8", 400, "invalid_json", body='{"text": "mañana"}'.encode("latin-1")),
    BadRequest("100,000 opening brackets", 400, "invalid_json", body=b"[" * 100_000),
    BadRequest("a string as the body", 422, "wrong_type", body=b'"hola"'),
    BadRequest("an empty array", 422, "empty_batch", body=b"[]"),
    BadRequest("NDJSON with blank lines only", 422, "empty_batch", body=b"\n\n \n", headers=NDJSON),
    # One event.
    BadRequest("a broken line in NDJSON", 422, "invalid_json", None, GOOD[:-5] + b"\n", headers=NDJSON),
    BadRequest("a number as an event", 422, "wrong_type", None, b"[5]"),
    mention("no `brand`", "missing_field", "brand", brand=None),
    mention("no `text`", "missing_field", "text", text=None),
    mention("blank `brand`", "empty", "brand", brand="   "),
    mention("`brand` of 101 characters", "too_long", "brand", brand="b" * 101),
    mention("`brand` on two lines", "invalid_value", "brand", brand="Tel\nAndes"),
    mention("`platform` in capitals", "invalid_value", "platform", platform="Facebook"),
    mention("`id` as a number", "wrong_type", "id", id=1893120045512),
    mention("empty `id`", "empty", "id", id=""),
    mention("`text` of 10,001 characters", "too_long", "text", text="a" * 10_001),
    mention("a zero byte in `text`", "invalid_value", "text", text="a\0b"),
    mention("an unknown `kind`", "invalid_value", "kind", kind="story"),
    mention("a language by its name", "invalid_value", "language", language="español"),
    mention("a misspelt field", "unknown_field", "autor", autor={"id": "77"}),
    mention("`tenant` in the body", "unknown_field", "tenant", tenant="other"),
    mention("an unknown field of the author", "unknown_field", "author.nick", author={"nick": "ana"}),
    mention("the author as a string", "wrong_type", "author", author="ana"),
    mention("`followers` as a string", "wrong_type", "author.followers", author={"followers": "1820"}),
    mention("negative `followers`", "invalid_value", "author.followers", author={"followers": -1}),
    mention("`verified` as a number", "wrong_type", "author.verified", author={"verified": 1}),
    mention("21 tags", "too_long", "author.tags", author={"tags": ["t"] * 21}),
    mention("a tag with a space", "invalid_value", "author.tags.1", author={"tags": ["press", "big press"]}),
    mention("negative `value`", "invalid_value", "author.value", author={"value": -0.5}),
    mention("`in_reply_to` without `id`", "missing_field", "in_reply_to.id", in_reply_to={"by_brand": True}),
    mention("a `url` of another scheme", "invalid_value", "url", url="ftp://social.example/1"),
    mention("`occurred_at` in seconds", "wrong_type", "occurred_at", occurred_at=1772366400),
    mention("`occurred_at` without an offset", "invalid_time", "occurred_at", occurred_at="2026-03-01T11:00:00"),
    mention("`occurred_at` on 30 February", "invalid_time", "occurred_at", occurred_at="2026-02-30T11:00:00Z"),
    mention("`occurred_at` before 1970", "invalid_time", "occurred_at", occurred_at="1969-12-31T23:59:59Z"),
    mention("`occurred_at` an hour ahead", "in_future", "occurred_at", occurred_at=AHEAD),
    mention("`attributes` as an array", "wrong_type", "attributes", attributes=["march"]),
    mention("`attributes` six levels deep", "too_deep", "attributes.a.a.a.a.a", attributes=nested(6)),
    mention("`attributes` of 17 KiB", "too_large", "attributes", attributes={"a": "x" * 17 * 1024}),
    mention("`attributes` of 1,001 values", "too_large", "attributes", attributes={"a": [0] * 1000}),
    mention("a whole number beyond 2^53", "invalid_value", "attributes.order", attributes={"order": 2**53 + 1}),
    outcome("no `customer_key`", "missing_field", "customer_key", customer_key=None),
    outcome("another tenant's `customer_key`", "invalid_value", "customer_key", customer_key="other/x/77"),
    outcome("`mention_id` that is none", "invalid_value", "mention_id", mention_id="1893120045512"),
    outcome("an unknown `type`", "invalid_value", "type", type="closed"),
    outcome("no `occurred_at`", "missing_field", "occurred_at", occurred_at=None),
    outcome("`moved` without `channel`", "missing_field", "channel", type="moved"),
    outcome("`surveyed` without `satisfaction`", "missing_field", "satisfaction", type="surveyed"),
    outcome("`satisfaction` of 6", "invalid_value", "satisfaction", type="surveyed", satisfaction=6),
    outcome("`satisfaction` of a resolved one", "invalid_value", "satisfaction", satisfaction=5),
    outcome("negative `effort_seconds`", "invalid_value", "effort_seconds", effort_seconds=-1),
    outcome("an unknown field of an outcome", "unknown_field", "agent", agent="ana"),
    correction("no `labels`", "missing_field", "labels", labels=None),
    correction("`labels` that judge nothing", "missing_field", "labels", labels={"sentiment": None}),
    correction("an inquiry type that there is not", "invalid_value", "labels.inquiry_type",
               labels={"inquiry_type": "question"}),
    correction("a label of another name", "unknown_field", "labels.type", labels={"type": "complaint"}),
    correction("`actionable` as a string", "wrong_type", "labels.actionable", labels={"actionable": "yes"}),
    correction("no `classification`", "missing_field", "classification", classification=None),
    correction("a `classification` cut short", "missing_field", "classification.confidence",
               classification={name: said for name, said in ECHOED_CLASSIFICATION.items() if name != "confidence"}),
    correction("a `mention` without its id", "missing_field", "mention.mention_id",
               mention={"brand": "TelAndes", "platform": "x", "text": "sin internet"}),
    correction("`mention.text` of 10,001 characters", "too_long", "mention.text",
               mention={**ECHOED_MENTION, "text": "a" * 10_001}),
    correction("`redacted_text` of 20,001 characters", "too_long", "classification.redacted_text",
               classification={**ECHOED_CLASSIFICATION, "redacted_text": "a" * 20_001}),
    correction("another tenant's `customer_key` of a mention", "invalid_value", "customer_key",
               customer_key="other/x/77"),
    correction("a judgement an hour ahead", "in_future", "occurred_at", occurred_at=AHEAD),
    correction("`reason` of 1,001 characters", "too_long", "reason", reason="a" * 1001),
    correction("an unknown field of a correction", "unknown_field", "agent", agent="ana"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What a bad request got. `fault`: the first event's error; for a refusal of the whole, the problem itself."""

    status: int
    problem: Mapping[str, Any]
    fault: Mapping[str, Any]
    headers: Mapping[str, str]


@asynccontextmanager
async def circumstances(folder: Path, circumstance: Circumstance) -> AsyncIterator[World]:
    """A world in which this is the case."""
    match circumstance:
        case "usual":
            async with world(folder) as made:
                yield made
        case "impatient":
            async with world(folder, body_timeout_seconds=0.01) as made:
                yield made
        case "full log":
            async with world(folder, lambda _: RefusingLog(LogFull("readers are behind"))) as made:
                yield made
        case "no disk":
            async with world(folder, lambda _: RefusingLog(LogUnavailable("disk I/O error"))) as made:
                yield made
        case "busy":
            async with world(folder, max_in_flight_bytes=16 * MIB) as made, room_taken(made):
                yield made


@asynccontextmanager
async def room_taken(made: World) -> AsyncIterator[None]:
    """While 8 MiB of another request of the same tenant have come."""
    arrived = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b" " * (8 * MIB)
        arrived.set()  # asked for more, so that is counted
        await asyncio.Event().wait()

    headers = {"Content-Type": "application/json"}
    other = asyncio.create_task(made.client.post(MENTIONS, content=body(), headers=headers))
    await arrived.wait()
    try:
        yield
    finally:
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)


async def answer_to(bad: BadRequest, made: World) -> Answer:
    """Send the request."""
    headers = {"Content-Type": "application/json", **bad.headers}
    content = bad.body if isinstance(bad.body, bytes) else bad.body()
    request = made.client.build_request(bad.method, bad.path, content=content, headers=headers)
    for name in [name for name, value in bad.headers.items() if not value]:
        del request.headers[name]
    response: httpx.Response = await made.client.send(request)
    problem = response.json()
    fault = problem["results"][0]["error"] if "results" in problem else problem
    return Answer(response.status_code, problem, fault, response.headers)


async def try_all() -> dict[BadRequest, Answer]:
    """Every row's answer; the rows of one circumstance share a world."""
    answers: dict[BadRequest, Answer] = {}
    for circumstance in get_args(Circumstance):
        with tempfile.TemporaryDirectory() as folder:
            async with circumstances(Path(folder), circumstance) as made:
                for bad in BAD_REQUESTS:
                    if bad.circumstance == circumstance:
                        answers[bad] = await answer_to(bad, made)
    return answers


def document(answers: Mapping[BadRequest, Answer]) -> str:
    """docs/bad-requests.md, from what the app answered."""
    rows = []
    for bad in BAD_REQUESTS:
        answer = answers[bad]
        message = answer.fault.get("message") or answer.fault["detail"]
        at = f"`{answer.fault['field']}`" if answer.fault.get("field") else ""
        cells = (bad.what, f"`{bad.method} {bad.path}`", str(answer.status), f"`{answer.fault['code']}`", at, message)
        rows.append("| " + " | ".join(cells) + " |")
    return _INTRODUCTION + "\n".join(rows) + "\n"


_INTRODUCTION: Final = """# Bad requests and what they get

Written by `python -m tests.integration.ingest.bad_requests` from what ingest really answers, with the limits as they
are by default; the tests try every row and compare this page.

A request that is refused as a whole gets problem details (RFC 9457) with the code shown. Where a single event is at
fault, its result carries the code, the field and the message; the other events of its batch are taken in all the same,
and the status is 202. Only if no event is accepted the status is 422, with the code `all_rejected` and the `results`,
as for the single events below. No message repeats a value that was sent.

429 and 503 carry `Retry-After`, in seconds: nothing of the request was taken in, send it again as it was.

| request | to | status | code | field | message |
|---|---|---|---|---|---|
"""

if __name__ == "__main__":
    DOCUMENT.write_text(document(asyncio.run(try_all())))
    print(f"{DOCUMENT}: {len(BAD_REQUESTS)} bad requests")
