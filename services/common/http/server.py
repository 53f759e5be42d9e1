"""Serving an app with uvicorn inside a running event loop, without its signal handlers: the caller owns the process."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

_GRACE_SECONDS: Final = 10


class PortTaken(Exception):
    """The port cannot be listened on; the message says which setting changes it."""


class HttpServer:
    """One HTTP server. `start` returns when it listens; `stop` answers what is in hand, then closes."""

    def __init__(self, app: FastAPI, host: str, port: int, setting: str) -> None:
        """`setting`: the variable that changes the port, for the error message."""
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self._setting = setting
        self.url: Final = f"http://{host}:{port}"

    async def start(self) -> None:
        """Listen. Raises `PortTaken`."""
        self._task = asyncio.create_task(self._serve(), name=f"http {self.url}")
        while not self._server.started:
            if self._task.done():
                raise PortTaken(
                    f"{self.url} cannot be listened on: another program uses the port. Stop it, or set {self._setting}"
                )
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Take no new connections, answer what is in hand, close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    async def _serve(self) -> None:
        # uvicorn leaves by SystemExit where it cannot bind; `start` sees that the task is done
        with contextlib.suppress(SystemExit):
            await self._server.serve()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
