import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.classify.batcher import Batcher, BatcherStopped, Observer
from services.classify.model.base import Prediction, TokenIds
from tests.unit.classify.conftest import ScriptedModel


@asynccontextmanager
async def running(batcher: Batcher) -> AsyncIterator[Batcher]:
    await batcher.start()
    try:
        yield batcher
    finally:
        await batcher.stop()


@asynccontextmanager
async def held(model: ScriptedModel, batcher: Batcher) -> AsyncIterator["asyncio.Task[list[Prediction]]"]:
    """One run is in the model and stays there until the block ends, so that everything else must wait."""
    model.gate.clear()
    first = asyncio.create_task(batcher.predict([(0, 9, 2)]))
    await asyncio.to_thread(model.entered.wait, 10)
    try:
        yield first
    finally:
        model.gate.set()


async def spin() -> None:
    """Let every task go as far as it can without the model."""
    for _ in range(50):
        await asyncio.sleep(0)


def answers(model: ScriptedModel, batch: Sequence[TokenIds]) -> list[Prediction]:
    return [model.answer(ids) for ids in batch]


async def test_predictions_come_in_the_order_asked_for(scripted: ScriptedModel) -> None:
    batch = [tuple(range(length)) for length in (9, 2, 30, 2, 17, 9, 1)]
    async with running(Batcher(scripted)) as batcher:
        assert await batcher.predict(batch) == answers(scripted, batch)
        assert await batcher.predict([]) == []


async def test_what_waits_shares_runs_by_padded_length(scripted: ScriptedModel) -> None:
    short, longer = [(n, 1, 1) for n in range(4)], [(n, 1, 1, 1, 1) for n in range(4)]
    async with running(Batcher(scripted)) as batcher, held(scripted, batcher) as first:
        callers = [asyncio.create_task(batcher.predict(pair)) for pair in zip(short, longer, strict=True)]
        await spin()
        scripted.gate.set()
        await asyncio.gather(first, *callers)
    assert scripted.batches[1:] == [short, longer]


async def test_limits_of_a_run(scripted: ScriptedModel) -> None:
    batcher = Batcher(scripted, max_rows=4, max_tokens=16)
    async with running(batcher), held(scripted, batcher) as first:
        batch = [(n, 1) for n in range(6)] + [(n, *[1] * 7) for n in range(3)] + [tuple(range(40))]
        rest = asyncio.create_task(batcher.predict(batch))
        await spin()
        scripted.gate.set()
        assert await rest == answers(scripted, batch)
        await first
    assert [len(run) for run in scripted.batches[1:]] == [4, 2, 2, 1, 1]


async def test_identical_inputs_in_flight_run_once(scripted: ScriptedModel) -> None:
    async with running(Batcher(scripted)) as batcher, held(scripted, batcher) as first:
        callers = [asyncio.create_task(batcher.predict([(0, 9, 2), (7, 7), (7, 7)])) for _ in range(3)]
        await spin()
        scripted.gate.set()
        for caller in callers:
            assert await caller == answers(scripted, [(0, 9, 2), (7, 7), (7, 7)])
        await first
    assert scripted.batches == [[(0, 9, 2)], [(7, 7)]]


async def test_as_many_runs_at_once_as_threads(scripted: ScriptedModel) -> None:
    scripted.threads = 2
    async with running(Batcher(scripted)) as batcher, held(scripted, batcher) as first:
        second = asyncio.create_task(batcher.predict([(1, 2)]))
        third = asyncio.create_task(batcher.predict([(3, 4, 5, 6, 7)]))
        while len(scripted.batches) < 2:
            await asyncio.sleep(0)
        await spin()
        assert scripted.batches == [[(0, 9, 2)], [(1, 2)]]
        scripted.gate.set()
        await asyncio.gather(first, second, third)
    assert len(scripted.batches) == 3


async def test_a_full_queue_makes_callers_wait(scripted: ScriptedModel) -> None:
    shared: list[None] = []
    waits: list[float] = []
    observer = Observer(coalesced=lambda: shared.append(None), queueing=waits.append)
    batcher = Batcher(scripted, max_rows=2, max_waiting=3, observer=observer)
    batch = [(n, n) for n in range(20)]
    async with running(batcher), held(scripted, batcher) as first:
        caller = asyncio.create_task(batcher.predict(batch))
        await spin()
        # Three are in the queue, where equal inputs find them; the fourth is not.
        others = [asyncio.create_task(batcher.predict([(n, n)])) for n in range(4)]
        await spin()
        assert len(shared) == 3
        scripted.gate.set()
        assert await caller == answers(scripted, batch)
        await asyncio.gather(first, *others)
    assert len(waits) == 21


