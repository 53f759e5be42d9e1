"""The hard cases: where a detector raises false episodes, or misses one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.spikes import running, synthetic
from services.router.spikes.detector import DetectorState, Evidence, dump, load, new_state
from services.router.spikes.detector.state import F64

_STEP: Final = 60
_DAY_ROWS: Final = 1440
_LEARNED_DAYS: Final = 10
_BASES: Final = (2.0, 10.0, 100.0)
"""Mentions a minute."""
_EACH: Final = 6
_WORLD: Final = synthetic.World(day=0.7, weekend=0.15)

Shape = Callable[[F64], F64]
"""Alters the normal rates [T, S] of the days after the history; NaN: no data."""


@dataclass(frozen=True, slots=True)
class Case:
    """One hard case. Rows are minutes after the history (ten days, unless `new`)."""

    name: str
    shape: Shape
    days: float = 1.0
    night: bool = False
    """Rows count from each series' quietest minute."""
    new: bool = False
    """The series have no history."""
    bases: tuple[float, ...] = _BASES
    events: tuple[tuple[int, int], ...] = ()
    """First row of each event that must be announced, and minutes within which."""
    rises: tuple[tuple[int, int], ...] = ()
    """The same for the rise alone."""
    quiet: tuple[tuple[int, int], ...] = ()
    """Rows in which no rise may begin, but by chance."""
    factor: float | None = None
    """What is planned, from row 600 for four hours."""
    flood: tuple[int, int] | None = None
    """Rows in which all that is above normal is one author's."""
    more: tuple[int, int] = (0, 0)
    """From row 600 on, so many minutes bring so many mentions more."""
    arrives: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Minutes within which the mentions of a gap come in, by the gap's rows: {minutes: (first, end)}."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of all series of a case."""

    series: int
    false_spikes: int
    """Spikes announced outside the events."""
    missed: int
    """Events that were not announced in time."""
    delay: float
    """Median minutes from an event's begin to its announcement; NaN without events."""
    missed_rises: int
    chance_rises: int
    """Series in which a rise began where none should."""


def outcome(case: Case) -> Outcome:
    """Run a case."""
    rows = int(case.days * _DAY_ROWS)
    history = 0 if case.new else _LEARNED_DAYS * _DAY_ROWS
    random = np.random.default_rng(len(case.name))
    rates = np.hstack([_rates(base)[history : history + rows] for base in case.bases])
    with np.errstate(invalid="ignore"):
        altered = case.shape(rates.copy())
    counts = synthetic.counts(np.nan_to_num(altered), _STEP, random)
    counts[np.isnan(altered)] = np.nan
    for minutes, (first, end) in case.arrives.items():
        late = synthetic.counts(rates[first:end], _STEP, random).sum(axis=0)
        counts[end : end + minutes] += late / minutes
    minutes, mentions = case.more
    counts[600 : 600 + minutes] += np.ceil(np.arange(1, minutes + 1) * mentions / max(minutes, 1) - 1e-9)[:, None]
    counts[601 : 600 + minutes] -= np.ceil(np.arange(1, minutes) * mentions / max(minutes, 1) - 1e-9)[:, None]
    state = new_state(counts.shape[1], _STEP) if case.new else _learned(case.bases)
    factor = np.ones(counts.shape)
    factor[600:840] = 1 if case.factor is None else case.factor
    found = running.run(
        counts,
        synthetic.START + history * _STEP,
        _STEP,
        state=state,
        factor=factor,
        evidence=None if case.flood is None else _one_author(counts, rates, case.flood),
    )
    begins = _nights(rates) if case.night else np.zeros(counts.shape[1], np.intp)
    started, rising = (_from(flags, begins) for flags in (found.started, found.rising))
    allowed = np.zeros(rows, np.bool_)
    delays: list[float] = []
    for begin, minutes in case.events:
        allowed[begin : begin + minutes] = True
        delays += _delays(started[begin : begin + minutes])
    rise_delays = [each for begin, minutes in case.rises for each in _delays(rising[begin : begin + minutes])]
    onsets = running.episodes(found.rising)
    chance = sum(int(onsets[first:end].any(axis=0).sum()) for first, end in case.quiet)
    return Outcome(
        series=counts.shape[1],
        false_spikes=int(started[~allowed].sum()),
        missed=sum(delay == np.inf for delay in delays),
        delay=float(np.median(delays)) if delays else float("nan"),
        missed_rises=sum(delay == np.inf for delay in rise_delays),
        chance_rises=chance,
    )


