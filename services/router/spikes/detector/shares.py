"""Evidence beside the count: how far the shares of negatives and of copies are above their usual ones."""

import numpy as np

from services.router.spikes.detector.calibration import add_day, center_and_spread
from services.router.spikes.detector.scores import Evidence
from services.router.spikes.detector.setting import DAY, MINUTE, Setting
from services.router.spikes.detector.state import F64, DetectorState

_WINDOW = 15 * MINUTE
_PRIOR_CENTER = np.array([3.2, 3.2])
"""The daily maximum of a standard normal variable over the windows of a day."""
_PRIOR_SPREAD = np.array([0.7, 0.7])


def without_floods(state: DetectorState, counts: F64, evidence: Evidence | None, setting: Setting) -> F64:
    """[S] The counts, less what few authors pour in.

    So many authors usually write so many mentions, and one more; of a count beyond that only a root counts. A flood
    must be so much higher to weigh as much as many voices do.
    """
    if evidence is None:
        return counts
    authors = evidence.authors
    per_author = np.where(state.voices > 0, state.voiced / np.where(state.voices > 0, state.voices, 1.0), 1.0)
    usual = per_author * authors + 1
    beyond = counts > usual
    held = np.where(beyond, usual * (counts / usual) ** setting.flood_power, counts)
    seen = ~np.isnan(authors)
    keep = 1 - state.step_seconds / (DAY + state.step_seconds)
    state.voices = np.where(seen, keep * state.voices + authors, state.voices)
    state.voiced = np.where(seen, keep * state.voiced + np.minimum(counts, usual), state.voiced)
    return held


def excess(state: DetectorState, counts: F64, evidence: Evidence | None) -> F64:
    """[S] The larger excess of the two shares, in units of their daily maxima, at least 0; takes the row in."""
    if evidence is None:
        return np.zeros(state.series)
    hits = np.stack([evidence.negative, evidence.copies], axis=1)
    trials = np.stack([evidence.classified, counts], axis=1)
    seen = ~(np.isnan(hits) | np.isnan(trials))
    hits, trials = np.where(seen, hits, 0.0), np.where(seen, trials, 0.0)
    rows = max(_WINDOW / state.step_seconds, 1.0)
    keep = (rows - 1) / (rows + 1)
    state.hits += (1 - keep) * (hits - state.hits)
    state.trials += (1 - keep) * (trials - state.trials)
    number, found = state.trials * rows, state.hits * rows
    share = np.clip(np.nan_to_num(state.share, nan=0.5), 0.02, 0.98)
    # The normal approximation of the binomial, with one mention of either kind added against small numbers.
    deviation = (found - share * number) / np.sqrt((number + 2) * share * (1 - share))
    deviation = np.where(np.isnan(state.share), 0.0, deviation)
    np.maximum(state.share_peak, deviation.astype(np.float32), out=state.share_peak, where=seen)
    larger: F64 = np.maximum((deviation - state.share_center) / state.share_spread, 0.0).max(axis=1)
    return larger


def close_hour(state: DetectorState, setting: Setting) -> None:
    """Move the usual shares toward those of the window now."""
    some = state.trials > 0
    now = state.hits / np.where(some, state.trials, 1.0)
    moved = state.share + setting.share_rate * (now - state.share)
    state.share = np.where(some, np.where(np.isnan(state.share), now, moved), state.share)


def close_day(state: DetectorState, setting: Setting) -> None:
    """Add the day's maxima to those before."""
    add_day(state.share_peaks, state.share_peak)
    calibrate(state, setting)


def calibrate(state: DetectorState, setting: Setting) -> None:
    """Renew the center and spread of the shares' deviations."""
    state.share_center, state.share_spread = center_and_spread(state.share_peaks, _PRIOR_CENTER, _PRIOR_SPREAD, setting)
