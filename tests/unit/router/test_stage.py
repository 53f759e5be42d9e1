from collections.abc import Callable
from typing import Any

import pytest

from mention_triage.v1.classification_pb2 import ClassifiedMention
from mention_triage.v1.routing_pb2 import RoutedMention
from services.common.contracts.records import event_record, headers_of
from services.common.contracts.schemas import ClassificationJson
from services.common.contracts.views import routed_view
from services.common.log.port import Record
from services.common.log.topics import CLASSIFIED, ROUTED
from services.common.stage.stage import Stage
from services.common.stage.ticks import tick_record
from services.common.telemetry.metrics import Metrics
from services.router.policy import DEFAULT_POLICY
from services.router.policy.load import load_policy
from services.router.stage import route_stage
from tests.unit.router.builders import RECEIVED_MS, make_classification, make_classified, make_mention

TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("router")


@pytest.fixture
def stage(metrics: Metrics) -> Stage[None]:
    return route_stage(load_policy(DEFAULT_POLICY), metrics, clock=lambda: RECEIVED_MS / 1000 + 0.75)


def record_of(classified: ClassifiedMention, offset: int = 0, traceparent: bytes | None = None) -> Record:
    new = event_record(
        CLASSIFIED,
        5,
        classified.mention.customer_key,
        classified,
        event_id=classified.mention.mention_id,
        source="classify",
        timestamp_ms=RECEIVED_MS,
        traceparent=traceparent,
    )
    return Record(new.topic, new.partition, offset, new.key, new.value, new.timestamp_ms, new.headers)


async def test_a_classified_mention_is_routed(stage: Stage[None]) -> None:
    classified = make_classified(make_mention("mi factura está mal"), make_classification())
    result = await stage.process(None, [record_of(classified, traceparent=TRACE)])
    assert (stage.name, stage.source, stage.state_topic, result.rejected) == ("route", CLASSIFIED, None, [])
    (output,) = result.outputs
    assert (output.topic, output.partition, output.timestamp_ms) == (ROUTED, 5, RECEIVED_MS)
    assert output.key == b"acme/x/ana"
    headers = headers_of(output.headers)
    assert headers["ce_id"].decode() == classified.mention.mention_id
    assert headers["ce_type"] == b"mention_triage.v1.RoutedMention"
    assert headers["ce_source"] == b"/mention-triage/router"
    assert headers["traceparent"] == TRACE
    routed = RoutedMention.FromString(output.value or b"")
    assert routed.mention == classified.mention
    assert routed.classification == classified.classification
    assert routed.routing.queue == "complaints-es"


async def test_what_classify_found_travels_with_it(stage: Stage[None]) -> None:
    found = make_classification("answer", "neutral", type_level="abstain", personal_data=["phone"])
    (output,) = (await stage.process(None, [record_of(make_classified(make_mention(), found))])).outputs
    routed = RoutedMention.FromString(output.value or b"")
    assert routed.classification == found
    assert routed.routing.queue == "triage-es"
    view = routed_view(routed)["classification"]
    ClassificationJson.model_validate(view)
    assert (view["needs_private_channel"], view["personal_data"]) == (True, ["phone"])
    assert (view["redacted_text"], view["redacted_in_reply_to_text"]) == ("[phone]", "[email]")
    assert view["confidence"]["inquiry_type"] == "abstain"


async def test_personal_data_of_a_kind_that_is_unknown_here_is_rejected(stage: Stage[None]) -> None:
    classified = make_classified()
    record = record_of(classified)
    classified.classification.personal_data.append(99)  # type: ignore[arg-type]
    broken = Record(CLASSIFIED, 5, 0, record.key, classified.SerializeToString(), RECEIVED_MS)
    result = await stage.process(None, [broken])
    assert [each.reason for each in result.rejected] == ["invalid"]


async def test_without_a_traceparent_there_is_none(stage: Stage[None]) -> None:
    (output,) = (await stage.process(None, [record_of(make_classified())])).outputs
    assert "traceparent" not in headers_of(output.headers)