def _from(flags: NDArray[np.bool_], begins: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Each series' rows turned so that this one is its first."""
    return np.stack([np.roll(column, -begin) for column, begin in zip(flags.T, begins, strict=True)], axis=1)


def _delays(flags: NDArray[np.bool_]) -> list[float]:
    return [float(column.argmax()) + 1 if column.any() else np.inf for column in flags.T]


@cache
def _rates(base: float) -> F64:
    random = np.random.default_rng(int(base * 1000))
    return synthetic.rates(_EACH, (_LEARNED_DAYS + 5) * _DAY_ROWS, base, _STEP, random, _WORLD)


@cache
def _history(bases: tuple[float, ...]) -> bytes:
    random = np.random.default_rng(1)
    rates = np.hstack([_rates(base)[: _LEARNED_DAYS * _DAY_ROWS] for base in bases])
    return dump(running.run(synthetic.counts(rates, _STEP, random), synthetic.START, _STEP).state)


def _learned(bases: tuple[float, ...]) -> DetectorState:
    return load(_history(bases))


def _one_author(counts: F64, rates: F64, flood: tuple[int, int]) -> Callable[[int], Evidence]:
    def of(row: int) -> Evidence:
        usual = np.ceil(np.minimum(counts[row], rates[row]) / synthetic.AUTHORS)
        inside = flood[0] <= row < flood[1]
        authors = usual if inside else np.ceil(counts[row] / synthetic.AUTHORS)
        unknown = np.full(counts.shape[1], np.nan)
        return Evidence(negative=unknown, classified=unknown, authors=authors, copies=unknown)

    return of


def times(height: float, *spans: tuple[int, int]) -> Shape:
    """`height` times the normal rate in these rows."""

    def shape(rates: F64) -> F64:
        for first, end in spans:
            rates[first:end] *= height
        return rates

    return shape


def gap(first: int, end: int, then: Shape | None = None) -> Shape:
    """No data in these rows."""

    def shape(rates: F64) -> F64:
        rates = rates if then is None else then(rates)
        rates[first:end] = np.nan
        return rates

    return shape


def _growth(rates: F64) -> F64:
    """A third more in ten days."""
    return np.asarray(rates * 1.03 ** (np.arange(len(rates)) / _DAY_ROWS)[:, None])


def _at_night(rates: F64) -> F64:
    """Twenty times as much for an hour, from each series' quietest minute of the first day on."""
    for column, begin in zip(rates.T, _nights(rates), strict=True):
        column[begin : begin + 60] *= 20
    return rates


def _nights(rates: F64) -> NDArray[np.intp]:
    return np.asarray(rates[:_DAY_ROWS].argmin(axis=0))


def _ramp(rates: F64) -> F64:
    """To five times as much over three hours, and three hours of that."""
    rates[600:780] *= np.linspace(1, 5, 180)[:, None]
    rates[780:960] *= 5
    return rates


def _as_it_is(rates: F64) -> F64:
    return rates


CASES: Final = (
    Case("new brand, four ordinary days", _growth, days=4, new=True, quiet=((0, 4 * _DAY_ROWS),)),
    Case("new brand, viral in its first quarter of an hour", times(20, (10, 70)), 0.5, new=True, events=((10, 20),)),
    Case("new brand, viral on its first day", times(20, (600, 660)), new=True, events=((600, 30),)),
    Case("little volume, three in a minute", _as_it_is, bases=(0.004,), quiet=((600, 720),), more=(1, 3)),
    Case("little volume, fifteen in ten minutes", _as_it_is, bases=(0.004,), events=((600, 15),), more=(10, 15)),
    Case("gap of two hours", gap(600, 720), quiet=((600, 840),)),
    Case("gap, then all of it within five minutes", gap(600, 720), quiet=((600, 840),), arrives={5: (600, 720)}),
    Case("gap, and a viral post after it", gap(600, 660, times(20, (660, 720))), events=((660, 20),)),
    Case("holiday: a day at 30 %, and back", times(0.3, (600, 600 + _DAY_ROWS)), days=2.5, quiet=((600, 3600),)),
    Case("viral post at night", _at_night, 1.5, events=((0, 20),), rises=((0, 5),), night=True),
    Case("second one six hours after the first", times(20, (600, 640), (1000, 1040)), events=((600, 10), (1000, 20))),
    Case("one author floods, three times as much", times(3, (600, 660)), quiet=((600, 720),), flood=(600, 660)),
    Case("one author floods, a hundred times as much", times(100, (600, 660)), events=((600, 50),), flood=(600, 660)),
    Case("launch, planned with 3, comes with 3", times(3, (600, 840)), quiet=((600, 900),), factor=3),
    Case("launch, planned with 3, comes with 40", times(40, (600, 700)), events=((600, 15),), factor=3),
    Case("launch, planned with 3, does not come", _as_it_is, days=2.5, quiet=((600, 3600),), factor=3),
    Case("slow ramp to 5 over three hours", _ramp, events=((630, 200),), rises=((600, 90),)),
    Case("three percent more each day", _growth, days=4),
    Case("two days after a spike", times(20, (600, 640), (3600, 3640)), days=3, events=((600, 10), (3600, 10))),
)  # fmt: skip
