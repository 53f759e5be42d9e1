import asyncio
import json
from pathlib import Path

from services.cli.tail.contents import rfc3339
from services.cli.topics.generation import handover
from services.common.log import topics
from services.common.log.embedded.log import EmbeddedLog
from tests.unit.cli.conftest import PARTITIONS, Run, WriteLog
from tests.unit.cli.records import START_MS, mention_record


def test_records_times_and_lags(run: Run, write_log: WriteLog, data_dir: Path) -> None:
    write_log([mention_record(n, n % 2, n * 1000) for n in range(5)])

    async def read_one() -> None:
        log = EmbeddedLog(data_dir / "log.db", PARTITIONS)
        claim = await log.claim("classify", topics.MENTIONS, 0)
        await claim.commit((), 1)
        await log.close()

    asyncio.run(read_one())
    found = {topic["topic"]: topic for topic in json.loads(run("topics", "--json").stdout)}
    assert list(found) == [spec.name for spec in topics.TOPICS]
    mentions = found["mentions.v1"]
    assert mentions["records"] == 5
    assert mentions["oldest"] == rfc3339(START_MS)
    assert mentions["newest"] == rfc3339(START_MS + 4000)
    assert mentions["partitions"] == [{"start": 0, "end": 3}, {"start": 0, "end": 2}, {"start": 0, "end": 0}]
    assert mentions["groups"] == [{"group": "classify", "lag": 2}]
    assert mentions["retention_hours"] == 168
    assert found["routed.v1"]["oldest"] is None
    shown = run("topics").stdout
    assert "classify (2)" in shown
    assert "dead-letters.v1" in shown


def test_a_switch_moves_the_state_of_every_stage() -> None:
    states = {spec.name for spec in topics.TOPICS if spec.state}
    assert {topics.topic_name(base) for base in handover().spreads} == states