async def test_what_cannot_be_decoded_is_rejected_and_the_rest_goes_on(stage: Stage[None]) -> None:
    good = record_of(make_classified(), offset=2)
    tombstone = Record(CLASSIFIED, 5, 0, b"k", None, RECEIVED_MS)
    garbage = Record(CLASSIFIED, 5, 1, b"k", b"\xff\xff\xff", RECEIVED_MS)
    result = await stage.process(None, [tombstone, garbage, good])
    assert [(r.record, r.reason) for r in result.rejected] == [(tombstone, "undecodable"), (garbage, "undecodable")]
    assert len(result.outputs) == 1


async def test_ticks_are_passed_over(stage: Stage[None]) -> None:
    new = tick_record(CLASSIFIED, 5, RECEIVED_MS)
    tick = Record(new.topic, new.partition, 0, new.key, new.value, new.timestamp_ms, new.headers)
    result = await stage.process(None, [tick, record_of(make_classified(), offset=1)])
    assert (len(result.outputs), result.rejected) == (1, [])


def _clear(path: str) -> Callable[[ClassifiedMention], None]:
    *parents, name = path.split(".")

    def clear(classified: ClassifiedMention) -> None:
        message: Any = classified
        for parent in parents:
            message = getattr(message, parent)
        message.ClearField(name)

    return clear


@pytest.mark.parametrize(
    "path",
    [
        "mention.mention_id",
        "mention.tenant",
        "mention.brand",
        "mention.platform",
        "mention.customer_key",
        "mention.received_at",
        "classification.inquiry_type.label",
        "classification.inquiry_type.probabilities",
        "classification.sentiment.label",
        "classification.sentiment.probabilities",
        "classification.confidence.inquiry_type",
        "classification.confidence.sentiment",
        "classification.confidence.actionable",
    ],
)
async def test_malformed_content_is_rejected_as_invalid(stage: Stage[None], path: str) -> None:
    classified = make_classified(make_mention("nobody sees this text"))
    record = record_of(classified)
    _clear(path)(classified)
    broken = Record(CLASSIFIED, 5, 0, record.key, classified.SerializeToString(), RECEIVED_MS)
    result = await stage.process(None, [broken])
    assert [rejected.reason for rejected in result.rejected] == ["invalid"]
    assert result.rejected[0].detail.startswith(path.removesuffix(".probabilities"))
    assert "text" not in result.rejected[0].detail
    assert not result.outputs


async def test_batches_do_not_matter(stage: Stage[None]) -> None:
    records = [
        record_of(make_classified(make_mention("hola", native_id=str(n), author_id=str(n % 3))), offset=n)
        for n in range(20)
    ]
    whole = (await stage.process(None, records)).outputs
    for size in (1, 3, 7):
        parts = [
            output
            for start in range(0, len(records), size)
            for output in (await stage.process(None, records[start : start + size])).outputs
        ]
        assert parts == list(whole)


async def test_counters_move_only_once_committed(stage: Stage[None], metrics: Metrics) -> None:
    result = await stage.process(None, [record_of(make_classified()), record_of(make_classified(), offset=1)])
    assert b"triage_router_mentions_total{" not in metrics.exposition()
    result.committed()
    lines = metrics.exposition().decode().splitlines()
    labels = 'brand="RedNorteMX",inquiry_type="complaint",platform="x",tenant="acme"'
    assert f"triage_router_mentions_total{{{labels}}} 2.0" in lines
    labels = 'brand="RedNorteMX",inquiry_type="complaint",sentiment="negative",tenant="acme"'
    assert f"triage_router_sentiments_total{{{labels}}} 2.0" in lines
    assert 'triage_router_queued_total{priority="P3",queue="complaints-es",tenant="acme"} 2.0' in lines
    assert "triage_router_received_to_routed_seconds_sum 1.5" in lines
