"""One row of all series: a function of the state and the row alone."""

import numpy as np

from services.router.spikes.detector import calibration, decision, gaps, records, season, shares, windows
from services.router.spikes.detector.scores import Evidence, Scores
from services.router.spikes.detector.setting import DAY, HOUR, RECENT, SETTING, Setting
from services.router.spikes.detector.state import EIGHTHS, F64, HIGH_DAYS, NEVER, DetectorState, pick, put

_LEAST_FILLED = 1e-9  # of a window: a series' first row may be without data


def advance(
    state: DetectorState,
    at: int,
    counts: F64,
    *,
    factor: F64 | None = None,
    evidence: Evidence | None = None,
    setting: Setting = SETTING,
) -> Scores:
    """Take one row in, and score it. The state is taken over and changed in place.

    `at`: epoch seconds (UTC) at which the row begins. `counts`: [S], NaN where nothing is known of the row (missing is
    not zero). `factor`: [S] multiple of the normal count that is planned for, 1 = none. A series' rows come in order;
    rows left out are rows of which nothing is known. Raises ValueError for a row that a series has taken in before.
    """
    newest = state.last.max(initial=NEVER)
    if at <= newest:
        raise ValueError(f"the row at {at} comes after the one at {newest}: feed rows in the order of time")
    if factor is None:
        factor = np.ones(state.series)
    groups = np.unique(state.last)
    if len(groups) <= 1:
        return _advance(state, at, counts, factor, evidence, setting)
    # Series that began or stopped at different times: each group has its own hours and days to close.
    result = Scores.blank(state.series)
    for last in groups:
        rows = np.flatnonzero(state.last == last)
        part = pick(state, rows)
        known = None if evidence is None else evidence.pick(rows)
        result.put(rows, _advance(part, at, counts[rows], factor[rows], known, setting))
        put(state, rows, part)
    return result


def _advance(
    state: DetectorState, at: int, counts: F64, factor: F64, evidence: Evidence | None, setting: Setting
) -> Scores:
    """The same for series that have all seen their last row at the same time."""
    if state.series == 0:
        return Scores.blank(0)
    last = int(state.last[0])
    if last == NEVER:
        calibration.calibrate(state, setting)
        shares.calibrate(state, setting)
    else:
        close(state, last, at, setting)
        state.age += at - last
    missed = 0 if last == NEVER else max(round((at - last) / state.step_seconds) - 1, 0)
    seen = ~np.isnan(counts)
    # In units of the normal count from here on: what is planned for is taken out of both sides.
    plain = shares.without_floods(state, np.where(seen, counts, 0.0), evidence, setting) / factor
    normal = season.expect(state, at)
    base = np.where(np.isnan(normal), plain, normal)
    plain = gaps.without_late(state, plain, base, seen, missed, setting)
    windows.take_in(state, plain, base, seen, missed)
    residual = windows.residuals(state, setting)
    excess = windows.excess(state, residual, setting)
    high = state.counts.astype(np.float32)
    days = records.days_since_as_high(state, at, high, setting)
    rise, score = _scores(state, residual, excess, days, shares.excess(state, counts, evidence), setting)
    known = seen[:, None]
    np.maximum(state.peak, residual.astype(np.float32), out=state.peak, where=known)
    np.maximum(state.block, high, out=state.block, where=known)
    season.follow(state, np.where(seen & (factor == 1), plain, np.nan), setting)
    state.last[:] = at
    enough = seen & windows.enough(state, setting) & (state.age >= setting.least_age)
    live = windows.any_up_to(excess > 0, state, setting.rise_longest)
    started, spiking = decision.spikes(state, at, score, enough, rise, live, setting)
    rising = decision.rises(state, at, rise, enough, setting)
    moving = windows.any_up_to(excess > 0, state, setting.moving_longest)
    series, most = np.arange(state.series), np.argmax(excess * state.filled, axis=1)
    length = state.scales[most]
    rows = length / state.step_seconds * factor
    last = int(np.searchsorted(state.scales, min(RECENT, state.scales[-1])))
    recent = state.scales[last] / state.step_seconds * factor / state.filled[:, last].clip(_LEAST_FILLED)
    return Scores(
        expected=normal * factor,
        score=score,
        started=started,
        spiking=spiking,
        rise_score=rise,
        rising=rising,
        since=decision.since(state, at, moving, np.logical_or(spiking, rising)),
        observed=state.counts[series, most] * rows,
        normal=state.expected[series, most] * rows,
        window_seconds=length * state.filled[series, most].clip(_LEAST_FILLED),
        recent=state.counts[:, last] * recent,
        recent_normal=state.expected[:, last] * recent,
    )


def _scores(
    state: DetectorState, residual: F64, excess: F64, days: F64, share_excess: F64, setting: Setting
) -> tuple[F64, F64]:
    """[S] The rise score and the spike score, from what each window holds [S, K]."""
    scales = state.scales
    # Windows that a step or a setting leaves none of: then all that there are.
    short = scales <= max(setting.rise_longest, scales[0])
    long = scales >= min(setting.spike_shortest, scales[-1])
    # Evidence makes more of what the counts show; it shows nothing by itself.
    more = 1 + setting.share_weight * np.minimum(share_excess, setting.share_limit)
    rise = np.sqrt(windows.mean(excess**2, state.filled * short)) * more
    damped = setting.excess_unit * np.log1p(excess / setting.excess_unit)
    height = windows.mean(damped, state.filled * long) * more
    record = np.log2(np.maximum(windows.mean(days, state.filled * long), 1 / EIGHTHS))
    sudden = rise * (setting.spike_threshold / setting.sudden_rise)
    # What multiplies within seconds need not fill the windows of minutes first; chance alone does not multiply so.
    brief = scales < setting.spike_shortest
    tall = (residual[:, brief] >= np.log(setting.instant_ratio)).any(axis=1)
    instant = tall * windows.mean(excess, state.filled * brief) * (setting.spike_threshold / setting.instant_excess)
    return rise, np.maximum.reduce([height + setting.record_weight * record, sudden, instant])


def close(state: DetectorState, last: int, at: int, setting: Setting) -> None:
    """Close the hours, eighths and days between two rows. Of a gap, only the first of its hours holds anything."""
    if at // HOUR != last // HOUR:
        season.close_hour(state, last, setting)
        shares.close_hour(state, setting)
    begun = last // records.EIGHTH * records.EIGHTH
    # After more days than are kept, all of them are blank, however many there were.
    begun = max(begun, at // DAY * DAY - (HIGH_DAYS + 1) * DAY)
    for eighth in range(begun, at // records.EIGHTH * records.EIGHTH, records.EIGHTH):
        records.close_eighth(state)
        if (eighth + records.EIGHTH) % DAY == 0:
            records.close_day(state)
            season.close_day(state, eighth, setting)
            shares.close_day(state, setting)
            calibration.close_day(state, setting)
