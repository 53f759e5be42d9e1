"""What is printed, and how: consoles, tables, times, and text from strangers made safe for a terminal."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wide enough that a table written to a file or a pipe is never cut.
_WIDTH_WITHOUT_TERMINAL: Final = 200
_JOINERS: Final = frozenset("\u200c\u200d")  # formatting characters that emoji and some scripts need

PRIORITY_STYLES: Final = {"P1": "bold white on red", "P2": "bold red", "P3": "yellow", "P4": "dim"}
SENTIMENT_STYLES: Final = {"negative": "red", "neutral": "", "positive": "green"}


def stdout() -> Console:
    """For what a command gives."""
    return _console(False)


def stderr() -> Console:
    """For what a command says beside it: progress, notices, errors."""
    return _console(True)


def _console(err: bool) -> Console:
    console = Console(stderr=err, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH_WITHOUT_TERMINAL
    return console


def table(*columns: str, right: Sequence[str] = (), title: str | None = None) -> Table:
    """An empty table; the columns named in `right` hold numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made


def one_line(text: str) -> str:
    """Text safe for a line: control and direction characters could move the cursor or hide what follows."""
    return " ".join("".join(map(_shown, text)).split())


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category in ("Cf", "Cs") and character not in _JOINERS else character


def cut(line: Text, width: int | None) -> Text:
    """The line, cut to `width` columns with an ellipsis; whole if None."""
    if width is not None:
        line.truncate(width, overflow="ellipsis")
    return line


def clock_time(milliseconds: float) -> str:
    """Local time of day of a record; with the date unless it is today's."""
    moment = datetime.fromtimestamp(milliseconds / 1000).astimezone()
    today = datetime.now().astimezone().date()
    return moment.strftime("%H:%M:%S" if moment.date() == today else "%Y-%m-%d %H:%M:%S")
