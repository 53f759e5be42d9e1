"""What every adapter of the log port must do."""

import asyncio

import pytest

from services.common.log.port import Claim, Fenced, Log, NewRecord, OffsetOutOfRange, UnknownTopic
from tests.contract.conftest import BIG, MANY, NOW_MS, PARTITIONS, TOPICS, OpenLog, new, read_all, read_soon, values


async def state_of(claim: Claim) -> list[str]:
    return [value async for records in claim.state("state.v1") for value in values(records)]


async def test_appended_records_come_back_whole_and_in_order(log: Log) -> None:
    written = [new(str(n)) for n in range(10)]
    written += [NewRecord("in.v1", 0, b"tombstone", None, NOW_MS), NewRecord("in.v1", 0, None, b"keyless", NOW_MS)]
    await log.append(written)
    found = await read_all(log)
    assert [(r.key, r.value, r.timestamp_ms, r.headers) for r in found] == [
        (w.key, w.value, w.timestamp_ms, w.headers) for w in written
    ]
    assert [r.offset for r in found] == sorted({r.offset for r in found})


async def test_partitions_are_separate(log: Log) -> None:
    await log.append([new(f"p{p}", partition=p) for p in range(PARTITIONS)])
    for partition in range(PARTITIONS):
        assert values(await read_all(log, partition=partition)) == [f"p{partition}"]
    assert log.partitions("in.v1") == PARTITIONS


async def test_what_was_appended_survives_a_restart(open_log: OpenLog) -> None:
    log = await open_log()
    await log.append([new("a"), new("b")])
    log = await open_log()
    await log.append([new("c")])
    assert values(await read_all(log)) == ["a", "b", "c"]


async def test_appends_at_the_same_time_each_keep_their_order(log: Log) -> None:
    await asyncio.gather(*(log.append([new(f"{writer}:{n}") for n in range(20)]) for writer in range(10)))
    found = [value.split(":") for value in values(await read_all(log))]
    assert len(found) == 200
    for writer in range(10):
        assert [int(n) for w, n in found if w == str(writer)] == list(range(20))


async def test_a_claim_starts_at_the_beginning_and_resumes_after_the_last_commit(open_log: OpenLog) -> None:
    log = await open_log()
    await log.append([new(str(n)) for n in range(4)])
    claim = await log.claim("g", "in.v1", 0)
    records = await claim.fetch(2, BIG)
    assert values(records) == ["0", "1"]
    await claim.commit([], records[-1].offset + 1)
    await claim.fetch(2, BIG)  # fetched, not committed
    log = await open_log()
    claim = await log.claim("g", "in.v1", 0)
    assert values(await claim.fetch(MANY, BIG)) == ["2", "3"]
    assert claim.position == (await log.bounds("in.v1"))[0].end


async def test_groups_are_independent(log: Log) -> None:
    await log.append([new("a")])
    first = await log.claim("g1", "in.v1", 0)
    await first.commit([], (await first.fetch(MANY, BIG))[-1].offset + 1)
    second = await log.claim("g2", "in.v1", 0)
    assert values(await second.fetch(MANY, BIG)) == ["a"]


async def test_outputs_state_and_offset_become_durable_together(open_log: OpenLog) -> None:
    log = await open_log()
    await log.append([new("a"), new("b")])
    claim = await log.claim("g", "in.v1", 0)
    records = await claim.fetch(1, BIG)
    await claim.commit([new("A", topic="out.v1"), new("s", topic="state.v1")], records[-1].offset + 1)
    log = await open_log()
    claim = await log.claim("g", "in.v1", 0)
    assert await read_soon(log, "out.v1", 1) == ["A"]
    assert await state_of(claim) == ["s"]
    assert values(await claim.fetch(MANY, BIG)) == ["b"]


async def test_a_newer_claim_fences_the_older_one(log: Log) -> None:
    await log.append([new("a")])
    old = await log.claim("g", "in.v1", 0)
    records = await old.fetch(MANY, BIG)
    young = await log.claim("g", "in.v1", 0)
    with pytest.raises(Fenced):
        await old.commit([new("twice", topic="out.v1")], records[-1].offset + 1)
    assert values(await young.fetch(MANY, BIG)) == ["a"]
    await young.commit([new("once", topic="out.v1")], records[-1].offset + 1)
    assert await read_soon(log, "out.v1", 1) == ["once"]


async def test_a_claim_sees_what_the_old_owner_committed_just_before(log: Log) -> None:
    await log.append([new(str(n)) for n in range(50)])
    old = await log.claim("g", "in.v1", 0)
    records = await old.fetch(10, BIG)
    commit = asyncio.create_task(old.commit([new("s", topic="state.v1")], records[-1].offset + 1))
    await asyncio.sleep(0)
    young = await log.claim("g", "in.v1", 0)
    done = not isinstance((await asyncio.gather(commit, return_exceptions=True))[0], Fenced)
    assert values(await young.fetch(1, BIG)) == (["10"] if done else ["0"])
    assert await state_of(young) == (["s"] if done else [])


