"""A world behind a real server, in a thread of its own with its own event loop."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from services.common.log.port import Log
from tests.integration.ingest.world import World, world


@contextmanager
def served(folder: Path, wrap: Callable[[Log], Any] = lambda log: log, **settings: Any) -> Iterator[tuple[str, World]]:
    """Address of the server and the world behind it, while the context lasts."""
    listener = socket.create_server(("127.0.0.1", 0))  # connections wait in it until the server takes them
    made: list[World] = []
    built = threading.Event()
    server: list[uvicorn.Server] = []

    async def serve() -> None:
        async with world(folder, wrap, **settings) as there:
            made.append(there)
            server.append(uvicorn.Server(uvicorn.Config(there.app, log_level="warning", lifespan="off")))
            built.set()
            await server[0].serve([listener])

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert built.wait(30), "the app was not built"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", made[0]
    finally:
        server[0].should_exit = True
        thread.join()
        listener.close()
