"""Sends a stream batch by batch: some in flight, answered for in order, the state written after each."""

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from threading import Event
from typing import Any, Final, TextIO

import httpx
import typer

from services.cli.errors import print_error
from services.cli.send.delivery import Delivery, GaveUp
from services.cli.send.lines import Batch, Fingerprint, read_batches
from services.cli.send.report import Report
from services.cli.send.state import Progress, StateFile, advance, default_state_path
from services.common.settings import CommonSettings, load_settings

REJECTED, GAVE_UP = 1, 3
# With a rate, a second is sent in a few smaller requests, not in one burst.
_REQUESTS_PER_SECOND: Final = 5
_TIMEOUT: Final = httpx.Timeout(60, connect=10)


@dataclass(frozen=True, slots=True)
class Options:
    """How to send; see the command's options."""

    url: str
    key: str
    batch: int = 200
    rate: float | None = None
    concurrency: int = 1
    retry_for: float = 300
    state: Path | None = None
    restart: bool = False
    rejects: Path | None = None


@dataclass(slots=True)
class _Source:
    """What is sent, and how far it was."""

    name: str
    stream: FileIO
    live: bool
    state: StateFile | None
    progress: Progress
    fingerprint: Fingerprint


def send_stream(file: str, options: Options) -> int:
    """Send FILE, or standard input for `-`. Returns the exit code.

    Raises `CliError` where going on makes no sense, `OSError` for a file that cannot be read.
    """
    stopping = Event()
    with ExitStack() as stack:
        source = stack.enter_context(_open(file, options))
        earlier = source.progress
        size = None if source.state is None else Path(file).stat().st_size
        if earlier.line and size == earlier.offset:
            typer.echo(f"all {earlier.line:,} lines of {file} were sent already; --restart sends them again")
            return 0
        rejects = (
            stack.enter_context(options.rejects.open("a" if earlier.line else "w", encoding="utf-8"))
            if options.rejects
            else None
        )
        report = stack.enter_context(Report(source.name, size, earlier.offset))
        if earlier.line:
            report.notice(f"going on after line {earlier.line:,}, where the last run stopped")
        client = stack.enter_context(httpx.Client(timeout=_TIMEOUT))
        delivery = Delivery(client, options.url, options.key, options.retry_for, report.notice, stopping)
        sending = _Sending(source, options, delivery, report, rejects, stopping)
        failure = ""
        try:
            sending.run()
        except GaveUp as gave_up:
            failure = f"gave up after {options.retry_for:g} s: {gave_up}. {_way_on(source)}"
        except KeyboardInterrupt:
            report.notice(f"stopped. {_way_on(source)}")
            raise
    in_all = f" ({source.progress.line:,} lines in all)" if earlier.line else ""
    typer.echo(report.counts + in_all)
    if failure:
        print_error(failure)
        return GAVE_UP
    return REJECTED if report.rejected else 0


class _Sending:
    def __init__(
        self,
        source: _Source,
        options: Options,
        delivery: Delivery,
        report: Report,
        rejects: TextIO | None,
        stopping: Event,
    ) -> None:
        self._source = source
        self._delivery = delivery
        self._report = report
        self._rejects = rejects
        self._stopping = stopping
        self._concurrency = options.concurrency
        self._batches = _batches(source, options)
        self._pace = _pace(options.rate, stopping)
        self._in_flight: deque[tuple[Batch, Future[list[dict[str, Any]]]]] = deque()

    def run(self) -> None:
        """Send all. However it ends, what was answered for, in order, is in the state."""
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="send") as pool:
            try:
                for batch in self._batches:
                    self._pace(len(batch.events))
                    if batch.events:
                        posted = pool.submit(self._delivery.post, batch.body, len(batch.events))
                    else:
                        posted = Future()
                        posted.set_result([])
                    self._in_flight.append((batch, posted))
                    if len(self._in_flight) == self._concurrency:
                        self._settle()
                while self._in_flight:
                    self._settle()
            except BaseException:
                self._stopping.set()
                self._settle_answered()
                raise

    def _settle(self) -> None:
        """Wait for the oldest batch's answer and take it up."""
        batch, posted = self._in_flight[0]
        results = posted.result()
        self._in_flight.popleft()
        accepted = 0
        for number, event, result in zip(batch.numbers, batch.events, results, strict=True):
            if result.get("status") == "accepted":
                accepted += 1
            else:
                self._reject(number, event, result.get("error") or {})
        if self._rejects:
            self._rejects.flush()
        self._source.progress = advance(self._source.progress, batch, accepted, self._source.fingerprint)
        if self._source.state:
            self._source.state.write(self._source.progress)
        self._report.answered(len(batch.raw), accepted)

    def _settle_answered(self) -> None:
        """The command ends: take up what is answered all the same, as far as the order allows."""
        while self._in_flight:
            try:
                self._settle()
            except Exception:  # not answered; what ends the command is already on its way
                return

    def _reject(self, number: int, event: bytes, error: dict[str, Any]) -> None:
        self._report.rejection(number, error)
        if self._rejects:
            line = {"line": number, **error, "event": event.decode(errors="replace")}
            self._rejects.write(json.dumps(line, ensure_ascii=False) + "\n")


@contextmanager
def _open(file: str, options: Options) -> Iterator[_Source]:
    if file == "-":
        with FileIO(sys.stdin.fileno(), closefd=False) as stream:
            yield _Source("standard input", stream, True, None, Progress(options.url), Fingerprint())
        return
    path = Path(file)
    with FileIO(path) as stream:
        state = StateFile(options.state or default_state_path(path, load_settings(CommonSettings).data_dir))
        if options.restart:
            state.path.unlink(missing_ok=True)
        progress, fingerprint = state.resume(options.url, stream)
        yield _Source(path.name, stream, False, state, progress, fingerprint)


def _batches(source: _Source, options: Options) -> Iterator[Batch]:
    size = options.batch
    if options.rate is not None:
        size = max(1, min(size, int(options.rate / _REQUESTS_PER_SECOND)))
    return read_batches(source.stream, size, source.progress.line, live=source.live)


def _pace(rate: float | None, stopping: Event) -> Callable[[int], None]:
    """Waits before a batch of so many events until it may go."""
    due = time.monotonic()

    def wait(events: int) -> None:
        nonlocal due
        if rate is not None:
            now = time.monotonic()
            stopping.wait(max(0.0, due - now))
            due = max(due, now) + events / rate

    return wait


def _way_on(source: _Source) -> str:
    """What to do after a run that did not reach the end."""
    if source.progress.line == 0:
        return "Nothing was answered for: send it again"
    if source.state is None:
        return f"The first {source.progress.line:,} lines were answered for: send the input again from there on"
    return f"{source.progress.line:,} lines are done: the same command goes on from there ({source.state.path})"
