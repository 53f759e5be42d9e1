"""What was found: a table for people, or an object for each row of the file."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
from rich.text import Text

from services.cli.spikes.detecting import Found, ratio
from services.cli.spikes.series import Series
from services.cli.terminal import one_line, stdout, table

_DIGITS = 4


def print_json(series: Series, found: Found) -> None:
    """One object a row of the file, in its order."""
    out = stdout().file
    for row, timestamp in enumerate(series.timestamps):
        view = {
            "timestamp": timestamp,
            "value": _whole(float(series.values[row])),
            "expected": _finite(float(found.expected[row])),
            "score": _finite(float(found.score[row])),
            "alarm": bool(found.alarm[row]),
            "episode": int(found.episode[row]) or None,
            "rise": bool(found.rise[row]),
        }
        out.write(orjson.dumps(view).decode() + "\n")


def print_table(series: Series, found: Found) -> None:
    """The episodes, and what the file holds."""
    console = stdout()
    if found.episodes:
        numbers = ("number", "peak value", "expected then", "ratio", "score")
        shown = table("number", "from", "until", "peak at", *numbers[1:], right=numbers, title="Spikes")
        for episode in found.episodes:
            times = ratio(series, found, episode.peak)
            shown.add_row(
                str(episode.number),
                one_line(series.timestamps[episode.first]),
                "goes on" if episode.open else one_line(series.timestamps[episode.last]),
                one_line(series.timestamps[episode.peak]),
                f"{series.values[episode.peak]:,.0f}",
                f"{found.expected[episode.peak]:,.1f}",
                f"{times:,.1f}×" if math.isfinite(times) else "–",
                f"{episode.score:.2f}",
            )
        console.print(shown)
    else:
        console.print("No spikes.\n")
    for line in _summary(series, found):
        console.print(Text(line), soft_wrap=True)


def _summary(series: Series, found: Found) -> list[str]:
    empty = int(np.isnan(series.values).sum())
    gaps = int((np.diff(np.flatnonzero(~np.isnan(series.on_grid(series.values)))) > 1).sum())
    rises = int(found.rise[0]) + int((np.diff(found.rise.astype(np.int8)) > 0).sum())
    return [
        f"{len(series.at):,} rows, one every {duration(series.step_seconds)}, from {_utc(int(series.at[0]))} to"
        f" {_utc(int(series.at[-1]))}",
        f"{gaps:,} gaps: {series.missing:,} rows missing, {empty:,} without a value",
        f"{len(found.episodes):,} spikes, {rises:,} rises (lesser and quicker: for operations, not announced)",
    ]


def duration(seconds: int) -> str:
    """In the largest unit that it is a whole number of: `5 min`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _utc(at: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at):%Y-%m-%d %H:%M:%S} UTC"


def _whole(value: float) -> float | int | None:
    """A count as the file has it: without a fraction unless there is one."""
    return int(value) if value.is_integer() else _finite(value)


def _finite(value: float) -> float | None:
    return round(value, _DIGITS) if math.isfinite(value) else None
