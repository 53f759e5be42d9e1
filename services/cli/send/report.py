"""What `send` shows while it works: a progress bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from services.cli.terminal import one_line, stderr

_LINE_EVERY_SECONDS: Final = 5.0
_REJECTIONS_SHOWN: Final = 20


class Report:
    """Counts and shows. Use it as a context; `notice` may be called from any thread."""

    def __init__(self, name: str, total_bytes: int | None, done_bytes: int) -> None:
        """`total_bytes` None: the end is not known (standard input)."""
        self.accepted = 0
        self.rejected = 0
        self._started = time.monotonic()
        self._next_line = self._started + _LINE_EVERY_SECONDS
        self._console = stderr()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            *([BarColumn(), TaskProgressColumn()] if total_bytes is not None else []),
            TextColumn("{task.fields[counts]}"),
            *([TimeRemainingColumn()] if total_bytes is not None else []),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
            redirect_stdout=False,  # what goes to standard output must stay there
        )
        self._task = self._bar.add_task(one_line(name), total=total_bytes, completed=done_bytes, counts="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def rejection(self, line: int, error: Mapping[str, Any]) -> None:
        """An event was rejected: show it, if it is among the first; the others are only counted."""
        self.rejected += 1
        if self.rejected <= _REJECTIONS_SHOWN:
            field = f" {error['field']}" if error.get("field") else ""
            self.notice(f"line {line}: {error.get('code', '')}{field}: {error.get('message', '')}", "yellow")
        elif self.rejected == _REJECTIONS_SHOWN + 1:
            self.notice("more events are rejected; they are counted (--rejects FILE writes them all)", "yellow")

    def answered(self, size: int, accepted: int) -> None:
        """A batch of `size` bytes was answered, `accepted` of its events taken."""
        self.accepted += accepted
        self._bar.update(self._task, advance=size, counts=self.counts)
        if self._bar.disable and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_EVERY_SECONDS
            self.notice(self.counts)

    def notice(self, text: str, style: str = "") -> None:
        """Show a line above the bar."""
        self._console.print(Text(one_line(text), style=style), soft_wrap=True)

    @property
    def counts(self) -> str:
        """What was answered so far, and how fast."""
        done = self.accepted + self.rejected
        speed = done / max(time.monotonic() - self._started, 1e-3)
        return f"{self.accepted:,} accepted, {self.rejected:,} rejected, {speed:,.0f}/s"
