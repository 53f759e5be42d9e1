"""The stage `classify`: labels, repeats, rejects, and equal outputs however the records were batched."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mention_triage.v1.classification_pb2 import (
    ClassifiedMention,
    ConfidenceLevel,
    InquiryType,
    PersonalDataKind,
    Sentiment,
)
from mention_triage.v1.mention_pb2 import Author, InReplyTo, Mention
from services.classify.classifier import Classifier
from services.classify.model.base import Levels, ModelInput, Prediction, TokenIds
from services.classify.stage import classify_stage
from services.common.contracts.identity import customer_key, mention_id
from services.common.contracts.records import timestamp
from services.common.log.port import NewRecord, Record
from services.common.log.topics import CLASSIFIED, MENTIONS, SEEN
from services.common.stage.dedupe import Seen
from services.common.stage.ticks import TICK_KEY, tick_record
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics

NOW_MS = 1_800_000_000_000


class LetterModel:
    """A model whose labels follow from the first letter of the text; no arithmetic, all of the interface."""

    name, version, threads = "letters", "1", 1

    def encode(self, inputs: Sequence[ModelInput]) -> list[TokenIds]:
        return [(*given.text.encode(), int(given.is_reply)) for given in inputs]

    def predict(self, batch: Sequence[TokenIds]) -> list[Prediction]:
        return [
            Prediction((0.9, 0.1, 0.0, 0.0, 0.0), (0.8, 0.1, 0.1), 0.99)
            if ids[0] == ord("n")
            else Prediction((0.0, 0.6, 0.2, 0.1, 0.1), (0.0, 0.4, 0.6), 0.25)
            for ids in batch
        ]

    def levels(self, prediction: Prediction) -> Levels:
        return Levels("high" if max(prediction.inquiry_type) > 0.8 else "low", "medium", "high")


@pytest.fixture
async def classifier() -> AsyncIterator[Classifier]:
    started = Classifier(LetterModel())
    await started.start()
    yield started
    await started.stop()


def mention(native_id: str, text: str, author: str = "1", at_ms: int = NOW_MS, **fields: object) -> Mention:
    identifier = mention_id("acme", "Nubia", "x", native_id)
    return Mention(
        mention_id=identifier,
        tenant="acme",
        brand="Nubia",
        platform="x",
        native_id=native_id,
        text=text,
        author=Author(id=author),
        received_at=timestamp(at_ms),
        customer_key=customer_key("acme", "x", author, identifier),
        **fields,  # type: ignore[arg-type]
    )


def records(mentions: Sequence[Mention]) -> list[Record]:
    return [
        Record(MENTIONS, 0, n, m.customer_key.encode(), m.SerializeToString(), m.received_at.seconds * 1000,
               (("traceparent", b"00-trace"),))
        for n, m in enumerate(mentions)
    ]  # fmt: skip


def tick(offset: int, at_ms: int) -> Record:
    new = tick_record(MENTIONS, 0, at_ms)
    return Record(new.topic, new.partition, offset, new.key, new.value, new.timestamp_ms, new.headers)


async def run(classifier: Classifier, batches: Sequence[Sequence[Record]], metrics: Metrics) -> list[NewRecord]:
    """What the stage writes to `classified.v1` for these batches, one after the other, as the runner would."""
    stage = classify_stage(classifier, 1_000, metrics)
    assert stage.restore is not None
    state: Seen = stage.new_state()
    outputs: list[NewRecord] = []
    for batch in batches:
        result = await stage.process(state, batch)
        stage.restore(state, [r for r in result.outputs if r.topic == SEEN])
        result.committed()
        outputs += [r for r in result.outputs if r.topic == CLASSIFIED]
    return outputs


async def test_a_mention_comes_out_with_everything_the_model_says(classifier: Classifier) -> None:
    posted = mention("1", "no llegó mi pedido", in_reply_to=InReplyTo(id="0", by_brand=True))
    metrics = Metrics("classify")
    (output,) = await run(classifier, [records([posted])], metrics)
    classified = ClassifiedMention.FromString(output.value or b"")
    found = classified.classification
    assert classified.mention == posted
    assert found.inquiry_type.label == InquiryType.INQUIRY_TYPE_COMPLAINT
    assert list(found.inquiry_type.probabilities) == [0.9, 0.1, 0.0, 0.0, 0.0]
    assert found.sentiment.label == Sentiment.SENTIMENT_NEGATIVE
    assert (found.actionable, found.actionable_probability, found.language) == (True, 0.99, "es")
    assert found.confidence.inquiry_type == ConfidenceLevel.CONFIDENCE_LEVEL_HIGH
    assert (found.model.name, found.model.version) == ("letters", "1")
    assert output.key == posted.customer_key.encode()
    assert dict(output.headers)["ce_id"] == posted.mention_id.encode()
    assert dict(output.headers)["traceparent"] == b"00-trace"
    assert metrics.counter(defs.CLASSIFY_MENTIONS, "es", "complaint", "high")._value.get() == 1


async def test_personal_data_is_marked_and_a_redacted_text_travels_beside_the_original(classifier: Classifier) -> None:
    metrics = Metrics("classify")
    text = "no me llega nada, mi cel es 55 5512 3478 y mi mail ana.p@example.com"
    posts = [
        mention("1", text, language="es-MX"),
        mention("2", text, language="es-MX", kind="MENTION_KIND_DIRECT_MESSAGE"),
        mention("3", "no hay nada que ocultar"),
    ]
    outputs = await run(classifier, [records(posts)], metrics)
    public, private, nothing = (ClassifiedMention.FromString(o.value or b"") for o in outputs)
    kinds = [PersonalDataKind.PERSONAL_DATA_KIND_PHONE, PersonalDataKind.PERSONAL_DATA_KIND_EMAIL]
    for found in (public, private):
        assert found.mention.text == text
        assert found.classification.redacted_text == "no me llega nada, mi cel es [phone] y mi mail [email]"
        assert list(found.classification.personal_data) == kinds
    assert public.classification.needs_private_channel
    assert not private.classification.needs_private_channel
    assert not nothing.classification.needs_private_channel
    assert not nothing.classification.HasField("redacted_text")
    assert not nothing.classification.personal_data
    for kind in ("phone", "email"):
        for channel in ("public", "private"):
            assert metrics.counter(defs.CLASSIFY_PERSONAL_DATA, kind, channel)._value.get() == 1


async def test_personal_data_in_what_it_answers_is_redacted_and_it_is_not_marked_for_it(classifier: Classifier) -> None:
    metrics = Metrics("classify")
    asked = InReplyTo(id="0", by_brand=False, text="mi dni es 30111222")
    posts = [
        mention("1", "nada de nada", language="es-AR", in_reply_to=asked),
        mention("2", "nada", language="es-AR", in_reply_to=InReplyTo(id="0", text="hola")),
        mention("3", "nada", language="es-AR"),
    ]
    outputs = await run(classifier, [records(posts)], metrics)
    with_data, *without = (ClassifiedMention.FromString(o.value or b"").classification for o in outputs)
    assert with_data.redacted_in_reply_to_text == "mi dni es [national_id]"
    for found in (with_data, *without):
        assert not found.needs_private_channel
        assert not found.personal_data
        assert not found.HasField("redacted_text")
    assert not any(found.HasField("redacted_in_reply_to_text") for found in without)


async def test_fields_of_which_the_model_does_not_say_what_they_are_are_counted() -> None:
    class UnsureModel(LetterModel):
        def levels(self, prediction: Prediction) -> Levels:
            return Levels("abstain", "low", "abstain")

    metrics = Metrics("classify")
    unsure = Classifier(UnsureModel())
    await unsure.start()
    (output,) = await run(unsure, [records([mention("1", "no")])], metrics)
    await unsure.stop()
    confidence = ClassifiedMention.FromString(output.value or b"").classification.confidence
    assert confidence.inquiry_type == ConfidenceLevel.CONFIDENCE_LEVEL_ABSTAIN
    assert confidence.sentiment == ConfidenceLevel.CONFIDENCE_LEVEL_LOW
    counts = [
        metrics.counter(defs.CLASSIFY_ABSTAINED, field)._value.get()
        for field in ("inquiry_type", "sentiment", "actionable")
    ]
    assert counts == [1, 0, 1]
    assert metrics.counter(defs.CLASSIFY_MENTIONS, "und", "complaint", "abstain")._value.get() == 1


async def test_a_repeat_is_dropped_within_a_batch_and_over_batches(classifier: Classifier) -> None:
    metrics = Metrics("classify")
    twice = [mention("1", "no"), mention("1", "no")]
    outputs = await run(classifier, [records(twice), records([mention("1", "no"), mention("2", "no")])], metrics)
    assert [ClassifiedMention.FromString(o.value or b"").mention.native_id for o in outputs] == ["1", "2"]
    assert metrics.counter(defs.CLASSIFY_DUPLICATES)._value.get() == 2


async def test_ticks_are_handed_on_in_their_place_each_time(classifier: Classifier) -> None:
    metrics = Metrics("classify")
    first, second, repeat = records([mention("1", "no"), mention("2", "no"), mention("1", "no")])
    batch = [tick(0, NOW_MS), replace(first, offset=1), tick(2, NOW_MS + 10_000), replace(second, offset=3),
             replace(repeat, offset=4), tick(5, NOW_MS + 20_000), tick(6, NOW_MS + 20_000)]  # fmt: skip
    outputs = await run(classifier, [batch, [tick(7, NOW_MS + 30_000)]], metrics)
    assert [o.timestamp_ms - NOW_MS if o.key == TICK_KEY else o.key for o in outputs] == [
        0, b"acme/x/1", 10_000, b"acme/x/1", 20_000, 20_000, 30_000
    ]  # fmt: skip
    assert metrics.counter(defs.CLASSIFY_DUPLICATES)._value.get() == 1


async def test_the_gauge_of_what_is_remembered_counts_the_partitions_worked_on(classifier: Classifier) -> None:
    metrics = Metrics("classify")
    stage = classify_stage(classifier, 1_000, metrics)
    assert stage.restore is not None
    result = await stage.process(stage.new_state(), records([mention("1", "no"), mention("2", "no")]))
    state = [r for r in result.outputs if r.topic == SEEN]

    def remembered() -> float | None:
        return metrics.registry.get_sample_value(defs.CLASSIFY_SEEN_ENTRIES.name)

    first, second = stage.new_state(), stage.new_state()
    stage.restore(first, state)
    stage.restore(second, state)
    assert remembered() == 4
    del first  # given up
    assert remembered() == 2
    again = stage.new_state()
    stage.restore(again, state)
    assert remembered() == 4


async def test_what_cannot_be_read_is_rejected_and_the_rest_goes_on(classifier: Classifier) -> None:
    good = records([mention("1", "no")])[0]
    bad = [
        Record(MENTIONS, 0, 5, b"k", b"\xff\xff", NOW_MS),
        Record(MENTIONS, 0, 6, b"k", None, NOW_MS),
        Record(MENTIONS, 0, 7, b"k", Mention(text="no id").SerializeToString(), NOW_MS),
        Record(MENTIONS, 0, 8, b"k", Mention(mention_id="x" * 32).SerializeToString(), NOW_MS),
        Record(MENTIONS, 0, 9, b"k", Mention(mention_id="a" * 32 + "\n").SerializeToString(), NOW_MS),
    ]
    result = await classify_stage(classifier, 1_000, Metrics("classify")).process(Seen(10), [*bad, good])
    assert [(r.record.offset, r.reason) for r in result.rejected] == [
        (5, "undecodable"), (6, "undecodable"), (7, "invalid"), (8, "invalid"), (9, "invalid")
    ]  # fmt: skip
    assert [o.topic for o in result.outputs] == [CLASSIFIED, SEEN]


@settings(max_examples=60, deadline=None)
@example(ids=[0, 0, 0], hours=[0, 216, 217] + [400] * 17, cuts={1})
@example(ids=[0, 0, 0], hours=[0, 217, 218] + [400] * 17, cuts={2})
@given(
    ids=st.lists(st.integers(0, 8), min_size=1, max_size=20),
    hours=st.lists(st.integers(0, 400), min_size=20, max_size=20),
    cuts=st.sets(st.integers(1, 19)),
)
def test_the_same_records_give_the_same_outputs_however_they_were_batched(
    ids: list[int], hours: list[int], cuts: set[int]
) -> None:
    times = sorted(hours)[: len(ids)]
    given_records = records(
        [
            mention(str(i), "no" if i % 2 else "sí", at_ms=NOW_MS + h * 3_600_000)
            for i, h in zip(ids, times, strict=True)
        ]
    )
    edges = [0, *sorted(c for c in cuts if c < len(ids)), len(ids)]
    batches = [given_records[a:b] for a, b in itertools.pairwise(edges)]

    async def both() -> tuple[list[NewRecord], list[NewRecord]]:
        classifier = Classifier(LetterModel())
        await classifier.start()
        whole = await run(classifier, [given_records], Metrics("classify"))
        cut = await run(classifier, batches, Metrics("classify"))
        await classifier.stop()
        return whole, cut

    whole, cut = asyncio.run(both())
    assert whole == cut
