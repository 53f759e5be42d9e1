from collections.abc import Callable
from typing import Any, cast

import pytest

from mention_triage.v1.correction_pb2 import Correction
from mention_triage.v1.mention_pb2 import Mention
from mention_triage.v1.outcome_pb2 import Outcome
from mention_triage.v1.routing_pb2 import RoutedMention, Routing
from services.common.contracts.identity import customer_key, mention_id
from services.common.contracts.records import headers_of, milliseconds
from services.common.contracts.views import mention_view, outcome_view, routed_view
from services.common.http.rejections import Rejection
from services.common.log.partitioner import partition_for
from services.common.log.port import Log
from services.ingest.events import CorrectionIntake, Intake, MentionIntake, OutcomeIntake, Received
from services.ingest.examples import CORRECTION_EXAMPLES, MENTION_EXAMPLES
from services.ingest.settings import IngestSettings
from tests.unit.router.builders import make_classification, make_mention

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


@pytest.fixture
def corrections(settings: IngestSettings) -> CorrectionIntake:
    return CorrectionIntake(settings, cast(Log, Partitioned()))


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


CORRECTED = CORRECTION_EXAMPLES[0].value


def test_a_correction_becomes_a_record(corrections: CorrectionIntake) -> None:
    identifier, record = corrections.record(CORRECTED, RECEIVED)
    assert identifier == "ticket-5512/label"
    assert (record.topic, record.key) == ("corrections.v1", b"acme/instagram/5541998")
    assert record.partition == partition_for(b"acme/instagram/5541998", 12)
    assert headers_of(record.headers)["ce_id"] == b"acme/ticket-5512/label"
    correction = Correction.FromString(record.value or b"")
    assert milliseconds(correction.received_at) == AT_MS
    assert correction.mention.tenant == "acme"


def test_a_correction_keeps_nothing_of_the_author_and_no_personal_data(corrections: CorrectionIntake) -> None:
    parent = {"id": "0", "text": "e o CPF 112"}
    mention = {**CORRECTED["mention"], "text": "mi CPF es 111", "author": {"handle": "ana"}, "in_reply_to": parent}
    redacted = {"redacted_text": "mi CPF es [national id]", "redacted_in_reply_to_text": "e o CPF [national id]"}
    classification = {**CORRECTED["classification"], **redacted, "new": 1}
    _, record = corrections.record({**CORRECTED, "mention": mention, "classification": classification}, RECEIVED)
    correction = Correction.FromString(record.value or b"")
    assert correction.mention.text == "mi CPF es [national id]"
    assert correction.mention.in_reply_to.text == "e o CPF [national id]"
    assert not correction.mention.HasField("author")
    for secret in (b"111", b"112", b"ana"):
        assert secret not in (record.value or b"")


def test_a_routed_mention_is_taken_as_it_was_handed_out(corrections: CorrectionIntake) -> None:
    mention = make_mention("mi tel. 55 1234 5678", kind=None, reply_to_brand=True, followers=3)
    said = make_classification(type_level="abstain", personal_data=["phone"])
    routed = RoutedMention(mention=mention, classification=said, routing=Routing(priority="PRIORITY_P2", queue="es"))
    judged = {"id": "1", "labels": {"sentiment": "neutral"}, "occurred_at": "2026-03-01T11:00:00Z"}
    _, record = corrections.record({**routed_view(routed), **judged}, RECEIVED)
    kept = Correction.FromString(record.value or b"")
    mention.text, mention.in_reply_to.text = "[phone]", "[email]"
    for name in ("native_id", "author", "received_at"):
        mention.ClearField(name)
    assert kept.mention == mention
    for distribution in (said.inquiry_type, said.sentiment):
        distribution.ClearField("probabilities")
    for name in ("actionable_probability", "personal_data", "needs_private_channel"):
        said.ClearField(name)
    for name in ("redacted_text", "redacted_in_reply_to_text"):
        said.ClearField(name)
    assert kept.classification == said


@pytest.mark.parametrize(("stated", "kept"), [("pt", "pt"), ("pt-BR", "pt"), ("ES", "es")])
def test_a_language_is_kept_as_its_primary_subtag(corrections: CorrectionIntake, stated: str, kept: str) -> None:
    _, record = corrections.record({**CORRECTED, "labels": {"language": stated}}, RECEIVED)
    assert Correction.FromString(record.value or b"").labels.language == kept


@pytest.mark.parametrize("make", [MentionIntake, OutcomeIntake, CorrectionIntake])
@pytest.mark.parametrize("event", [None, 5, "a", [], True])
def test_only_objects_are_events(
    make: Callable[[IngestSettings, Log], Intake], settings: IngestSettings, event: Any
) -> None:
    assert refused(make(settings, cast(Log, Partitioned())), event) == ("wrong_type", None)
