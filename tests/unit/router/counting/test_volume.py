"""The stage `volume`: every mention once, whatever the batches, and what it leaves out."""

import asyncio
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mention_triage.v1.counts_pb2 import CountSource
from mention_triage.v1.mention_pb2 import Mention
from services.common.contracts.records import headers_of, milliseconds
from services.common.log.partitioner import partition_for
from services.common.log.port import Record
from services.common.log.topics import MENTIONS, SEEN_VOLUME
from services.common.stage.stage import Result, Stage
from services.common.stage.ticks import is_tick
from services.common.telemetry.metrics import Metrics
from services.router.counting.sketches import Summary
from services.router.counting.volume import VolumeState
from tests.unit.router.builders import RECEIVED_MS
from tests.unit.router.counting.support import (
    OLD_AFTER_SECONDS,
    PARTITION,
    PARTITIONS,
    START_MS,
    broken,
    commit,
    counts_of,
    lone,
    make_stage,
    mention,
    partials,
    record_of,
    tick,
)

TEXT = "El servicio no funciona desde ayer https://example.com/a?utm=1 #SinServicio"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("router")


@pytest.fixture
def stage(metrics: Metrics) -> Stage[VolumeState]:
    return make_stage(metrics)


async def counted(stage: Stage[VolumeState], *mentions: Mention) -> Result:
    """One batch, to a stage that has seen nothing."""
    return await commit(stage, stage.new_state(), [record_of(each, each, n) for n, each in enumerate(mentions)])


def summary_of(result: Result) -> Summary:
    summary = Summary()
    summary.merge(lone(result).sketches)
    return summary


