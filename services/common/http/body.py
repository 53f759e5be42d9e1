"""Reading a request's body within limits that hold before memory grows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.common.http.problems import Problem


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Of one body, `max_bytes` and how long it may take to arrive; of all together, what may be held in memory."""

    max_bytes: int
    timeout_seconds: float
    max_in_flight_bytes: int
    retry_after_seconds: int


class InFlight:
    """Bytes of bodies that all requests together hold: at most `limit`, and half of it for one tenant."""

    def __init__(self, limit: int, retry_after_seconds: int) -> None:
        self._limit = limit
        self._retry_after_seconds = retry_after_seconds
        self._by_tenant: Counter[str] = Counter()
        self.bytes = 0

    def reserve(self, tenant: str, size: int) -> None:
        """Count these bytes. Raises a 429 problem, and counts nothing, if they do not fit."""
        if self._by_tenant[tenant] + size > self._limit // 2:
            raise self._too_busy("as much of yours is being taken in as one tenant may send at once")
        if self.bytes + size > self._limit:
            raise self._too_busy("as much is being taken in as fits")
        self._by_tenant[tenant] += size
        self.bytes += size

    def release(self, tenant: str, size: int) -> None:
        """Give these bytes back."""
        self._by_tenant[tenant] -= size
        self.bytes -= size

    def _too_busy(self, why: str) -> Problem:
        wait = self._retry_after_seconds
        return Problem(429, "too_busy", f"{why}: try again after {wait} s", headers={"Retry-After": str(wait)})


class BodyReader:
    """Reads bodies; one for all requests of an app."""

    def __init__(self, limits: BodyLimits) -> None:
        self._max_bytes = limits.max_bytes
        self._timeout = limits.timeout_seconds
        self.in_flight: Final = InFlight(limits.max_in_flight_bytes, limits.retry_after_seconds)

    @asynccontextmanager
    async def read(self, request: Request, tenant: str) -> AsyncIterator[bytes]:
        """The whole body, counted as in flight as it arrives and until the context ends.

        Raises a problem: 400 (incomplete), 408, 413, 415 (encoding), 429.
        """
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise Problem(
                415, "unsupported_encoding", "the body is compressed: send it as it is, without Content-Encoding"
            )
        self._check_declared(request.headers.get("content-length", "0"))
        body = BytesIO()
        reserved = 0  # not what is declared: who announces much and sends nothing must not keep others out
        try:
            try:
                async with asyncio.timeout(self._timeout):
                    async for chunk in request.stream():
                        if reserved + len(chunk) > self._max_bytes:
                            raise self._too_large()
                        self.in_flight.reserve(tenant, len(chunk))
                        reserved += len(chunk)
                        body.write(chunk)
            except TimeoutError:
                raise Problem(
                    408,
                    "body_timeout",
                    "the body did not arrive in time: send it faster, or in smaller batches",
                    headers={"Connection": "close"},  # what still comes of it must not be taken for the next request
                ) from None
            except ClientDisconnect:
                raise Problem(400, "incomplete_body", "the connection ended before the body did") from None
            yield body.getvalue()
        finally:
            self.in_flight.release(tenant, reserved)

    def _check_declared(self, content_length: str) -> None:
        if not (content_length.isascii() and content_length.isdigit()):
            raise Problem(400, "invalid_content_length", "Content-Length must be a number of bytes")
        # Compared by the number of digits first: Python refuses to read numbers of thousands of digits.
        if len(content_length) > 18 or int(content_length) > self._max_bytes:
            raise self._too_large()

    def _too_large(self) -> Problem:
        return Problem(
            413, "body_too_large", f"a body has at most {self._max_bytes} bytes: send several smaller batches"
        )
