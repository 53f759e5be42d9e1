"""The detector over a whole series: the same code, row by row, as the router runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.cli.spikes.series import F64, Series
from services.router.spikes.detector import advance, new_state


@dataclass(frozen=True, slots=True)
class Episode:
    """One spike, from the row on which it starts to the last before it has ended; rows are indices of the file's."""

    number: int
    first: int
    last: int
    peak: int
    """The row with the highest count."""
    score: float
    """The highest score."""
    open: bool
    """Whether it goes on where the file ends."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the detector said on each of N rows of the file."""

    expected: F64
    score: F64
    alarm: NDArray[np.bool_]
    """A spike starts on this row."""
    episode: NDArray[np.int64]
    """The episode's number, from 1; 0 where there is none."""
    rise: NDArray[np.bool_]
    episodes: Sequence[Episode]


def detect(series: Series) -> Found:
    """Judge each row by those before it. Rows that the file lacks are shown to the detector as no data."""
    size = len(series.at)
    expected, score = np.full(size, np.nan), np.full(size, np.nan)
    alarm, rise = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    episode = np.zeros(size, np.int64)
    counts, places = series.on_grid(series.values), series.places
    state = new_state(1, series.step_seconds)
    number = row = 0
    for place in range(len(counts)):
        said = advance(state, int(series.at[0]) + place * series.step_seconds, counts[place : place + 1])
        number += bool(said.started[0])
        if place != places[row]:
            continue
        expected[row], score[row] = said.expected[0], said.score[0]
        alarm[row], rise[row] = said.started[0], said.rising[0]
        episode[row] = number if said.spiking[0] else 0
        row += 1
    episodes = [_episode(series, score, episode, n) for n in range(1, number + 1)]
    return Found(expected, score, alarm, episode, rise, episodes)


def _episode(series: Series, score: F64, episode: NDArray[np.int64], number: int) -> Episode:
    rows = np.flatnonzero(episode == number)
    first, last = int(rows[0]), int(rows[-1])
    peak = first + int(np.nanargmax(series.values[first : last + 1]))
    highest = float(np.nanmax(score[first : last + 1]))
    return Episode(number, first, last, peak, highest, open=last == len(series.at) - 1)


def ratio(series: Series, found: Found, row: int) -> float:
    """How far above what was expected; infinite where nothing was."""
    expected = float(found.expected[row])
    return float(series.values[row]) / expected if expected > 0 else math.inf