async def test_a_mention_is_counted_in_its_series_and_bucket(stage: Stage[VolumeState]) -> None:
    result = await counted(stage, mention("1", text=TEXT))
    assert (stage.name, stage.source, stage.state_topic, result.rejected) == ("volume", MENTIONS, SEEN_VOLUME, [])
    record, message = counts_of(result)[0]
    assert (message.source, message.source_partition) == (CountSource.COUNT_SOURCE_MENTIONS, PARTITION)
    assert (message.tenant, message.until) == ("acme", START_MS // 1000)
    count = lone(result)
    assert (count.brand, count.platform, count.bucket) == ("RedNorteMX", "x", START_MS // 1000)
    assert (count.mentions, count.old_mentions, count.HasField("mix")) == (1, 0, False)
    assert (record.key, record.partition) == (b"acme", partition_for(b"acme", PARTITIONS))
    assert record.timestamp_ms == RECEIVED_MS
    headers = headers_of(record.headers)
    assert (headers["ce_id"], headers["ce_source"]) == (b"3/0-0/acme", b"/mention-triage/volume")
    assert headers["ce_type"] == b"mention_triage.v1.MentionCounts"


async def test_each_tenant_has_a_record_with_its_own_counts(stage: Stage[VolumeState]) -> None:
    result = await counted(
        stage,
        mention("1", tenant="acme", brand="A"),
        mention("2", tenant="acme", brand="B"),
        mention("3", tenant="zeta", brand="A", platform="facebook"),
    )
    records = [(record.key, record.partition) for record, message in counts_of(result) if message.tenant]
    assert records == [(key, partition_for(key, PARTITIONS)) for key in (b"acme", b"zeta")]
    found = [(tenant, count.brand, count.platform, count.mentions) for tenant, count in partials(result)]
    assert found == [("acme", "A", "x", 1), ("acme", "B", "x", 1), ("zeta", "A", "facebook", 1)]


async def test_a_repeat_is_not_counted(stage: Stage[VolumeState], metrics: Metrics) -> None:
    state, again = stage.new_state(), mention("1")
    first = await commit(stage, state, [record_of(again, again, 0), record_of(again, again, 1)])
    second = await commit(stage, state, [record_of(again, again, 2)])
    assert lone([first, second]).mentions == 1
    assert metrics.registry.get_sample_value("triage_volume_duplicates_total") == 2


async def test_a_restart_remembers_what_was_counted(stage: Stage[VolumeState]) -> None:
    counted_before = mention("1")
    first = await counted(stage, counted_before)
    after_restart = make_stage()
    state = after_restart.new_state()
    assert after_restart.restore
    after_restart.restore(state, [record for record in first.outputs if record.topic == SEEN_VOLUME])
    fresh = mention("2", brand="B")
    second = await commit(
        after_restart, state, [record_of(counted_before, counted_before, 1), record_of(fresh, fresh, 2)]
    )
    assert lone(second).brand == "B"


async def test_nothing_is_remembered_before_the_commit(stage: Stage[VolumeState], metrics: Metrics) -> None:
    state, once = stage.new_state(), mention("1")
    lost = await stage.process(state, [record_of(once, once)])
    again = await stage.process(state, [record_of(once, once)])
    assert (again.outputs, len(state.seen)) == (lost.outputs, 0)
    assert metrics.registry.get_sample_value("triage_volume_duplicates_total") == 0


async def test_old_mentions_count_apart_and_say_nothing(stage: Stage[VolumeState], metrics: Metrics) -> None:
    late = OLD_AFTER_SECONDS * 1000
    result = await counted(
        stage,
        mention("old", occurred_ms=RECEIVED_MS - late - 1, text=TEXT),
        mention("late", occurred_ms=RECEIVED_MS - late),
        mention("early", occurred_ms=RECEIVED_MS + late),  # the platform's clock
        mention("undated"),
    )
    count = lone(result)
    assert (count.mentions, count.old_mentions) == (3, 1)
    summary = summary_of(result)
    assert (round(summary.authors()), summary.texts(9)) == (3, [])
    assert metrics.registry.get_sample_value("triage_volume_old_mentions_total", {"tenant": "acme"}) == 1


async def test_only_old_mentions_make_no_sketches(stage: Stage[VolumeState]) -> None:
    result = await counted(stage, mention("old", occurred_ms=RECEIVED_MS - 10 * OLD_AFTER_SECONDS * 1000))
    assert (lone(result).mentions, lone(result).HasField("sketches")) == (0, False)


async def test_what_public_mentions_have_in_common(stage: Stage[VolumeState]) -> None:
    copies = [mention(f"c{n}", text=f"RT @someone: {TEXT}", followers=1_000, tags=["press"]) for n in range(3)]
    answer = mention("r", text="¿y la compensación de los clientes?", reply_to_brand=False)
    threaded, root = (
        mention("t", text="yo tampoco tengo nada de internet"),
        mention("thread", text="soy el primero de todos"),
    )
    threaded.conversation = root.conversation = "thread"
    result = await counted(stage, *copies, answer, threaded, root)
    summary = summary_of(result)
    assert (round(summary.authors()), summary.reach()) == (6, 3_000)
    (text, copied), *others = summary.texts(9)
    assert (copied, [count for _, count in others]) == (3, [1, 1, 1])
    assert summary.example(text) == "x/c0"
    assert summary.links(9) == [("https://example.com/a", 3)]
    assert summary.tags(9) == [("sinservicio", 3)]
    assert summary.author_tags(9) == [("press", 3)]
    assert summary.roots(9) == [("x/parent", 1), ("x/thread", 1)]  # what starts a thread is not its own root


async def test_a_direct_message_counts_but_says_nothing_in_public(stage: Stage[VolumeState]) -> None:
    private = mention("1", kind="direct_message", text=TEXT, followers=5_000, tags=["vip"], reply_to_brand=True)
    private.conversation = "thread"
    result = await counted(stage, private)
    summary = summary_of(result)
    assert (lone(result).mentions, round(summary.authors()), summary.author_tags(9)) == (1, 1, [("vip", 1)])
    said = (summary.reach(), summary.texts(9), summary.roots(9), summary.links(9), summary.tags(9))
    assert said == (0, [], [], [], [])


@pytest.mark.parametrize("field", ["tenant", "brand", "platform", "received_at"])
async def test_a_mention_without_its_series_or_time_is_rejected(
    stage: Stage[VolumeState], field: Literal["tenant", "brand", "platform", "received_at"]
) -> None:
    incomplete, good = mention("1"), mention("2")
    complete = record_of(incomplete, incomplete)
    incomplete.ClearField(field)
    record = replace(complete, value=incomplete.SerializeToString())
    result = await commit(stage, stage.new_state(), [record, record_of(good, good, 1)])
    (rejected,) = result.rejected
    assert (rejected.record, rejected.reason, rejected.detail) == (record, "invalid", f"mention.{field} is not set")
    assert lone(result).mentions == 1


async def test_what_was_rejected_is_counted_once_it_is_put_right(stage: Stage[VolumeState]) -> None:
    state, good = stage.new_state(), mention("1")
    incomplete = Mention()
    incomplete.CopyFrom(good)
    incomplete.ClearField("brand")
    await commit(stage, state, [record_of(incomplete, incomplete)])
    assert lone(await commit(stage, state, [record_of(good, good, 1)])).mentions == 1


async def test_a_record_that_is_no_mention_is_rejected(stage: Stage[VolumeState]) -> None:
    result = await commit(stage, stage.new_state(), [broken()])
    assert [rejected.reason for rejected in result.rejected] == ["undecodable"]
    assert partials(result) == []


# What a platform delivers: few ids, so that many are repeats; a few seconds, so that they share buckets.
_MENTIONS = st.builds(
    lambda native_id, tenant, brand, platform, seconds: mention(
        native_id, tenant=tenant, brand=brand, platform=platform, received_ms=START_MS + seconds * 1000
    ),
    st.sampled_from([f"{n}" for n in range(12)]),
    st.sampled_from(["acme", "zeta"]),
    st.sampled_from(["A", "B"]),
    st.sampled_from(["x", "facebook"]),
    st.integers(0, 45),
)
_STREAMS = st.lists(_MENTIONS | st.integers(0, 45), max_size=40)


def _batches(records: list[Record], cuts: set[int]) -> list[list[Record]]:
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(records)), len(records)]
    return [records[start:end] for start, end in pairwise(edges) if start < end]


