"""`corrections export` on Kafka: of all generations of the topic that are still there."""

import json
from dataclasses import replace

from mention_triage.v1.correction_pb2 import Correction, MentionLabels
from services.common.contracts.records import timestamp
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import NewRecord
from services.common.log.topics import topic_name, topics_of
from tests.integration.kafka.commands import Commands, own_generation
from tests.unit.router.builders import RECEIVED_MS, make_classification, make_mention


async def append(commands: Commands, number: int, minute: int, inquiry_type: str) -> None:
    """A judgement of mention `number` in the topics of a generation."""
    correction = Correction(
        id=f"{number}/{minute}",
        mention=make_mention(f"texto {number}", native_id=str(number)),
        classification=make_classification(),
        labels=MentionLabels(inquiry_type=f"INQUIRY_TYPE_{inquiry_type}"),
        occurred_at=timestamp(RECEIVED_MS + 60_000 * minute),
    )
    names = [spec.name for spec in topics_of(commands.generation)]
    log = await open_kafka_log(f"kafka://{commands.bootstrap}", KafkaSettings(), names)
    topic = topic_name("corrections", commands.generation)
    partition = number % commands.partitions
    await log.append([NewRecord(topic, partition, b"k", correction.SerializeToString(), RECEIVED_MS)])
    await log.close()


async def test_judgements_of_every_generation_are_exported(kafka: str) -> None:
    old = Commands(kafka, own_generation())
    new = replace(old, generation=old.generation + 1, partitions=2)
    for commands in (old, new):
        assert commands.run("topics", "apply").returncode == 0
    await append(old, 1, 0, "FEEDBACK")
    await append(old, 2, 0, "FEEDBACK")
    await append(new, 2, 1, "ANSWER")
    await append(new, 3, 0, "COMPLAINT")
    done = new.run("corrections", "export", "-")
    assert done.returncode == 0, done.stderr
    found = {row["text"]: row["inquiry_type"] for row in map(json.loads, done.stdout.splitlines())}
    assert found == {"texto 1": "feedback", "texto 2": "answer", "texto 3": "complaint"}
    assert "3 mentions of 4 corrections" in done.stderr
