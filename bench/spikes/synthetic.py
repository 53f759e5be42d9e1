"""Synthetic counts: a season of the day and of the week, slow drift, negative binomial noise; and events in them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.router.spikes.detector import Evidence
from services.router.spikes.detector.state import F64

START: Final = 1_735_689_600  # a midnight, UTC
DAY: Final = 86400
MINUTE: Final = 60
SHAPE: Final = 8.0
"""Shape of the gamma noise of a minute's rate: counts of minutes are negative binomial with k = 8."""
NEGATIVE: Final = (0.2, 0.4)
COPIES: Final = (0.3, 0.5)
AUTHORS: Final = 1.1
"""Share of negatives, and of copies, among the usual mentions and among those of an event; mentions per author."""


@dataclass(frozen=True, slots=True)
class World:
    """How the normal rate varies."""

    day: float = 0.5
    """Amplitude of the season of the day (natural log): 0.5 is a factor of 2.7 between night and noon."""
    weekend: float = 0.1
    """How much less comes on weekends (natural log)."""
    drift: float = 0.05
    """Deviation of the random walk of the level, per week (natural log)."""


MILD: Final = World()
ROUGH: Final = World(day=0.7, weekend=0.25, drift=0.15)


def rates(series: int, rows: int, base: float, step: int, random: np.random.Generator, world: World = MILD) -> F64:
    """[T, S] Normal counts of a row: about `base` a minute."""
    hours = (np.arange(rows) * step / 3600)[:, None]
    phase = random.uniform(0, 24, series)
    day = np.sin(2 * np.pi * (hours - phase) / 24) + 0.25 * np.sin(4 * np.pi * (hours - phase) / 24)
    weekend = (hours // 24 + 3) % 7 >= 5  # 1 January 2025 is a Wednesday
    days = rows * step // DAY + 2
    walk = np.cumsum(random.normal(0, world.drift / np.sqrt(7), (days, series)), axis=0)
    place = hours[:, 0] / 24
    whole, part = place.astype(np.intp), (place % 1)[:, None]
    level = walk[whole] * (1 - part) + walk[whole + 1] * part
    log = world.day * day + np.where(weekend, -world.weekend, 0.4 * world.weekend) + level - world.day**2 / 4
    return np.asarray(base * step / MINUTE * np.exp(log))


def counts(rates: F64, step: int, random: np.random.Generator) -> F64:
    """[T, S] Counts with these means. The noise of the rate is shared by the rows of a minute."""
    rows, series = rates.shape
    each = max(MINUTE // step, 1)
    shape = SHAPE * max(step / MINUTE, 1)
    noise = np.repeat(random.gamma(shape, 1 / shape, (-(-rows // each), series)), each, axis=0)[:rows]
    return random.poisson(rates * noise).astype(np.float64)


def evidence(normal: F64, total: F64, random: np.random.Generator) -> Evidence:
    """[S] Of one row: what goes with `total` mentions of which `normal` are usual, and the rest belong to an event."""
    usual = np.minimum(np.rint(normal), total).astype(np.int64)
    more = total.astype(np.int64) - usual

    def some(shares: tuple[float, float]) -> F64:
        return (random.binomial(usual, shares[0]) + random.binomial(more, shares[1])).astype(np.float64)

    return Evidence(negative=some(NEGATIVE), classified=total, authors=np.ceil(total / AUTHORS), copies=some(COPIES))


@dataclass(frozen=True, slots=True)
class Event:
    """A shape that multiplies the normal rate, a value for each minute."""

    name: str
    shape: NDArray[np.float64]


def event(name: str, height: float, minutes: int, ramp: int = 0) -> Event:
    """To `height` times the normal rate, for `minutes`, after a linear ramp of `ramp` minutes."""
    up = 1 + (height - 1) * (np.arange(ramp) + 1) / max(ramp, 1)
    return Event(name, np.concatenate([up, np.full(minutes, height)]))


def place_events(
    event: Event, rows: int, series: int, step: int, first_day: float, random: np.random.Generator
) -> tuple[F64, list[tuple[int, int, int]]]:
    """[T, S] Multipliers with the event every three days or so, and where: series, first row, first row after."""
    shape = np.repeat(event.shape, MINUTE // step)
    multiplier = np.ones((rows, series))
    places = []
    for one in range(series):
        at = first_day + random.uniform(0, 3)
        while (begin := int(at * DAY / step)) + len(shape) < rows:
            multiplier[begin : begin + len(shape), one] = shape
            places.append((one, begin, begin + len(shape)))
            at += 3 * random.uniform(0.7, 1.3)
    return multiplier, places
