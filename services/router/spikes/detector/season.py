"""What is normal at this time: a level for each hour of the day, a factor for each day of the week."""

import numpy as np

from services.router.spikes.detector.setting import DAY, HOUR, MINUTE, Setting
from services.router.spikes.detector.state import F64, DetectorState

_UNIT_SPAN = 5 * MINUTE
"""One mention in so long is added before logarithms are taken: below it, a ratio of counts says little."""
_LEAST_OF_AN_HOUR = 0.25
"""An hour of which less was seen teaches nothing."""


def expect(state: DetectorState, at: int) -> F64:
    """[S] The count that a row beginning at `at` normally has; NaN for a series that has seen nothing.

    Hour levels are those of the middle of the hour; between two of them is interpolated.
    """
    hour, within = divmod(at % DAY, HOUR)
    beyond = (within + state.step_seconds / 2) / HOUR - 0.5
    if state.step_seconds >= HOUR:
        beyond = 0.0
    weight = abs(beyond)
    here = state.level[:, hour].astype(np.float64)
    beside = state.level[:, (hour + (1 if beyond > 0 else -1)) % 24].astype(np.float64)
    mixed = here + weight * np.where(np.isnan(beside), 0.0, beside - here)
    normal = np.maximum(np.exp(mixed) - _unit(state), 0.0) * np.exp(state.week[:, _weekday(at)])
    return np.where(np.isnan(here), state.local, normal)


def follow(state: DetectorState, counts: F64, setting: Setting) -> None:
    """Add a row to this hour and to the local level. `counts`: [S], NaN where there is nothing to learn from."""
    seen = ~np.isnan(counts)
    counts = np.where(seen, counts, 0.0)
    state.hour_sum += counts
    state.hour_rows += seen
    gain = np.maximum(1 / (state.local_rows + 1), min(state.step_seconds / setting.local_span, 1.0))
    # A burst in the first minutes of a series must not become what is normal.
    most = np.where(np.isnan(state.local), counts, setting.local_ratio * state.local + 1)
    local = np.nan_to_num(state.local)
    moved = local + gain * (np.minimum(counts, most) - local)
    state.local = np.where(seen, moved, state.local)
    state.local_rows += seen


def close_hour(state: DetectorState, began: int, setting: Setting) -> None:
    """Move the level of the hour that began at `began` toward what it brought."""
    unit, hour = _unit(state), began // HOUR % 24
    rows = max(HOUR / state.step_seconds, 1.0)
    some = state.hour_rows >= _LEAST_OF_AN_HOUR * rows
    effect = state.week[:, _weekday(began)].astype(np.float64)
    mean = state.hour_sum / np.maximum(state.hour_rows, 1)
    now = np.log(mean * np.exp(-effect) + unit)
    level, days = state.level[:, hour].astype(np.float64), state.level_days[:, hour].astype(np.float64)
    known = days > 0
    away = np.where(known, now - level, 0.0)
    # In its first days a level is the mean of few hours, of which any may have been odd: it moves further, and faster.
    few = np.maximum(1, 3 / np.maximum(days, 1))
    pulled = np.clip(away, -setting.level_clip * few, setting.level_clip * few)
    rate = np.maximum(setting.level_rate, 1 / (days + 1))
    first = np.minimum(now, np.log(setting.local_ratio * np.nan_to_num(state.local) + unit))
    state.level[:, hour] = np.where(some, np.where(known, level + rate * pulled, first), level)
    state.level_days[:, hour] += some
    taught = some & known
    state.day_sum += np.where(taught, np.clip(away, -setting.level_clip, setting.level_clip) + effect, 0.0)
    state.day_hours += taught
    state.hour_sum[:] = 0
    state.hour_rows[:] = 0


def close_day(state: DetectorState, began: int, setting: Setting) -> None:
    """Move the factor of the day of the week that began at `began`."""
    day = _weekday(began)
    whole = state.day_hours >= 18
    effect = state.week[:, day].astype(np.float64)
    away = state.day_sum / np.maximum(state.day_hours, 1) - effect
    moved = effect + setting.week_rate * np.clip(away, -setting.week_clip, setting.week_clip)
    state.week[:, day] = np.where(whole, moved, effect)
    state.day_sum[:] = 0
    state.day_hours[:] = 0


def _unit(state: DetectorState) -> float:
    return state.step_seconds / _UNIT_SPAN


def _weekday(at: int) -> int:
    return at // DAY % 7