async def test_fetch_honours_its_limits_but_always_gives_one(log: Log) -> None:
    await log.append([new("x" * 100) for _ in range(5)])
    claim = await log.claim("g", "in.v1", 0)
    assert len(await claim.fetch(2, BIG)) == 2
    assert len(await claim.fetch(MANY, 250)) == 2
    assert len(await claim.fetch(MANY, 1)) == 1


async def test_fetch_waits_for_records_and_gives_up_after_a_while(log: Log) -> None:
    claim = await log.claim("g", "in.v1", 0)
    assert await claim.fetch(MANY, BIG) == []
    waiting = asyncio.create_task(claim.fetch(MANY, BIG))
    await asyncio.sleep(0)
    await log.append([new("late")])
    assert values(await waiting) == ["late"]


async def test_state_is_the_claims_own_partition(log: Log) -> None:
    await log.append([new(f"s{p}", topic="state.v1", partition=p) for p in range(PARTITIONS)])
    assert await state_of(await log.claim("g", "in.v1", 1)) == ["s1"]


async def test_consume_works_on_every_partition_until_it_is_stopped(log: Log) -> None:
    seen: list[str] = []

    async def work(claim: Claim) -> None:
        while not claim.revoked:
            records = await claim.fetch(MANY, BIG)
            seen.extend(values(records))
            if records:
                await claim.commit([], records[-1].offset + 1)
            if len(seen) == PARTITIONS:
                log.stop_consuming()

    await log.append([new(f"p{p}", partition=p) for p in range(PARTITIONS)])
    async with asyncio.timeout(10):
        await log.consume("g", "in.v1", work)
    assert sorted(seen) == [f"p{p}" for p in range(PARTITIONS)]
    for partition in range(PARTITIONS):  # what was in hand was committed before consume returned
        claim = await log.claim("g", "in.v1", partition)
        assert claim.position == (await log.bounds("in.v1"))[partition].end


async def test_consume_raises_what_its_work_raised_after_the_others_have_finished(log: Log) -> None:
    finished: list[int] = []

    all_at_work = asyncio.Barrier(PARTITIONS)

    async def work(claim: Claim) -> None:
        await all_at_work.wait()
        if claim.partition == 0:
            raise ValueError("broken")
        while not claim.revoked:
            await claim.fetch(MANY, BIG)
        finished.append(claim.partition)

    async with asyncio.timeout(10):
        with pytest.raises(ValueError, match="broken"):
            await log.consume("g", "in.v1", work)
    assert sorted(finished) == list(range(1, PARTITIONS))


async def test_reading_outside_the_retained_range_is_an_error_and_at_the_end_is_not(log: Log) -> None:
    await log.append([new("a")])
    end = (await log.bounds("in.v1"))[0].end
    assert await log.read("in.v1", 0, end, MANY, BIG) == []
    with pytest.raises(OffsetOutOfRange):
        await log.read("in.v1", 0, end + 1, MANY, BIG)


async def test_an_unknown_topic_is_named(log: Log) -> None:
    with pytest.raises(UnknownTopic, match="nowhere"):
        await log.bounds("nowhere")
    with pytest.raises(UnknownTopic, match="nowhere"):
        log.partitions("nowhere")


async def test_topics_and_lags_are_told(log: Log) -> None:
    await log.append([new(str(n)) for n in range(5)])
    claim = await log.claim("g", "in.v1", 0)
    await claim.commit([], (await claim.fetch(2, BIG))[-1].offset + 1)
    assert set(log.topics()) == {spec.name for spec in TOPICS}
    assert list(await log.group_lags()) == [("g", "in.v1", 3)]


async def test_a_log_keeps_its_identity(open_log: OpenLog) -> None:
    first = (await open_log()).identity
    assert len(first) >= 16
    assert (await open_log()).identity == first


async def test_scan_gives_in_steps_what_read_gives_and_stays_only_at_the_end(log: Log) -> None:
    await log.append([new(str(n)) for n in range(5)])
    claim = await log.claim("g", "out.v1", 0)
    await claim.commit([new("in a transaction")], 0)
    found: list[str] = []
    offset, moved = 0, True
    while moved:
        step = await log.scan("in.v1", 0, offset, 2, BIG)
        assert len(step.records) <= 2
        found += values(step.records)
        offset, moved = step.next_offset, step.next_offset > offset
    assert found == [*map(str, range(5)), "in a transaction"]
    assert offset == (await log.bounds("in.v1"))[0].end
    with pytest.raises(OffsetOutOfRange):
        await log.scan("in.v1", 0, offset + 1, 2, BIG)
