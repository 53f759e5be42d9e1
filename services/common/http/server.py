"""Serving an app with uvicorn inside a running event loop, without its signal handlers: the caller owns the process."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

from services.common.errors import TriageError
from services.common.http.limits import LimitedHttp

_GRACE_SECONDS: Final = 10
_BACKLOG: Final = 2048


class PortTaken(TriageError):
    """The port cannot be listened on; the message says which setting changes it."""


class HttpServer:
    """One HTTP server. From `start` on it listens; `stop` answers what is in hand, then closes."""

    def __init__(self, app: FastAPI, host: str, port: int, setting: str) -> None:
        """`setting`: the variable that changes the port, for the error message."""
        config = uvicorn.Config(
            app,
            http=LimitedHttp,
            ws="none",  # another protocol, without these limits, and no path speaks it
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = _Server(config)
        self._address = (host, port)
        self._setting = setting
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Listen. Raises `PortTaken`. Returns the task that serves, which ends after `stop`."""
        host, port = self._address
        try:
            listening = socket.create_server((host, port), family=_family(host), backlog=_BACKLOG)
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {host}:{port} ({error.strerror}): stop what uses the port, or set {self._setting}"
            ) from None
        # Inherited by connections. asyncio itself only sets it on sockets that name their protocol, which these do not.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._task = asyncio.create_task(self._server.serve([listening]), name=f"http {host}:{port}")
        return self._task

    async def stop(self) -> None:
        """Take no new connections, answer what is in hand, close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