@given(_STREAMS, st.sets(st.integers(1, 39), max_size=10))
def test_the_counts_equal_the_distinct_mentions_whatever_the_batches(
    stream: list[Mention | int], cuts: set[int]
) -> None:
    records: list[Record] = []
    expected: Counter[tuple[str, str, str, int]] = Counter()
    known: set[str] = set()
    for offset, each in enumerate(stream):
        if isinstance(each, int):
            records.append(tick(START_MS + each * 1000, offset))
            continue
        records.append(record_of(each, each, offset))
        if each.mention_id not in known:
            known.add(each.mention_id)
            seconds = milliseconds(each.received_at) // 1000
            expected[each.tenant, each.brand, each.platform, seconds // 10 * 10] += 1

    async def run() -> list[Result]:
        stage = make_stage()
        state = stage.new_state()
        return [await commit(stage, state, batch) for batch in _batches(records, cuts)]

    results = asyncio.run(run())
    found: Counter[tuple[str, str, str, int]] = Counter()
    for tenant, count in partials(results):
        found[tenant, count.brand, count.platform, count.bucket] += count.mentions
    assert found == expected
    for result in results:
        assert all(count.bucket <= message.until for _, message in counts_of(result) for count in message.counts)
    marks = [message.until for _, message in counts_of(results) if not message.tenant]
    assert marks == sorted(marks)
    complete = [record.timestamp_ms - (0 if is_tick(record) else 2_000) for record in records]
    assert bool(marks) == (len(records) > 1)
    if marks:  # by a first record alone nothing is known
        assert max(complete[1:]) // 10_000 * 10 <= marks[-1] <= max(complete) // 10_000 * 10
    assert len(marks) == len(set(marks)) * PARTITIONS
