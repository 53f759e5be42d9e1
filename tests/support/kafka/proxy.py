"""A TCP proxy that can cut the network between its clients and one broker."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final

from tests.support.kafka.ports import listening_ports

_CHUNK: Final = 64 << 10


class TcpProxy:
    """Forwards connections to one address until it is told not to. Runs in a thread of its own."""

    def __init__(self, host: str, target_port: int) -> None:
        self.host: Final = host
        self.port: Final = listening_ports(1)[0]
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{self.port}", daemon=True)
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Future[None]] = set()

    def start(self) -> None:
        """Begin to listen and forward."""
        self._thread.start()
        self._call(self._listen())

    def cut(self) -> None:
        """Drop everything silently: connections stay open and new ones are accepted, but no byte passes.

        What is sent meanwhile arrives after `heal`, as after a network came back.
        """
        self._loop.call_soon_threadsafe(self._open.clear)

    def refuse(self) -> None:
        """Drop every connection and refuse new ones."""
        self._call(self._unlisten())

    def heal(self) -> None:
        """Forward again."""
        self._loop.call_soon_threadsafe(self._open.set)
        self._call(self._listen())

    def close(self) -> None:
        """Drop every connection and end the thread."""
        if self._thread.is_alive():
            self._call(self._unlisten())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)

    async def _unlisten(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(self._forward(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        # An end by either side, or by `refuse`: what was open is closed, and nobody waits for this.
        await asyncio.wait([connection])

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            await self._open.wait()
            target_reader, target_writer = await asyncio.open_connection(self.host, self._target_port)
            writers.append(target_writer)
            pumps = [
                asyncio.ensure_future(self._pump(reader, target_writer)),
                asyncio.ensure_future(self._pump(target_reader, writer)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:  # the broker is down: the client sees its connection close
            pass
        finally:
            for each in writers:
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
