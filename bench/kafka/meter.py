"""Measures a stretch in the middle of a run: neither the start nor what is read ahead at either end counts."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import orjson

BEGIN: Final = b"begin"
_FIRST, _LAST = 0.25, 0.85  # of the records


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a run was at a moment."""

    records: int
    at: float
    cpu: float

    @classmethod
    def now(cls, records: int) -> "Mark":
        """Now; processor time is that of the whole process, user and system."""
        return cls(records, time.perf_counter(), time.process_time())


class Meter:
    """Counts records that are done; `finished` is set once all are."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._done = 0
        self._begin: Mark | None = None
        self._end: Mark | None = None
        self.finished = asyncio.Event()

    def done(self, records: int) -> None:
        """So many more are committed. Tells the parent process where the stretch begins, and what it measured."""
        self._done += records
        if self._begin is None and self._done >= _FIRST * self._count:
            self._begin = Mark.now(self._done)
            print(BEGIN.decode(), flush=True)
        elif self._begin is not None and self._end is None and self._done >= _LAST * self._count:
            self._end = Mark.now(self._done)
            print(self._measured(self._begin, self._end), flush=True)
        if self._done >= self._count:
            self.finished.set()

    @staticmethod
    def _measured(begin: Mark, end: Mark) -> str:
        measured = {
            "records": end.records - begin.records,
            "seconds": end.at - begin.at,
            "cpu_seconds": end.cpu - begin.cpu,
        }
        return orjson.dumps(measured).decode()
