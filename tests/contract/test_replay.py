"""Dead letters on every adapter: replayed once, whoever tries at the same time, and passed over by other groups."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from mention_triage.v1.dead_letter_pb2 import DeadLetter
from services.common.log.port import Claim, Log, NewRecord, Record
from services.common.log.topics import DEAD_LETTERS
from services.common.stage.handling import Action, Handling, Letter, LetterId, TakenOver, read_letters, read_original
from services.common.stage.runner import RetryPolicy, StageRunner
from services.common.stage.stage import Rejected, Result, Stage
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from tests.contract.conftest import NOW_MS, OpenLog, new, read_all, read_soon, values

QUICK = RetryPolicy(attempts=2, first=0.001, longest=0.002)
Accepts = Callable[[str], bool]


def runner(log: Log, group: str, accepts: Accepts) -> StageRunner[None]:
    """A stage that copies what it accepts to `out.v1`, with its name before it, and rejects the rest."""

    async def process(_: None, records: Sequence[Record]) -> Result:
        good = [record for record in records if accepts((record.value or b"").decode())]
        return Result(
            [
                NewRecord("out.v1", r.partition, r.key, f"{group}:{(r.value or b'').decode()}".encode(), r.timestamp_ms)
                for r in good
            ],
            [Rejected(record, "invalid", "not accepted", 3) for record in records if record not in good],
        )

    return StageRunner(log, Stage(group, "in.v1", process, lambda: None), Metrics("classify"), Health(), QUICK)


async def run_until(log: Log, running: StageRunner[None], topic: str, expected: int) -> None:
    """Run the stage until the topic's partition 0 holds so many records, then drain."""
    task = asyncio.create_task(running.run())
    async with asyncio.timeout(30):
        while not task.done() and len(await read_all(log, topic)) < expected:
            await asyncio.sleep(0.02)
    log.stop_consuming()
    await asyncio.wait_for(task, 30)


async def letters(log: Log) -> list[Letter]:
    return [letter for found in await read_letters(log) for letter in found.letters.values()]


async def open_ids(log: Log) -> list[LetterId]:
    return [letter.id for letter in await letters(log) if letter.state == "open"]


async def handled(log: Log, action: Action, ids: Sequence[LetterId]) -> Handling:
    handling = Handling(log, action, NOW_MS)
    await handling.run(ids)
    return handling


@pytest.fixture
async def given_up(open_log: OpenLog) -> OpenLog:
    """A log on which the stage `copy` has passed `a` and `b` and given up on `bad-1` and `bad-2`."""
    log = await open_log()
    await log.append([new("a"), new("bad-1"), new("bad-2"), new("b")])
    await run_until(log, runner(log, "copy", lambda value: not value.startswith("bad")), DEAD_LETTERS, 2)
    return open_log


async def test_a_replayed_record_is_the_original_and_goes_through_its_stage_once(given_up: OpenLog) -> None:
    log = await given_up()
    first, second = await open_ids(log)
    replay = await handled(log, "replayed", [second, first])
    assert (replay.done, replay.refused) == ([first, second], {})
    await read_soon(log, "in.v1", 6)
    original, replayed = (record for record in await read_all(log, "in.v1") if record.value == b"bad-1")
    assert (replayed.key, replayed.timestamp_ms) == (original.key, original.timestamp_ms)
    assert replayed.headers[: len(original.headers)] == original.headers
    await run_until(log, runner(log, "copy", lambda value: True), "out.v1", 4)
    assert values(await read_all(log, "out.v1")) == ["copy:a", "copy:b", "copy:bad-1", "copy:bad-2"]


async def test_other_groups_pass_a_replayed_record_over_and_commit_beyond_it(given_up: OpenLog) -> None:
    log = await given_up()
    await handled(log, "replayed", await open_ids(log))
    await log.append([new("c")])
    await run_until(log, runner(log, "other", lambda value: True), "out.v1", 7)
    log = await given_up()
    copied = [value for value in values(await read_all(log, "out.v1")) if value.startswith("other:")]
    assert copied == ["other:a", "other:bad-1", "other:bad-2", "other:b", "other:c"]
    assert await (await log.claim("other", "in.v1", 0)).fetch(10, 1 << 20) == []


