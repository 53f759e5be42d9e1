from collections.abc import Callable
from typing import Any, cast

import pytest

from mention_triage.v1.mention_pb2 import Mention
from mention_triage.v1.outcome_pb2 import Outcome
from services.common.contracts.identity import customer_key, mention_id
from services.common.contracts.records import headers_of, milliseconds
from services.common.contracts.views import mention_view, outcome_view
from services.common.log.partitioner import partition_for
from services.common.log.port import Log
from services.ingest.errors import Rejection
from services.ingest.events import Intake, MentionIntake, OutcomeIntake, Received
from services.ingest.examples import MENTION_EXAMPLES
from services.ingest.settings import IngestSettings

AT_MS = 1_772_539_200_123  # 2026-03-03T12:00:00.123Z
SMALLEST = MENTION_EXAMPLES[0].value
RESOLVED = {
    "id": "ticket-1",
    "type": "resolved",
    "mention_id": "0" * 32,
    "customer_key": "acme/x/77",
    "occurred_at": "2026-03-01T11:00:00Z",
}
RECEIVED = Received("acme", AT_MS)


class Partitioned:
    """All of a log that an intake asks for."""

    def partitions(self, _: str) -> int:
        return 12


@pytest.fixture
def mentions(settings: IngestSettings) -> MentionIntake:
    return MentionIntake(settings, cast(Log, Partitioned()))


@pytest.fixture
def outcomes(settings: IngestSettings) -> OutcomeIntake:
    return OutcomeIntake(settings, cast(Log, Partitioned()))


def refused(intake: Intake, event: Any) -> tuple[str, str | None]:
    with pytest.raises(Rejection) as caught:
        intake.record(event, RECEIVED)
    return caught.value.code, caught.value.field


def test_a_mention_becomes_a_record(mentions: MentionIntake) -> None:
    identifier, record = mentions.record({**SMALLEST, "author": {"id": "77"}}, Received("acme", AT_MS, b"00-trace"))
    assert identifier == mention_id("acme", SMALLEST["brand"], "x", SMALLEST["id"])
    assert (record.topic, record.key, record.timestamp_ms) == ("mentions.v1", b"acme/x/77", AT_MS)
    assert record.partition == partition_for(b"acme/x/77", 12)
    headers = headers_of(record.headers)
    assert (headers["ce_id"], headers["traceparent"]) == (identifier.encode(), b"00-trace")
    mention = Mention.FromString(record.value or b"")
    assert mention.customer_key == "acme/x/77"
    assert milliseconds(mention.received_at) == AT_MS


def test_what_was_not_posted_stays_unset(mentions: MentionIntake) -> None:
    identifier, record = mentions.record(SMALLEST, RECEIVED)
    mention = Mention.FromString(record.value or b"")
    assert {field.name for field, _ in mention.ListFields()} == {
        *("mention_id", "tenant", "brand", "platform", "native_id", "text", "received_at", "customer_key")
    }
    assert mention.customer_key == customer_key("acme", "x", "", identifier)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "direct_message"},
        {"author": {}},
        {"author": {"followers": 0, "verified": False, "value": 0}},
        {"in_reply_to": {"id": "9", "by_brand": False}},
        {"occurred_at": "2026-03-03T11:59:59.999999Z"},
        {"attributes": {}},
        {"attributes": {"a": [1, 2.5, None, True, "x", {"b": {}}]}},
    ],
)
def test_the_view_gives_back_what_was_posted(mentions: MentionIntake, fields: dict[str, Any]) -> None:
    _, record = mentions.record({**SMALLEST, **fields}, RECEIVED)
    view = mention_view(Mention.FromString(record.value or b""))
    assert {name: value for name, value in view.items() if name not in ("mention_id", "received_at")} == {
        **SMALLEST,
        **fields,
    }


def test_the_same_message_has_the_same_id_and_another_tenant_another(mentions: MentionIntake) -> None:
    first, _ = mentions.record(SMALLEST, RECEIVED)
    again, _ = mentions.record({**SMALLEST, "text": "edited"}, Received("acme", AT_MS + 1))
    other, _ = mentions.record(SMALLEST, Received("other", AT_MS))
    assert first == again != other


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": "a" * 10_001}, ("too_long", "text")),
        ({"in_reply_to": {"id": "9", "text": "a" * 10_001}}, ("too_long", "in_reply_to.text")),
        ({"occurred_at": "2026-03-03T12:05:00.124Z"}, ("in_future", "occurred_at")),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, ("in_future", "occurred_at")),
        ({"attributes": {"a": "x" * 16_384}}, ("too_large", "attributes")),
        ({f"field{n}": n for n in range(200_000)}, ("unknown_field", "field0")),
        ({"author": {f"field{n}": n for n in range(200_000)}}, ("unknown_field", "author.field0")),
    ],
)
def test_limits(mentions: MentionIntake, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    assert refused(mentions, {**SMALLEST, **fields}) == expected


@pytest.mark.parametrize("fields", [{"text": "a" * 10_000}, {"occurred_at": "2026-03-03T12:05:00.123Z"}])
def test_at_the_limit_is_within(mentions: MentionIntake, fields: dict[str, Any]) -> None:
    mentions.record({**SMALLEST, **fields}, RECEIVED)


def test_an_outcome_becomes_a_record(outcomes: OutcomeIntake) -> None:
    identifier, record = outcomes.record({**RESOLVED, "cost": 0, "effort_seconds": 12.5}, RECEIVED)
    assert identifier == "ticket-1"
    assert (record.topic, record.key) == ("outcomes.v1", b"acme/x/77")
    assert record.partition == partition_for(b"acme/x/77", 12)
    assert headers_of(record.headers)["ce_id"] == b"acme/ticket-1"
    outcome = Outcome.FromString(record.value or b"")
    assert milliseconds(outcome.received_at) == AT_MS
    view = outcome_view(outcome)
    assert view.pop("received_at")
    assert view == {**RESOLVED, "cost": 0, "effort_seconds": 12.5}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"customer_key": "acme2/x/77"}, ("invalid_value", "customer_key")),
        ({"customer_key": "acme/x/7 7"}, ("invalid_value", "customer_key")),
        ({"mention_id": "A" * 32}, ("invalid_value", "mention_id")),
        ({"type": "moved"}, ("missing_field", "channel")),
        ({"type": "surveyed"}, ("missing_field", "satisfaction")),
        ({"satisfaction": 3}, ("invalid_value", "satisfaction")),
        ({"type": "surveyed", "satisfaction": 0}, ("invalid_value", "satisfaction")),
        ({"occurred_at": "2026-03-03T13:00:00Z"}, ("in_future", "occurred_at")),
        ({"cost": -1}, ("invalid_value", "cost")),
    ],
)
def test_outcomes_that_make_no_sense(outcomes: OutcomeIntake, fields: dict[str, Any], expected: Any) -> None:
    assert refused(outcomes, {**RESOLVED, **fields}) == expected


@pytest.mark.parametrize("make", [MentionIntake, OutcomeIntake])
@pytest.mark.parametrize("event", [None, 5, "a", [], True])
def test_only_objects_are_events(
    make: Callable[[IngestSettings, Log], Intake], settings: IngestSettings, event: Any
) -> None:
    assert refused(make(settings, cast(Log, Partitioned())), event) == ("wrong_type", None)
