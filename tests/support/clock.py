"""A clock that only a test moves."""

import asyncio

_PATIENCE_SECONDS = 20


class SteppedClock:
    """Seconds since the epoch, and one sleeper at a time, whom only `wake` wakes."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._until = now
        self._asleep = asyncio.Event()
        self._woken = asyncio.Event()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Sleep until `wake`."""
        self._until = self.now + max(0.0, seconds)
        self._woken.clear()
        self._asleep.set()
        await self._woken.wait()

    async def wake(self) -> float:
        """Move on to when the sleeper's time has come, and let it go on until it sleeps again; gives that time."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._asleep.wait()
            self._asleep.clear()
            self.now = woken = self._until
            self._woken.set()
            await self._asleep.wait()
        return woken
