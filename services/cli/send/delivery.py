"""Posts one batch until ingest has answered for it."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event
from typing import Any, Final

import httpx

from services.cli.errors import CliError

_LONGEST_PAUSE: Final = 30.0
# Overload, a server that restarts, a proxy before it: later may be better. The rest stays as it is.
_RETRIED: Final = frozenset({408, 429})


class GaveUp(Exception):
    """The batch was not taken within the time; the message is the last reason."""


class Stopped(Exception):
    """The command is ending: this batch was not tried again."""


class Delivery:
    """Posts NDJSON to one path of ingest. May be used by several threads."""

    def __init__(
        self,
        client: httpx.Client,
        url: str,
        key: str,
        retry_for: float,
        notice: Callable[[str], None],
        stopping: Event,
        first_pause: float = 0.5,
    ) -> None:
        """`retry_for`: seconds from a batch's first failure until it is given up. `notice` hears of each retry."""
        self._client = client
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        self._retry_for = retry_for
        self._notice = notice
        self._stopping = stopping
        self._first_pause = first_pause

    def post(self, body: bytes, count: int) -> list[dict[str, Any]]:
        """One result per event, in order.

        Raises `GaveUp`, `Stopped`, or `CliError` for an answer that would be the same the next time.
        """
        until: float | None = None
        attempt = 0
        while True:
            try:
                response = self._client.post(self._url, content=body, headers=self._headers)
            except httpx.UnsupportedProtocol:
                raise
            except httpx.TransportError as error:
                reason, asked = f"no answer ({type(error).__name__})", 0.0
            else:
                if response.status_code not in _RETRIED and response.status_code < 500:
                    return _results(response, count)
                reason, asked = f"{response.status_code} {_detail(response)}", _retry_after(response)
            # Half of it by chance: many senders must not come back at the same moment.
            pause = min(_LONGEST_PAUSE, self._first_pause * 2**attempt) * random.uniform(0.5, 1.0)  # noqa: S311
            pause = max(pause, asked)
            attempt += 1
            now = time.monotonic()
            until = now + self._retry_for if until is None else until
            if now + pause > until:
                raise GaveUp(reason)
            self._notice(f"{reason}; trying again in {pause:.1f} s")
            if self._stopping.wait(pause):
                raise Stopped


def _results(response: httpx.Response, count: int) -> list[dict[str, Any]]:
    results = _json(response).get("results")
    if response.status_code in (202, 422) and isinstance(results, list):
        if len(results) == count:
            return results
        raise CliError(f"{response.url} answered {len(results)} results for {count} events: is this ingest?")
    raise CliError(f"{response.url} refused: {response.status_code} {_detail(response)}")


def _detail(response: httpx.Response) -> str:
    detail = _json(response).get("detail")
    return str(detail) if detail else response.reason_phrase


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the server asks to wait: a number or a date (RFC 9110, 10.2.3); 0 if it does not say."""
    value = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
