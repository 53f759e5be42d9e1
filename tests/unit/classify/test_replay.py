"""A replayed mention and the memory of repeats: what was never output goes on, what was output meanwhile does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mention_triage.v1.classification_pb2 import ClassifiedMention
from mention_triage.v1.mention_pb2 import Author, Mention
from services.classify.classifier import Classifier
from services.classify.stage import classify_stage
from services.common.contracts.identity import customer_key, mention_id
from services.common.contracts.records import event_record, timestamp
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.port import NewRecord
from services.common.log.topics import CLASSIFIED, DEAD_LETTERS, MENTIONS
from services.common.stage.handling import Handling, LetterId
from services.common.stage.runner import RetryPolicy, StageRunner
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from tests.unit.classify.conftest import ScriptedModel

NOW_MS = 4_000_000_000_000


@pytest.fixture
async def classifier(scripted: ScriptedModel) -> AsyncIterator[Classifier]:
    started = Classifier(scripted)
    await started.start()
    yield started
    await started.stop()


def record(native_id: str, received_ms: int = NOW_MS) -> NewRecord:
    identifier = mention_id("acme", "Nubia", "x", native_id)
    mention = Mention(
        mention_id=identifier,
        tenant="acme",
        brand="Nubia",
        platform="x",
        native_id=native_id,
        text=native_id,
        author=Author(id="1"),
        received_at=timestamp(received_ms),
        customer_key=customer_key("acme", "x", "1", identifier),
    )
    return event_record(
        MENTIONS, 0, mention.customer_key, mention, event_id=identifier, source="ingest", timestamp_ms=received_ms
    )


async def classify(path: Path, classifier: Classifier, metrics: Metrics) -> None:
    """Open the log, let the stage work off what waits, and close it."""
    log = EmbeddedLog(path, 1)
    runner = StageRunner(
        log, classify_stage(classifier, 1_000, metrics), metrics, Health(), RetryPolicy(2, 0.001, 0.002)
    )
    running = asyncio.create_task(runner.run())
    end = (await log.bounds(MENTIONS))[0].end
    async with asyncio.timeout(20):
        while not running.done() and runner.committed.get(0, 0) < end:
            await asyncio.sleep(0.005)
    log.stop_consuming()
    await running
    await log.close()


async def append(path: Path, *records: NewRecord) -> None:
    log = EmbeddedLog(path, 1)
    await log.append(records)
    await log.close()


async def replay(path: Path) -> None:
    """Replay every dead letter of the partition."""
    log = EmbeddedLog(path, 1)
    handling = Handling(log, "replayed", NOW_MS)
    await handling.run([LetterId(0, offset) for offset in range((await log.bounds(DEAD_LETTERS))[0].end)])
    assert handling.done
    await log.close()


async def classified(path: Path) -> list[str]:
    """Native ids of what was output."""
    log = EmbeddedLog(path, 1)
    found = await log.read(CLASSIFIED, 0, 0, 100, 1 << 20)
    await log.close()
    return [ClassifiedMention.FromString(record.value or b"").mention.native_id for record in found]


async def test_only_what_was_never_output_is(tmp_path: Path, classifier: Classifier, scripted: ScriptedModel) -> None:
    path, metrics = tmp_path / "log.db", Metrics("classify")

    def broken(batch: object) -> None:
        raise RuntimeError

    scripted.before = broken
    await append(path, record("a"), record("b"))
    await classify(path, classifier, metrics)
    assert await classified(path) == []
    scripted.before = lambda batch: None
    # The sender sends one of them again, a minute later, before anybody replays.
    await append(path, record("b", NOW_MS + 60_000))
    await classify(path, classifier, metrics)
    assert await classified(path) == ["b"]
    await replay(path)
    await classify(path, classifier, metrics)
    assert await classified(path) == ["b", "a"]
    assert metrics.counter(defs.CLASSIFY_DUPLICATES)._value.get() == 1


async def test_a_value_that_could_not_be_decoded_flows_on_once_the_stage_decodes_it(
    tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, metrics = tmp_path / "log.db", Metrics("classify")
    with monkeypatch.context() as older:
        older.setattr(
            "services.common.stage.dedupe.Mention", ClassifiedMention
        )  # reads another message than was written
        await append(path, record("a"))
        await classify(path, classifier, metrics)
    assert metrics.counter(defs.STAGE_DEAD_LETTERS, "classify", "undecodable")._value.get() == 1
    await replay(path)
    await classify(path, classifier, metrics)
    assert await classified(path) == ["a"]
