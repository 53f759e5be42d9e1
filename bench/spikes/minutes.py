"""How quick the detector is on synthetic counts, and how often it is wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.report import Row
from bench.spikes import running, synthetic
from services.router.spikes.detector import Evidence
from services.router.spikes.detector.state import F64

_DAYS = 35
_FIRST_DAY = 14.0
"""Before it nothing is judged: baselines are being learned."""
_SERIES = 16
_WITHIN_MINUTES = 45
_X3 = synthetic.event("x3", 3, 60)
_HALF_MORE = synthetic.event("+70 % for an hour", 1.7, 60)
_RAMPS = tuple(synthetic.event(f"ramp to x5 in {minutes} min", 5, 30, minutes) for minutes in (30, 60))
_X20 = synthetic.event("x20", 20, 30)


@dataclass(frozen=True, slots=True)
class Trial:
    """Series of one base with one event, or with none."""

    base: float
    """Mentions a minute."""
    event: synthetic.Event | None = None

    @property
    def name(self) -> str:
        """As the tables show it."""
        return f"{self.event.name if self.event else 'no event'} at {self.base:g}/min"


@dataclass(frozen=True, slots=True)
class Found:
    """What one flag of the detector did in one trial."""

    false: float
    """Episodes per series-week; of trials without events."""
    share: float
    """Of the events, found within 45 minutes, in percent."""
    median: float
    """Minutes to the end of the row that showed it."""
    p90: float


def rise(world: synthetic.World = synthetic.MILD, seed: int = 1) -> list[Row]:
    """The rise, by the count alone, on minute counts."""
    trials = [
        Trial(base, event) for base in (10.0, 2.0) for event in (None, _X3, _HALF_MORE, *_RAMPS)
    ]  # fmt: skip
    found = _try(trials, 60, world, seed)
    rows = [Row(f"{trial.name}, false episodes", flags.false, "per series-week", 1)
            for trial, flags in found if trial.event is None]  # fmt: skip
    for trial, flags in found:
        if trial.event is not None:
            rows += _figures(trial, flags)
    return rows


def with_evidence(seed: int = 2) -> list[Row]:
    """+70 % for an hour, with what else is known of the mentions."""
    trials = [Trial(10.0), Trial(10.0, _HALF_MORE)]
    (_, clean), (trial, flags) = _try(trials, 60, synthetic.MILD, seed, evident=True)
    return [
        Row("no event at 10/min, with evidence, false episodes", clean.false, "per series-week", 1),
        Row(f"{trial.name}, with evidence, found within 45 min", flags.share, "%", 95),
        Row(f"{trial.name}, with evidence, median", flags.median, "min"),
    ]


def seconds(seed: int = 3) -> list[Row]:
    """On rows of ten seconds, as the router runs it: how soon a viral post is announced, and false episodes."""
    trials = [Trial(base, event) for base in (10.0, 100.0) for event in (None, _X20)]
    rises = _try(trials, 10, synthetic.MILD, seed, days=9, first_day=6.0, series=12)
    spikes = _try(trials, 10, synthetic.MILD, seed, days=9, first_day=6.0, series=12, flag=lambda run: run.started)
    rows: list[Row] = []
    for name, found in (("rise", rises), ("spike", spikes)):
        for trial, flags in found:
            if trial.event is None:
                rows.append(Row(f"{trial.name}, 10 s rows, false: {name}", flags.false, "per series-week"))
            else:
                rows.append(Row(f"{trial.name}, 10 s rows, {name}: found", flags.share, "%"))
                rows.append(Row(f"{trial.name}, 10 s rows, {name}: median", flags.median * 60, "s"))
    return rows


def _figures(trial: Trial, flags: Found) -> list[Row]:
    targets = _TARGETS.get(trial.name, (None, None, None))
    return [
        Row(f"{trial.name}, found within 45 min", flags.share, "%", targets[0]),
        Row(f"{trial.name}, median", flags.median, "min", targets[1]),
        Row(f"{trial.name}, 90th percentile", flags.p90, "min", targets[2]),
    ]


_TARGETS: dict[str, tuple[float | None, float | None, float | None]] = {
    "x3 at 10/min": (100, 3, 6),
    "+70 % for an hour at 10/min": (87, None, None),
    "ramp to x5 in 30 min at 10/min": (100, 12, None),
    "x3 at 2/min": (100, 6, None),
}


def _try(
    trials: Sequence[Trial],
    step: int,
    world: synthetic.World,
    seed: int,
    *,
    evident: bool = False,
    days: int = _DAYS,
    first_day: float = _FIRST_DAY,
    series: int = _SERIES,
    flag: Callable[[running.Run], NDArray[np.bool_]] = lambda run: run.rising,
) -> list[tuple[Trial, Found]]:
    random = np.random.default_rng(seed)
    rows = days * synthetic.DAY // step
    normal, altered, places = [], [], []
    for trial in trials:
        rates = synthetic.rates(series, rows, trial.base, step, random, world)
        multiplier: F64 = np.ones((1, 1))
        at: list[tuple[int, int, int]] = []
        if trial.event is not None:
            multiplier, at = synthetic.place_events(trial.event, rows, series, step, first_day, random)
        normal.append(rates)
        altered.append(rates * multiplier)
        places.append(at)
    usual, counts = np.hstack(normal), synthetic.counts(np.hstack(altered), step, random)
    shares = usual / np.hstack(altered)

    def evidence(row: int) -> Evidence:
        return synthetic.evidence(counts[row] * shares[row], counts[row], random)

    flags = flag(running.run(counts, synthetic.START, step, evidence=evidence if evident else None))
    columns = [flags[:, place * series : (place + 1) * series] for place in range(len(trials))]
    return [
        (trial, _found(column, at, step, first_day)) for trial, column, at in zip(trials, columns, places, strict=True)
    ]


def _found(flags: NDArray[np.bool_], places: Sequence[tuple[int, int, int]], step: int, first_day: float) -> Found:
    first = int(first_day * synthetic.DAY / step)
    begins = running.episodes(flags)[first:]
    weeks = begins.size * step / (7 * synthetic.DAY)
    within = _WITHIN_MINUTES * synthetic.MINUTE // step
    delays: F64 = np.array(
        [
            (np.flatnonzero(flags[begin : begin + within, one]).min(initial=within) + 1) * step / synthetic.MINUTE
            for one, begin, _ in places
        ]
        or [np.nan]
    )
    late = delays > _WITHIN_MINUTES
    return Found(
        false=float(begins.sum() / weeks),
        share=100 * float(1 - late.mean()),
        median=float(np.quantile(delays, 0.5, method="inverted_cdf")),
        p90=float(np.quantile(delays, 0.9, method="inverted_cdf")),
    )
