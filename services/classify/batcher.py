"""One queue in front of the model, shared by all partitions of the process.

There is no timer: whenever a model run is free, it takes what waits, oldest length bucket first. Under little load runs
are small and start at once; under much load they fill up by themselves.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from services.classify.model.base import Model, Prediction, TokenIds
from services.classify.model.batching import MAX_RUN_ROWS, MAX_RUN_TOKENS, padded_length, rows_of_run


def _ignore(*_: float) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Observer:
    """What a classifier reports about its work, for metrics; called in the event loop."""

    batch: Callable[[int, int], None] = _ignore  # texts and tokens (padding included) of one model run
    inference: Callable[[float], None] = _ignore  # seconds of one model run
    queueing: Callable[[float], None] = _ignore  # seconds that one text waited for its run
    tokenisation: Callable[[float], None] = _ignore  # seconds of one call, language identification included
    cache: Callable[[int, int], None] = _ignore  # hits and misses of one call
    coalesced: Callable[[], None] = _ignore  # an input that equals one which is already waiting or running


class BatcherStopped(RuntimeError):
    """The batcher was stopped, or never started; it takes no more work."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """One distinct input and everybody who waits for it."""

    ids: TokenIds
    since: float
    callers: list[asyncio.Future[Prediction]] = field(default_factory=list)

    def wanted(self) -> bool:
        return any(not caller.done() for caller in self.callers)


class Batcher:
    """Groups inputs of many callers into model runs of equal padded length, `model.threads` runs at once.

    A run takes at most `max_rows` texts and `max_tokens` tokens (or one text), and a number of texts that is a power of
    two (see `batching`). At most `max_waiting` distinct inputs wait; beyond that callers wait to enqueue. The texts of
    a failing run are run again one by one, so that a text fails only its own callers; what all callers have given up
    is not run.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_rows: int = MAX_RUN_ROWS,
        max_tokens: int = MAX_RUN_TOKENS,
        max_waiting: int = 2_048,
        observer: Observer | None = None,
    ) -> None:
        self._model = model
        self._max_rows = max_rows
        self._max_tokens = max_tokens
        self._observer = observer or Observer()
        # Insertion order is age: in the pending inputs as in each bucket of what still waits.
        self._pending: dict[TokenIds, _Waiting] = {}
        self._buckets: dict[int, dict[TokenIds, _Waiting]] = {}
        self._space = asyncio.Semaphore(max_waiting)
        self._free = asyncio.Semaphore(model.threads)
        self._arrived = asyncio.Event()
        self._entering = 0
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def full(self) -> bool:
        """Whether as many inputs wait as may: callers now wait to enqueue."""
        return self._space.locked()

    async def start(self) -> None:
        """Start the queue's task and the model's threads."""
        self._executor = ThreadPoolExecutor(self._model.threads, thread_name_prefix="model")
        self._loop = asyncio.create_task(self._dispatch(), name="batcher")

    async def stop(self) -> None:
        """Take no more work, finish what was accepted, end the threads."""
        self._stopping = True
        if self._loop is None:
            return
        self._arrived.set()
        await self._loop
        await asyncio.gather(*self._running)
        self._executor.shutdown()
        self._loop = None

    async def predict(self, batch: Sequence[TokenIds]) -> list[Prediction]:
        """The predictions in order. Raises what the model raised, or BatcherStopped."""
        if self._stopping or self._loop is None:
            raise BatcherStopped("the batcher is not running")
        callers: list[asyncio.Future[Prediction]] = []
        self._entering += 1
        try:
            for ids in batch:
                callers.append(await self._enqueue(ids))  # noqa: PERF401  # kept on failure
        except BaseException:
            for caller in callers:
                caller.cancel()
            raise
        finally:
            self._entering -= 1
            self._arrived.set()
        return await asyncio.gather(*callers)

    async def _enqueue(self, ids: TokenIds) -> asyncio.Future[Prediction]:
        if ids not in self._pending:
            await self._space.acquire()
            if ids in self._pending:  # somebody else brought it meanwhile
                self._space.release()
        waiting = self._pending.get(ids)
        if waiting is None:
            waiting = self._pending[ids] = _Waiting(ids, time.monotonic())
            self._buckets.setdefault(padded_length(len(ids)), {})[ids] = waiting
            self._arrived.set()
        else:
            self._observer.coalesced()
        caller = asyncio.get_running_loop().create_future()
        waiting.callers.append(caller)
        return caller

    async def _dispatch(self) -> None:
        while True:
            await self._free.acquire()
            while not (taken := self._take()):
                if self._stopping and not self._entering:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            run = asyncio.create_task(self._infer(taken))
            self._running.add(run)
            run.add_done_callback(self._running.discard)

    def _take(self) -> list[_Waiting]:
        """The oldest of the bucket that holds the oldest input."""
        while self._buckets:
            length = min(self._buckets, key=lambda key: next(iter(self._buckets[key].values())).since)
            bucket = self._buckets[length]
            rows = rows_of_run(length, len(bucket), self._max_rows, self._max_tokens)
            taken: list[_Waiting] = []
            while bucket and len(taken) < rows:
                waiting = bucket.pop(next(iter(bucket)))
                self._space.release()
                if waiting.wanted():
                    taken.append(waiting)
                else:
                    del self._pending[waiting.ids]
            if not bucket:
                del self._buckets[length]
            if taken:
                return taken
        return []

    async def _infer(self, taken: list[_Waiting]) -> None:
        started = time.monotonic()
        for waiting in taken:
            self._observer.queueing(started - waiting.since)
        try:
            await self._run(taken)
        finally:
            self._free.release()

    async def _run(self, taken: list[_Waiting]) -> None:
        started = time.monotonic()
        try:
            predictions = await asyncio.get_running_loop().run_in_executor(
                self._executor, self._model.predict, [waiting.ids for waiting in taken]
            )
            if len(predictions) != len(taken):
                raise ValueError(f"the model gave {len(predictions)} predictions for {len(taken)} texts")
        except Exception as error:
            if len(taken) == 1:
                self._give(taken, [error])
            else:
                await self._run_one_by_one(taken)
        else:
            self._give(taken, predictions)
            self._observer.inference(time.monotonic() - started)
            self._observer.batch(len(taken), sum(padded_length(len(waiting.ids)) for waiting in taken))

    async def _run_one_by_one(self, taken: list[_Waiting]) -> None:
        for waiting in taken:
            if waiting.wanted():
                await self._run([waiting])
            else:
                del self._pending[waiting.ids]

    def _give(self, taken: list[_Waiting], outcomes: Sequence[Prediction | Exception]) -> None:
        for waiting, outcome in zip(taken, outcomes, strict=True):
            del self._pending[waiting.ids]
            for caller in waiting.callers:
                if caller.done():  # given up
                    continue
                if isinstance(outcome, Exception):
                    caller.set_exception(outcome)
                else:
                    caller.set_result(outcome)