async def test_what_all_callers_gave_up_is_not_run(scripted: ScriptedModel) -> None:
    batcher = Batcher(scripted, max_waiting=2)
    async with running(batcher), held(scripted, batcher) as first:
        # Cancelled while waiting for the model, and while waiting for space in the queue.
        given_up = asyncio.create_task(batcher.predict([(1, 1), (2, 2), (3, 3)]))
        await spin()
        shared = asyncio.create_task(batcher.predict([(2, 2)]))
        await spin()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        scripted.gate.set()
        assert await shared == answers(scripted, [(2, 2)])
        await first
        assert await batcher.predict([(1, 1)]) == answers(scripted, [(1, 1)])
    assert scripted.batches == [[(0, 9, 2)], [(2, 2)], [(1, 1)]]


def refuse(batch: Sequence[TokenIds]) -> None:
    if (6, 6) in batch:
        raise ValueError("broken")


async def test_a_text_that_breaks_a_run_fails_only_its_own_callers(scripted: ScriptedModel) -> None:
    scripted.before = refuse
    batcher = Batcher(scripted)
    async with running(batcher), held(scripted, batcher) as first:
        good = asyncio.create_task(batcher.predict([(1, 1), (2, 2)]))
        bad = asyncio.create_task(batcher.predict([(6, 6)]))
        late = asyncio.create_task(batcher.predict([(3, 3)]))
        await spin()
        scripted.gate.set()
        assert await good == answers(scripted, [(1, 1), (2, 2)])
        with pytest.raises(ValueError, match="broken"):
            await bad
        assert await late == answers(scripted, [(3, 3)])
        await first
    assert scripted.batches[1:] == [[(1, 1), (2, 2), (6, 6), (3, 3)], [(1, 1)], [(2, 2)], [(6, 6)], [(3, 3)]]


async def test_what_was_given_up_is_not_run_again_after_a_failed_run(scripted: ScriptedModel) -> None:
    scripted.before = refuse
    async with running(Batcher(scripted)) as batcher:
        scripted.gate.clear()
        bad = asyncio.create_task(batcher.predict([(6, 6)]))
        given_up = asyncio.create_task(batcher.predict([(7, 7)]))
        await asyncio.to_thread(scripted.entered.wait, 10)
        given_up.cancel()
        await spin()
        scripted.gate.set()
        with pytest.raises(ValueError, match="broken"):
            await bad
        assert await batcher.predict([(1, 1), (7, 7)]) == answers(scripted, [(1, 1), (7, 7)])
    assert scripted.batches == [[(6, 6), (7, 7)], [(6, 6)], [(1, 1), (7, 7)]]


async def test_too_few_predictions_are_a_failure(scripted: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted, "predict", lambda batch: answers(scripted, batch)[1:])
    async with running(Batcher(scripted)) as batcher:
        with pytest.raises(ValueError, match="0 predictions for 1 texts"):
            await asyncio.wait_for(batcher.predict([(1, 1), (2, 2)]), 10)


async def test_a_failing_run_fails_only_its_callers(scripted: ScriptedModel) -> None:
    scripted.before = refuse
    async with running(Batcher(scripted)) as batcher:
        bad = batcher.predict([(6, 6), (7, 7)])
        good = batcher.predict([(1, 2, 3, 4, 5)])
        failed, fine = await asyncio.gather(bad, good, return_exceptions=True)
        assert isinstance(failed, ValueError)
        assert fine == answers(scripted, [(1, 2, 3, 4, 5)])
        scripted.before = lambda batch: None
        assert await batcher.predict([(6, 6)]) == answers(scripted, [(6, 6)])


async def test_stop_finishes_what_was_accepted(scripted: ScriptedModel) -> None:
    batcher = Batcher(scripted, max_rows=1, max_waiting=2)
    batch = [(n, n) for n in range(9)]
    await batcher.start()
    async with held(scripted, batcher) as first:
        caller = asyncio.create_task(batcher.predict(batch))
        await spin()
        stopping = asyncio.create_task(batcher.stop())
        await spin()
        with pytest.raises(BatcherStopped):
            await batcher.predict([(1, 1)])
    assert await caller == answers(scripted, batch)
    assert await first == answers(scripted, [(0, 9, 2)])
    await stopping


async def test_a_batcher_that_never_started_refuses(scripted: ScriptedModel) -> None:
    batcher = Batcher(scripted)
    with pytest.raises(BatcherStopped):
        await batcher.predict([(1, 1)])
    await batcher.stop()


async def test_the_observer_hears_of_every_run(scripted: ScriptedModel) -> None:
    runs: list[tuple[int, int]] = []
    waits: list[float] = []
    seconds: list[float] = []
    observer = Observer(
        batch=lambda rows, tokens: runs.append((rows, tokens)), queueing=waits.append, inference=seconds.append
    )
    async with running(Batcher(scripted, observer=observer)) as batcher:
        await batcher.predict([(1, 1), (2, 2), (1, 1), (1, 2, 3, 4, 5)])
    assert sorted(runs) == [(1, 8), (2, 8)]
    assert len(waits) == 3
    assert len(seconds) == 2
    assert min(waits + seconds) >= 0
