"""What the demo shows while it plays: a live table on a terminal, a line per routed mention and per alert elsewhere."""

from collections import Counter
from datetime import datetime
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from services.cli.demo.alerts import alert_line
from services.cli.demo.feed import Json
from services.cli.demo.playing import Played
from services.cli.terminal import PRIORITY_STYLES, SENTIMENT_STYLES, one_line, table

_REASONS: Final = 2
_ALERTS: Final = 3
_FRAME: Final = 7  # lines around the rows: head line, column names, rule, margins


class Board:
    """Shows `Played` as it grows. Use it as the update of `play`, within `live`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines = self._alerts = 0  # already printed, without a terminal
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(console=console, refresh_per_second=8, auto_refresh=True, redirect_stdout=False)

    def __enter__(self) -> "Board":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, played: Played) -> None:
        """Show what has happened so far."""
        if self._live:
            self._live.update(self._picture(played))
            return
        for routed in played.routed[self._lines :]:
            self._console.print(plain_line(routed.item), soft_wrap=True)
        self._lines = len(played.routed)
        announced = played.announced or []
        for each in announced[self._alerts :]:
            self._console.print(alert_line(each.alert), soft_wrap=True)
        self._alerts = len(announced)

    def _picture(self, played: Played) -> RenderableType:
        alerts = [
            Text(f" {alert_line(each.alert)} ", style="bold white on red", no_wrap=True, overflow="ellipsis")
            for each in (played.announced or [])[-_ALERTS:]
        ]
        rows = max(3, self._console.height - _FRAME - len(alerts))
        return Group(_head(played), *alerts, _rows([routed.item for routed in played.routed[-rows:]]))


def plain_line(item: Json) -> str:
    """A routed mention in one line: time, priority, queue, type/sentiment, language, reasons, text."""
    said, routing = item["classification"], item["routing"]
    labels = f"{said['inquiry_type']['label']}/{said['sentiment']['label']}"
    return one_line(
        f"{_time(item)} {routing['priority']} {routing['queue']} {labels} {said['language']} [{reasons(item, 4)}] "
        + item["mention"]["text"]
    )


def reasons(item: Json, count: int) -> str:
    """The rules that moved the score most."""
    heaviest = sorted(item["routing"]["reasons"], key=lambda reason: -abs(reason["points"]))
    return ", ".join(f"{reason['rule']} {reason['points']:+d}" for reason in heaviest[:count])


def _head(played: Played) -> Text:
    hours, minutes = divmod(int(played.clock) // 60, 60)
    priorities = Counter(routed.item["routing"]["priority"] for routed in played.routed)
    head = Text(f" {hours:02}:{minutes:02} ", style="bold reverse", no_wrap=True, overflow="ellipsis")
    head.append(f"  {played.deliveries} delivered, {len(played.routed)} routed  ", style="not reverse")
    for priority, style in PRIORITY_STYLES.items():
        head.append(f" {priority} {priorities[priority]} ", style=f"not reverse {style}").append(
            " ", style="not reverse"
        )
    return head


def _rows(items: list[Json]) -> Table:
    shown = table()
    shown.expand = True
    for name, columns in (("time", 5), ("", 2), ("queue", 13), ("what it is", 10), ("", 3)):
        shown.add_column(name, width=columns, no_wrap=True, overflow="ellipsis")
    for name, ratio in (("why", 4), ("text", 4)):
        shown.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis")
    for item in items:
        said, routing = item["classification"], item["routing"]
        sentiment = said["sentiment"]["label"]
        cells = [
            Text(_time(item), style="dim"),
            Text(routing["priority"], style=PRIORITY_STYLES[routing["priority"]]),
            Text(one_line(routing["queue"])),
            Text(said["inquiry_type"]["label"], style=SENTIMENT_STYLES[sentiment]),
            Text(one_line(said["language"]), style="cyan"),
            Text(one_line(reasons(item, _REASONS)), style="dim"),
            Text(one_line(item["mention"]["text"])),
        ]
        shown.add_row(*cells)
    return shown


def _time(item: Json) -> str:
    """Local time of day at which it was written."""
    return datetime.fromisoformat(item["mention"]["occurred_at"]).astimezone().strftime("%H:%M")
