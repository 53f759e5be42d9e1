"""The stage `mix`: what the model says, by series and bucket."""

import pytest

from mention_triage.v1.classification_pb2 import ClassifiedMention
from mention_triage.v1.counts_pb2 import CountSource
from services.common.log.port import Record
from services.common.log.topics import CLASSIFIED
from services.common.stage.stage import Stage
from services.router.counting.mix import mix_stage
from services.router.counting.progress import Progress
from tests.unit.router.builders import RECEIVED_MS, make_classification, make_classified
from tests.unit.router.counting.support import (
    OLD_AFTER_SECONDS,
    PARTITIONS,
    START_MS,
    broken,
    counts_of,
    lone,
    mention,
    partials,
    record_of,
    tick,
)


@pytest.fixture
def stage() -> Stage[Progress]:
    return mix_stage(OLD_AFTER_SECONDS, PARTITIONS)


def classified(offset: int, inquiry_type: str = "complaint", sentiment: str = "negative", **fields: object) -> Record:
    of = mention(f"{offset}", **fields)  # type: ignore[arg-type]
    language = "pt" if inquiry_type == "technical" else "es"
    said = make_classification(inquiry_type, sentiment, language=language)
    return record_of(make_classified(of, said), of, offset)


async def test_types_sentiments_and_languages_are_counted(stage: Stage[Progress]) -> None:
    records = [classified(0), classified(1), classified(2, "technical", "neutral"), classified(3, "answer", "positive")]
    result = await stage.process(stage.new_state(), records)
    assert (stage.name, stage.source, stage.state_topic, result.rejected) == ("mix", CLASSIFIED, None, [])
    assert {message.source for _, message in counts_of(result)} == {CountSource.COUNT_SOURCE_CLASSIFIED}
    count = lone(result)
    assert (count.brand, count.platform, count.bucket, count.mentions) == ("RedNorteMX", "x", START_MS // 1000, 4)
    assert list(count.mix.inquiry_types) == [2, 0, 0, 1, 1]
    assert list(count.mix.sentiments) == [2, 1, 1]
    assert dict(count.mix.languages) == {"es": 3, "pt": 1}
    assert not count.HasField("sketches")


async def test_series_and_buckets_are_counted_apart(stage: Stage[Progress]) -> None:
    result = await stage.process(
        stage.new_state(),
        [classified(0), classified(1, platform="facebook"), classified(2, received_ms=START_MS + 10_000)],
    )
    found = [(count.platform, count.bucket - START_MS // 1000, count.mentions) for _, count in partials(result)]
    assert found == [("facebook", 0, 1), ("x", 0, 1), ("x", 10, 1)]


async def test_old_mentions_are_not_in_the_mix(stage: Stage[Progress]) -> None:
    old = classified(0, occurred_ms=RECEIVED_MS - 2 * OLD_AFTER_SECONDS * 1000)
    count = lone(await stage.process(stage.new_state(), [old]))
    assert (count.mentions, count.old_mentions, count.HasField("mix")) == (0, 1, False)


async def test_ticks_move_the_mark_and_nothing_else(stage: Stage[Progress]) -> None:
    progress = stage.new_state()
    ticks = [tick(START_MS + seconds * 1000, offset, CLASSIFIED) for offset, seconds in enumerate((10, 20, 29))]
    result = await stage.process(progress, ticks[:2])
    assert [(message.tenant, message.until) for _, message in counts_of(result)] == [
        ("", START_MS // 1000 + 20)
    ] * PARTITIONS
    result.committed()
    assert not (await stage.process(progress, ticks[2:])).outputs


async def test_records_that_say_nothing_are_rejected(stage: Stage[Progress]) -> None:
    of = mention("1")
    without_type, without_sentiment, without_brand = make_classified(of), make_classified(of), make_classified(of)
    without_type.classification.inquiry_type.ClearField("label")
    without_sentiment.classification.sentiment.ClearField("label")
    without_brand.mention.ClearField("brand")
    messages: list[ClassifiedMention] = [without_type, without_sentiment, without_brand]
    records = [broken(0, CLASSIFIED), *(record_of(each, of, n + 1) for n, each in enumerate(messages))]
    result = await stage.process(stage.new_state(), records)
    assert [(rejected.record.offset, rejected.reason, rejected.detail) for rejected in result.rejected] == [
        (0, "undecodable", "the value is no mention_triage.v1.ClassifiedMention"),
        (1, "invalid", "classification.inquiry_type.label is not set, or unknown here"),
        (2, "invalid", "classification.sentiment.label is not set, or unknown here"),
        (3, "invalid", "mention.brand is not set"),
    ]
    assert partials(result) == []
