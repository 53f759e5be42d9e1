"""The life of a service process: start, run until a signal or a failure, drain, close."""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from fastapi import FastAPI

from services.common.http.server import HttpServer
from services.common.log.port import Log
from services.common.stage.runner import StageRunner
from services.common.stage.waiting import watch_waiting
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics

log = structlog.get_logger()

_SWITCH_SECONDS: Final = 0.0005


class Part(Protocol):
    """Something that a service's stages need running, such as the classifier."""

    async def start(self) -> None:
        """Make it usable."""
        ...

    async def stop(self) -> None:
        """Finish what is in hand and release it."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """One of the three services, built and not yet started."""

    app: FastAPI
    host: str
    port: int
    port_setting: str
    metrics: Metrics
    health: Health
    runners: Sequence[StageRunner[Any]] = ()
    parts: Sequence[Part] = ()
    background: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    """What runs beside the stages until the end, and never returns by itself."""


async def serve(log_: Log, services: Sequence[Service], on_ready: Callable[[], None] | None = None) -> None:
    """Run services on one log until SIGTERM or SIGINT, then drain; closes the log. Calls `on_ready` once all is up.

    Raises what stopped a stage, after the rest was drained.
    """
    tune_interpreter()
    async with contextlib.AsyncExitStack() as stack:
        stop = await stack.enter_async_context(_stop_signals())
        stack.push_async_callback(log_.close)
        background: list[asyncio.Task[Any]] = []
        stack.push_async_callback(_cancel, background)
        stages: list[asyncio.Task[None]] = []
        for service in services:
            for part in service.parts:
                stack.push_async_callback(part.stop)  # also releases what a failing start has taken
                await part.start()
            background.append(asyncio.create_task(service.health.watch_event_loop()))
            background.extend(asyncio.create_task(run()) for run in service.background)
            for runner in service.runners:
                stages.append(asyncio.create_task(runner.run(), name=runner.name))
                background.append(asyncio.create_task(watch_waiting(log_, runner, service.metrics)))
        stack.push_async_callback(_drain, log_, stages)
        for service in services:  # entered last, so stopped first: no new events while the stages drain
            server = HttpServer(service.app, service.host, service.port, service.port_setting)
            background.append(server.start())
            stack.push_async_callback(server.stop)
        await _first_of(stop, stages, background, _all_working(services))
        if not stop.is_set():
            for service in services:
                service.health.ready("start")
            if on_ready:
                on_ready()
            await _first_of(stop, stages, background, stop.wait())
        for service in services:
            service.health.not_ready("stop", "stopping")
    for task in stages:
        task.result()


async def _first_of(
    stop: asyncio.Event,
    stages: Sequence[asyncio.Task[None]],
    background: Sequence[asyncio.Task[Any]],
    awaited: Coroutine[Any, Any, Any],
) -> None:
    """Wait for what is awaited, or for a signal. Raises what ended any of the tasks: none of them ends by itself."""
    waiting = [asyncio.create_task(awaited), asyncio.create_task(stop.wait())]
    try:
        done, _ = await asyncio.wait([*stages, *background, *waiting], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _cancel(waiting)


def tune_interpreter() -> None:
    """Settings of the interpreter for a process that answers quickly beside threads that write and predict.

    A thread that comes back from SQLite, the disk or the model waits for the interpreter lock up to the switch
    interval while the event loop is busy: 5 ms by default, several times per commit.
    What was loaded at the start stays until the end: the garbage collector need not walk it again and again.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


async def _all_working(services: Sequence[Service]) -> None:
    for service in services:
        for runner in service.runners:
            await runner.working.wait()


async def _drain(log_: Log, stages: Sequence[asyncio.Task[None]]) -> None:
    log_.stop_consuming()
    if stages:
        await asyncio.wait(stages)


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _stop_signals() -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM or SIGINT sets; a second signal has its ordinary effect."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def restore() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)

    def on_signal(number: signal.Signals) -> None:
        log.info("stopping", signal=number.name)
        stop.set()
        restore()

    for number in numbers:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield stop
    finally:
        restore()
