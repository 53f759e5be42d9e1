"""How the alarms score on the labelled series, and on altered copies of them."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from bench.report import Row
from bench.spikes import running
from bench.spikes.nab import LOW_FP, STANDARD, Tally, tally
from bench.spikes.series import STEP_SECONDS, Labelled, altered_copies, real_series, reordered_copies

_SEED = 20_261_126


def labels(folder: Path) -> list[Row]:
    """The rows of the table: real series, altered copies, days in another order."""
    real = real_series(folder)
    altered = _scored(list(altered_copies(real, _SEED)))
    mixed = _scored(list(reordered_copies(real, _SEED)))
    rows = _rows("three real series", _sum(tally for _, tally in _scored(real)), (85.3, 77.1))
    rows += _rows("altered copies", _sum(tally for _, tally in altered))
    rows += [Row("altered copies, mean of both profiles", _sum(tally for _, tally in altered).mean, "points", 85)]
    rows += _rows("days in another order, thinned", _sum(tally for _, tally in mixed))
    kinds = sorted(altered + mixed, key=lambda pair: pair[0].kind)
    for kind, pairs in groupby(kinds, key=lambda pair: pair[0].kind):
        rows.append(Row(f"{kind}, mean of both profiles", _sum(tally for _, tally in pairs).mean, "points"))
    return rows


def _scored(series: Sequence[Labelled]) -> list[tuple[Labelled, Tally]]:
    """All that are of one length at once: the detector is the same for one series and for many."""
    found: list[tuple[Labelled, Tally]] = []
    for (start, _), group in groupby(sorted(series, key=_shape), key=_shape):
        alike = list(group)
        alarms = running.run(np.stack([one.counts for one in alike], axis=1), start, STEP_SECONDS).started
        found += [(one, tally(alarms[:, place], one.windows)) for place, one in enumerate(alike)]
    return found


def _shape(one: Labelled) -> tuple[int, int]:
    return one.start, len(one.counts)


def _sum(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def _rows(name: str, total: Tally, targets: tuple[float | None, float | None] = (None, None)) -> list[Row]:
    weeks = total.rows * STEP_SECONDS / (7 * 86400)
    return [
        Row(f"{name}, standard", total.score(STANDARD), "points", targets[0]),
        Row(f"{name}, low-FP", total.score(LOW_FP), "points", targets[1]),
        Row(f"{name}, windows found", 100 * total.found / total.windows, "%"),
        Row(f"{name}, false alarms", total.false / weeks, "per series-week"),
    ]
