"""Counts from a CSV file: `timestamp,value` at a regular step, checked line by line."""

import csv
import io
import math
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.cli.errors import CliError

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_COLUMNS: Final = ("timestamp", "value")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_DATA: Final = frozenset({"", "nan", "null", "none", "na"})
_SECOND: Final = 1_000_000  # times are kept in microseconds until the step is known
_DAY: Final = 86_400
_NUMBER: Final = re.compile(r"\d+(\.\d*)?")
# Seconds since the epoch reach this in the year 5138; milliseconds have been beyond it since 1973.
_LAST_SECOND: Final = 1e11
# Beyond it no count is one, and the detector's 32-bit floats would lose their last digits long before.
_MOST: Final = 1e12
# From the first row to the last: what is kept in memory, and a quarter of an hour of work.
_MOST_ROWS: Final = 5_000_000
# The smallest pause between rows is their step if at least so many are that close: else one row is out of step.
_STEP_SHARE: Final = 0.1


class SeriesError(CliError):
    """A CSV file that is no series of counts; the message names the line and says what to do."""


@dataclass(frozen=True, slots=True)
class Series:
    """N rows of a file, `step_seconds` apart but for those that are missing."""

    timestamps: Sequence[str]
    """[N] as the file has them."""
    at: I64
    """[N] epoch seconds, UTC, rising."""
    values: F64
    """[N] counts; NaN where the file says nothing."""
    step_seconds: int

    @property
    def places(self) -> NDArray[np.intp]:
        """[N] each row's place on the regular grid, from 0."""
        places: NDArray[np.intp] = ((self.at - self.at[0]) // self.step_seconds).astype(np.intp)
        return places

    @property
    def missing(self) -> int:
        """Rows that the grid has and the file has not."""
        return int(self.places[-1]) + 1 - len(self.at)

    def on_grid(self, values: F64) -> F64:
        """[N] values of the file's rows -> those of all rows of the grid; NaN where the file has none."""
        spread = np.full(int(self.places[-1]) + 1, np.nan)
        spread[self.places] = values
        return spread


def read_series(file: str) -> Series:
    """Read a file, or standard input (`-`). Raises `SeriesError`, `OSError`."""
    # What is not UTF-8 becomes a character that no time and no number has, so that its line is named.
    if file == "-":
        lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace", newline="")
        return parse_series(lines, "standard input")
    with Path(file).open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        return parse_series(lines, file)


def parse_series(lines: Iterable[str], name: str) -> Series:
    """Read lines of CSV; `name` is what errors call them. Raises `SeriesError`."""
    rows = csv.reader(lines)
    timestamps: list[str] = []
    times: list[int] = []
    values: list[float] = []
    numbers: list[int] = []
    try:
        head = [cell.strip() for cell in next(rows, [])]
        if any(column not in head for column in _COLUMNS):
            raise SeriesError(f"{name}, line 1: the columns are not named: write `timestamp,value` as the first line")
        when, what = map(head.index, _COLUMNS)
        for row in rows:
            if not any(row):
                continue
            if len(row) != len(head):
                raise SeriesError(
                    f"{name}, line {rows.line_num}: {len(row)} columns where the first line has {len(head)}: write"
                    " numbers with a point and without separators of thousands"
                )
            timestamps.append(row[when].strip())
            try:
                times.append(_microseconds(timestamps[-1]))
                values.append(_count(row[what].strip()))
            except ValueError as error:
                raise SeriesError(f"{name}, line {rows.line_num}: {error}") from None
            numbers.append(rows.line_num)
    except csv.Error as error:
        raise SeriesError(f"{name}, line {rows.line_num}: no CSV ({error}): save it as comma-separated text") from None
    if len(times) < 2:
        raise SeriesError(f"{name}: {len(times)} rows: the step between rows shows from two on; give more of them")
    micros = np.array(times, np.int64)
    step = _step(micros, numbers, name)
    if (times[-1] - times[0]) // (step * _SECOND) >= _MOST_ROWS:
        raise SeriesError(
            f"{name}: more than {_MOST_ROWS:,} rows of {step} s from the first to the last, missing ones included: cut"
            " the file where nothing comes for long, or count at a longer step"
        )
    return Series(timestamps, micros // _SECOND, np.array(values), step)


def _microseconds(text: str) -> int:
    """Since the epoch. Raises ValueError with what to do."""
    if _NUMBER.fullmatch(text):
        if float(text) >= _LAST_SECOND:
            raise ValueError("the timestamp is no number of seconds since the epoch: divide milliseconds by 1000")
        return round(float(text) * _SECOND)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            "the timestamp is none: write 2026-03-01 08:30:00, 2026-03-01T08:30:00+01:00, or seconds since the epoch"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = (moment - _EPOCH) // timedelta(microseconds=1)
    if since < 0:
        raise ValueError("the timestamp lies before 1970: correct it")
    return since


def _count(text: str) -> float:
    """NaN for nothing, in the spellings that tools write. Raises ValueError with what to do."""
    if text.casefold() in _NO_DATA:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        raise ValueError("the value is no number: write a count, or nothing where there is no data")
    if value < 0:
        raise ValueError("the value is negative: counts are 0 or more; write nothing where there is no data")
    if value > _MOST:
        raise ValueError(f"the value is above {_MOST:.0e}: that is no count of mentions; correct it")
    return value


def _step(micros: I64, numbers: Sequence[int], name: str) -> int:
    """Seconds between rows. `numbers`: the line of each row. Raises `SeriesError` where they are not regular."""
    pauses = np.diff(micros)
    back = np.flatnonzero(pauses <= 0)
    if len(back):
        before, line = numbers[back[0]], numbers[back[0] + 1]
        if pauses[back[0]] == 0:
            raise SeriesError(
                f"{name}, line {line}: the same time as line {before}: keep one row of each time (sum them up if they"
                " are parts of one count). Where the clock was put back, write times in UTC or with their offset"
            )
        raise SeriesError(
            f"{name}, line {line}: earlier than line {before}: sort the rows by time. Where the clock was put back,"
            " write times in UTC or with their offset, such as 2026-10-25T02:30:00+01:00"
        )
    lengths, times = np.unique(pauses, return_counts=True)
    step = int(lengths[times.argmax()])
    if times[0] >= _STEP_SHARE * len(pauses) and not (lengths % lengths[0]).any():
        step = int(lengths[0])  # so many rows are missing that most pauses are longer
    off = np.flatnonzero(pauses % step)
    if len(off):
        line = numbers[off[0] + 1]
        raise SeriesError(
            f"{name}, line {line}: {pauses[off[0]] / _SECOND:g} s after the row before, while most rows are"
            f" {step / _SECOND:g} s apart: count at a regular step; rows may be missing, not shifted"
        )
    if step % _SECOND:
        raise SeriesError(f"{name}: rows {step / _SECOND:g} s apart: sum them up to a step of whole seconds")
    if step > _DAY * _SECOND:
        raise SeriesError(f"{name}: rows {step / _SECOND / _DAY:g} days apart: the longest step is a day")
    return step // _SECOND
