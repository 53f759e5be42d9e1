"""The stage `agreement`: what agents judged, counted once."""

from typing import Any

import pytest

from mention_triage.v1.correction_pb2 import Correction, MentionLabels
from services.common.log.port import Record
from services.common.log.topics import CORRECTIONS
from services.common.stage.stage import Result, Stage
from services.common.telemetry.metrics import Metrics
from services.router.agreement import Recent, agreement_stage
from tests.unit.router.builders import RECEIVED_MS, make_classification, make_mention


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("router")


@pytest.fixture
def stage(metrics: Metrics) -> Stage[Recent]:
    return agreement_stage(metrics)


def correction(offset: int, identifier: str = "", tenant: str = "acme", language: str = "es", **labels: Any) -> Record:
    """A judgement of a mention that the model took for a negative, actionable complaint."""
    made = Correction(
        id=identifier or f"judgement-{offset}",
        mention=make_mention(tenant=tenant),
        classification=make_classification(language=language, type_level="low", sentiment_level="medium"),
        labels=MentionLabels(**labels),
    )
    return record_of(made, offset)


def record_of(made: Correction, offset: int = 0) -> Record:
    return Record(CORRECTIONS, 3, offset, b"acme/x/ana", made.SerializeToString(), RECEIVED_MS)


def judged(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """By field, language, confidence and agreement, as far as anything was counted."""
    return {
        tuple(sample.labels[name] for name in ("field", "language", "confidence", "agreed")): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "triage_agreement_judgements_total" and sample.value
    }


async def commit(stage: Stage[Recent], state: Recent, *records: Record) -> Result:
    result = await stage.process(state, records)
    result.committed()
    return result


async def test_each_judged_field_is_counted_beside_what_the_model_said(stage: Stage[Recent], metrics: Metrics) -> None:
    result = await commit(
        stage,
        stage.new_state(),
        correction(0, inquiry_type="INQUIRY_TYPE_FEEDBACK", sentiment="SENTIMENT_NEGATIVE", actionable=False),
        correction(1, inquiry_type="INQUIRY_TYPE_COMPLAINT", language="pt"),
        correction(2, actionable=True, language="fr"),
        correction(3, language="es", inquiry_type="INQUIRY_TYPE_FEEDBACK"),
    )
    assert (stage.source, stage.state_topic, result.outputs, result.rejected) == (CORRECTIONS, None, (), [])
    assert judged(metrics) == {
        ("inquiry_type", "es", "low", "no"): 2,
        ("inquiry_type", "pt", "low", "yes"): 1,
        ("sentiment", "es", "medium", "yes"): 1,
        ("actionable", "es", "high", "no"): 1,
        ("actionable", "other", "high", "yes"): 1,
    }
    for (predicted, said), count in {("complaint", "feedback"): 2, ("complaint", "complaint"): 1}.items():
        labels = {"predicted": predicted, "judged": said}
        assert metrics.registry.get_sample_value("triage_agreement_inquiry_types_total", labels) == count


async def test_all_series_are_there_before_the_first_judgement(stage: Stage[Recent], metrics: Metrics) -> None:
    def series() -> set[tuple[str, ...]]:
        return {
            (sample.name, *sample.labels.values())
            for family in metrics.registry.collect()
            for sample in family.samples
            if sample.name.startswith("triage_agreement_") and sample.name.endswith("_total")
        }

    before = series()
    made = Correction.FromString(correction(0, inquiry_type="INQUIRY_TYPE_FEEDBACK", language="fr").value or b"")
    made.labels.language = "pt"
    await commit(
        stage, stage.new_state(), record_of(made), correction(1, sentiment="SENTIMENT_NEUTRAL", language="und")
    )
    assert series() == before


async def test_a_language_is_judged_too(stage: Stage[Recent], metrics: Metrics) -> None:
    made = Correction.FromString(correction(0).value or b"")
    made.labels.language = "pt"
    await commit(stage, stage.new_state(), record_of(made))
    assert judged(metrics) == {("language", "es", "none", "no"): 1}


async def test_nothing_is_counted_before_the_commit_and_a_repeated_batch_once(
    stage: Stage[Recent], metrics: Metrics
) -> None:
    state = stage.new_state()
    record = correction(0, actionable=True)
    await stage.process(state, [record])
    assert judged(metrics) == {}
    await commit(stage, state, record)
    assert judged(metrics) == {("actionable", "es", "high", "yes"): 1}


async def test_a_repeat_of_a_judgement_counts_once_within_and_across_batches(
    stage: Stage[Recent], metrics: Metrics
) -> None:
    state = stage.new_state()
    await commit(stage, state, correction(0, "a", actionable=True), correction(1, "a", actionable=True))
    await commit(stage, state, correction(2, "a", actionable=True), correction(3, "a", "other", actionable=True))
    assert judged(metrics) == {("actionable", "es", "high", "yes"): 2}


def test_the_newest_are_remembered() -> None:
    recent = Recent(limit=2)
    recent.add(["a", "b"])
    recent.add(["c"])
    assert [name in recent for name in ("a", "b", "c")] == [False, True, True]


async def test_what_cannot_be_read_is_rejected_and_the_rest_counted(stage: Stage[Recent], metrics: Metrics) -> None:
    unset = Correction.FromString(correction(1, inquiry_type="INQUIRY_TYPE_FEEDBACK").value or b"")
    unset.classification.Clear()
    later = Correction.FromString(correction(2).value or b"")
    later.labels.inquiry_type = 77  # type: ignore[assignment]
    broken = Record(CORRECTIONS, 3, 0, b"k", b"\xff\xff", RECEIVED_MS)
    result = await commit(
        stage, stage.new_state(), broken, record_of(unset, 1), record_of(later, 2), correction(3, actionable=True)
    )
    assert [(each.record.offset, each.reason) for each in result.rejected] == [
        (0, "undecodable"),
        (1, "invalid"),
        (2, "invalid"),
    ]
    assert judged(metrics) == {("actionable", "es", "high", "yes"): 1}
