"""What a connection may cost before its request is known: uvicorn itself limits neither the size nor the time of it."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

_MAX_HEAD_BYTES: Final = 64 << 10
_HEAD_SECONDS: Final = 30


class _HeadTooLarge(Exception):
    """Ends the parsing; nobody sees it."""


class LimitedHttp(HttpToolsProtocol):
    """uvicorn's protocol, with at most 64 KiB of head or trailers (else 431), and 30 s for a head to be complete."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unfinished = 0  # bytes since a head was complete or a part of a body came: what the parser may hold
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_awaiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > _MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_headers_complete(self) -> None:
        # The bytes may be those of a body in the same packet: only then the head itself is added up.
        if self._unfinished > _MAX_HEAD_BYTES and self._head_bytes() > _MAX_HEAD_BYTES:
            self._refuse()
            raise _HeadTooLarge
        self._unfinished = 0
        self._stop_awaiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:  # else a pipelined request is next, whose head is complete
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():  # uvicorn's answer to whatever ends the parsing
            super().send_400_response(msg)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # else an answer has maybe begun
            self.transport.write(STATUS_LINE[431] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def _await_head(self) -> None:
        self._stop_awaiting()
        self._deadline = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _stop_awaiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
