"""Liveness and readiness. Liveness is "my own loops progress"; it never asks the log, whose hiccups restart no pod."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_STUCK_SECONDS: Final = 60.0
_BEAT_SECONDS: Final = 1.0


_progress: ContextVar[Callable[[], None]] = ContextVar("progress")


def made_progress() -> None:
    """For what may take long within one round of a loop: it goes on. Without `heard_by` nobody hears it."""
    _progress.get(lambda: None)()


@contextmanager
def heard_by(beat: Callable[[], None]) -> Iterator[None]:
    """Within this context `made_progress` calls `beat`."""
    token = _progress.set(beat)
    try:
        yield
    finally:
        _progress.reset(token)


class Health:
    """What `/healthz` and `/readyz` tell about one service."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, stuck_seconds: float = _STUCK_SECONDS) -> None:
        self._clock = clock
        self._stuck_seconds = stuck_seconds
        self._beats: dict[str, float] = {}
        self._waiting_for: dict[str, str] = {"start": "starting"}

    def beat(self, loop: str) -> None:
        """This loop has gone round. A loop that once beat must go on beating until `ended`."""
        self._beats[loop] = self._clock()

    def ended(self, loop: str) -> None:
        """This loop has ended as it should."""
        self._beats.pop(loop, None)

    def stuck(self) -> Sequence[str]:
        """Loops that have not gone round for too long; none means alive."""
        now = self._clock()
        return [loop for loop, at in self._beats.items() if now - at > self._stuck_seconds]

    def not_ready(self, part: str, reason: str) -> None:
        """The service cannot serve yet, or any more, because of this part."""
        self._waiting_for[part] = reason

    def ready(self, part: str) -> None:
        """This part is ready."""
        self._waiting_for.pop(part, None)

    def unready(self) -> dict[str, str]:
        """What the service waits for, by part; empty means ready."""
        return dict(self._waiting_for)

    async def watch_event_loop(self) -> None:
        """Beat for the event loop until cancelled."""
        while True:
            self.beat("event-loop")
            await asyncio.sleep(_BEAT_SECONDS)
