"""The three real series of the Numenta Anomaly Benchmark, and altered copies of them.

Almost every detector looks good on three series: copies that are rotated in time, thinned, stretched in contrast, or
put together anew from whole days have the same kinds of events at other times, volumes and heights.
"""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from bench.spikes.nab import PROBATION_LIMIT, Window
from services.router.spikes.detector.state import F64

STEP_SECONDS: Final = 300
_DAY_ROWS: Final = 86400 // STEP_SECONDS
_NAMES: Final = ("AMZN", "CRM", "KO")
_CORE_ROWS: Final = 100
"""So many rows before and after the middle of a window belong to its event."""
_TRIES: Final = 1000


@dataclass(frozen=True, slots=True)
class Labelled:
    """Counts per five minutes with the windows of their labelled events."""

    name: str
    kind: str
    start: int
    """Epoch seconds of the first row."""
    counts: F64
    windows: tuple[Window, ...]


def data_folder(given: Path | None = None) -> Path:
    """Where the series lie: as given, or the variable SPIKES_DATA. Raises SystemExit that says what is missing."""
    folder = given or Path(os.environ.get("SPIKES_DATA", ""))
    missing = [name for name in ("windows.json", *map(_file, _NAMES)) if not (folder / name).is_file()]
    if missing:
        raise SystemExit(
            f"the real series are missing ({', '.join(missing)}): take the realTweets files of the Numenta Anomaly"
            " Benchmark and their windows (combined_windows.json as windows.json), and give their folder with --data"
            " or SPIKES_DATA"
        )
    return folder


def real_series(folder: Path) -> list[Labelled]:
    """The three series as they are."""
    labels = json.loads((folder / "windows.json").read_text())
    return [_read(folder, name, labels[f"realTweets/{_file(name)}"]) for name in _NAMES]


def altered_copies(series: list[Labelled], seed: int, each: int = 12) -> Iterator[Labelled]:
    """Rotated in time, and each of these thinned to 50 % and 20 %, and with contrast 0.6 and 1.4."""
    random = np.random.default_rng(seed)
    for one in series:
        for _ in range(each):
            turned = _rotated(one, random)
            yield turned
            yield _thinned(turned, 0.5, random)
            yield _thinned(turned, 0.2, random)
            yield _contrast(turned, 0.6)
            yield _contrast(turned, 1.4)


def reordered_copies(series: list[Labelled], seed: int, each: int = 12) -> Iterator[Labelled]:
    """Whole days in another order, each also thinned to a tenth, and to little volume: about one in five minutes."""
    random = np.random.default_rng(seed)
    for one in series:
        for _ in range(each):
            mixed = _reordered(one, random)
            yield mixed
            yield _thinned(mixed, 0.1, random)
            yield _thinned(mixed, min(1.0, 1.0 / float(one.counts.mean())), random, "one in five minutes")


def _file(name: str) -> str:
    return f"Twitter_volume_{name}.csv"


def _read(folder: Path, name: str, labels: list[tuple[str, str]]) -> Labelled:
    with (folder / _file(name)).open(newline="") as lines:
        rows = [(_epoch(row["timestamp"]), float(row["value"])) for row in csv.DictReader(lines)]
    times = np.array([time for time, _ in rows])
    windows = tuple(
        (int(np.searchsorted(times, _epoch(begin))), int(np.searchsorted(times, _epoch(end), side="right")))
        for begin, end in labels
    )
    return Labelled(name, "as they are", int(times[0]), np.array([value for _, value in rows]), windows)


def _epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _as(one: Labelled, kind: str, counts: F64, windows: tuple[Window, ...] | None = None) -> Labelled:
    return Labelled(one.name, kind, one.start, counts, one.windows if windows is None else windows)


def _usable(windows: list[Window], rows: int) -> bool:
    """Whether all lie behind the probation, within the series, and apart."""
    ordered = sorted(windows)
    apart = all(before[1] <= after[0] for before, after in pairwise(ordered))
    return apart and ordered[0][0] > PROBATION_LIMIT and ordered[-1][1] <= rows


def _rotated(one: Labelled, random: np.random.Generator) -> Labelled:
    rows = len(one.counts)
    for _ in range(_TRIES):
        by = int(random.integers(rows))
        windows = [((begin - by) % rows, (begin - by) % rows + end - begin) for begin, end in one.windows]
        if _usable(windows, rows):
            return _as(one, "rotated", np.roll(one.counts, -by), tuple(sorted(windows)))
    raise ValueError(f"{one.name}: no rotation keeps its windows whole")


def _thinned(one: Labelled, share: float, random: np.random.Generator, kind: str | None = None) -> Labelled:
    kept = random.binomial(one.counts.astype(np.int64), share).astype(np.float64)
    return _as(one, kind or f"{one.kind}, {share:.0%} of it", kept)


def _contrast(one: Labelled, power: float) -> Labelled:
    usual = float(np.minimum(one.counts, np.quantile(one.counts, 0.99)).mean())
    return _as(one, f"{one.kind}, contrast {power}", np.round(usual * (one.counts / usual) ** power))


def _reordered(one: Labelled, random: np.random.Generator) -> Labelled:
    days = len(one.counts) // _DAY_ROWS
    middles = [(begin + end) // 2 for begin, end in one.windows]
    # An event that reaches over midnight keeps its days together.
    split = [
        day
        for day in range(1, days)
        if not any(middle - _CORE_ROWS < day * _DAY_ROWS < middle + _CORE_ROWS for middle in middles)
    ]
    groups = np.split(np.arange(days), split)
    for _ in range(_TRIES):
        order = np.concatenate([groups[place] for place in random.permutation(len(groups))])
        moved = {int(day): place for place, day in enumerate(order)}
        by = [(moved[middle // _DAY_ROWS] - middle // _DAY_ROWS) * _DAY_ROWS for middle in middles]
        windows = [(begin + move, end + move) for (begin, end), move in zip(one.windows, by, strict=True)]
        if _usable(windows, days * _DAY_ROWS):
            counts = np.concatenate([one.counts[day * _DAY_ROWS : (day + 1) * _DAY_ROWS] for day in order])
            return _as(one, "days reordered", counts, tuple(sorted(windows)))
    raise ValueError(f"{one.name}: no order of its days keeps its windows apart")