async def test_a_group_commits_beyond_records_that_are_all_for_another_one(given_up: OpenLog) -> None:
    log = await given_up()
    await run_until(log, runner(log, "other", lambda value: True), "out.v1", 6)
    log = await given_up()
    await handled(log, "replayed", await open_ids(log))
    last = (await read_all(log, "in.v1"))[-1].offset
    other = runner(log, "other", lambda value: True)
    task = asyncio.create_task(other.run())
    async with asyncio.timeout(30):
        while other.committed.get(0, 0) <= last:
            await asyncio.sleep(0.02)
    log.stop_consuming()
    await task
    assert len(await read_all(log, "out.v1")) == 6


async def test_what_was_handled_is_refused(given_up: OpenLog) -> None:
    log = await given_up()
    first, second = await open_ids(log)
    await handled(log, "replayed", [first])
    await handled(log, "dropped", [second])
    before = values(await read_all(log, "in.v1"))
    for action in ("replayed", "dropped"):
        again = await handled(log, action, [first, second, LetterId(0, 999_999)])
        assert again.done == []
        assert "was replayed at" in again.refused[first]
        assert "was dropped at" in again.refused[second]
        assert "no dead letter" in again.refused[LetterId(0, 999_999)]
    assert values(await read_all(log, "in.v1")) == before == ["a", "bad-1", "bad-2", "b", "bad-1"]
    assert [letter.state for letter in await letters(log)] == ["replayed", "dropped"]


async def test_a_replay_that_is_taken_over_before_it_commits_does_nothing(given_up: OpenLog) -> None:
    log = await given_up()
    ids = await open_ids(log)

    class Overtaken:
        """The log; another replay runs between this one's look at the dead letters and its commit."""

        def __getattr__(self, name: str) -> object:
            return getattr(log, name)

        async def claim(self, group: str, topic: str, partition: int) -> Claim:
            claim = await log.claim(group, topic, partition)
            commit = claim.commit

            async def late(outputs: Sequence[NewRecord], next_offset: int) -> int:
                assert (await handled(log, "replayed", ids)).done == ids
                return await commit(outputs, next_offset)

            claim.commit = late  # type: ignore[method-assign]
            return claim

    slow = Handling(Overtaken(), "replayed", NOW_MS)  # type: ignore[arg-type]
    with pytest.raises(TakenOver, match="Nothing is done twice"):
        await slow.run(ids)
    assert slow.done == []
    assert await read_soon(log, "in.v1", 6) == ["a", "bad-1", "bad-2", "b", "bad-1", "bad-2"]


async def test_replays_at_the_same_time_double_nothing(given_up: OpenLog) -> None:
    log = await given_up()
    ids = await open_ids(log)
    runs = [Handling(log, "replayed", NOW_MS) for _ in range(4)]
    outcomes = await asyncio.gather(*(run.run(ids) for run in runs), return_exceptions=True)
    assert all(outcome is None or isinstance(outcome, TakenOver) for outcome in outcomes)
    assert sorted(identifier for run in runs for identifier in run.done) == ids
    assert await read_soon(log, "in.v1", 6) == ["a", "bad-1", "bad-2", "b", "bad-1", "bad-2"]


async def test_a_record_that_fails_again_is_a_new_dead_letter_of_the_same_origin(given_up: OpenLog) -> None:
    log = await given_up()
    first, _ = await open_ids(log)
    original = await read_original(log, first)
    assert original is not None
    for attempts in (6, 9):
        (identifier,) = [found for found in await open_ids(log) if (await content(log, found)).value == b"bad-1"]
        held = len(await read_all(log, DEAD_LETTERS))
        await handled(log, "replayed", [identifier])  # which adds what was done, to be seen a moment later
        await run_until(log, runner(log, "copy", lambda value: False), DEAD_LETTERS, held + 2)
        log = await given_up()
        (again,) = [found for found in await letters(log) if found.replay_of == identifier]
        assert (again.state, again.attempts) == ("open", attempts)
        found = await content(log, again.id)
        assert (found.source_offset, found.value) == (original.source_offset, b"bad-1")
        assert list(found.headers) == list(original.headers)


async def content(log: Log, identifier: LetterId) -> DeadLetter:
    found = await read_original(log, identifier)
    assert found is not None
    return found
