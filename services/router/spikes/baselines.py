"""Baselines: what is normal for a series, learned from its history before the router has counted it itself.

A baseline is what the detector keeps of a history, at the router's own step. Histories come at coarser steps (five
minutes, an hour): each of their counts is spread over shorter rows, and these pass through the very detector that the
router runs, so that a baseline cannot mean something else than what was counted.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from services.common.errors import TriageError
from services.common.files import replace_file
from services.router.spikes.detector import DetectorState, advance, baseline, dump, load, new_state
from services.router.spikes.series import STEP_SECONDS, SeriesKey

F64 = NDArray[np.float64]

# The detector remembers 32 days; what came before only shows in its levels, and those have long moved on.
_DAYS: Final = 35
_DAY: Final = 86_400
_MINUTE: Final = 60
# The rate of each minute within a row is a gamma variable of this shape (a third up and down): counts by the minute are
# negative binomial. Were it even, an hour's history would know of no busy minute, and the first one would be news.
_MINUTE_SHAPE: Final = 8.0
_SEED: Final = 20_150_226  # any: the same history must give the same baseline


class BaselineError(TriageError):
    """A file of baselines that cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A series' state after its history."""

    state: DetectorState
    """Of one series."""
    since: int
    """Where the history that was learned from begins, epoch seconds."""
    until: int
    """Where it ends."""


def learn(
    start: int,
    step_seconds: int,
    counts: F64,
    row_seconds: int = STEP_SECONDS,
    on_day: Callable[[int, int], None] | None = None,
) -> Baseline:
    """Learn from rows of `step_seconds` from epoch second `start` on (NaN: no data).

    `row_seconds`: the rows that the detector is shown. By the minute it is six times quicker, and knows less of the
    highest minute of a day, which need not begin with one. Only the last 35 days are used. `on_day` is told how many
    days are learned, and of how many. Raises `BaselineError` where there is not one row of both steps.
    """
    keep = -(-_DAYS * _DAY // step_seconds)
    start += max(0, len(counts) - keep) * step_seconds
    rows = spread(counts[-keep:], step_seconds, row_seconds)
    if not len(rows):
        raise BaselineError("the history is too short to learn anything: give a week or more")
    state = new_state(1, row_seconds)
    per_day = _DAY // row_seconds
    for place in range(len(rows)):
        if on_day is not None and place % per_day == 0:
            on_day(place // per_day, -(-len(rows) // per_day))
        advance(state, start + place * row_seconds, rows[place : place + 1])
    return Baseline(baseline(state, STEP_SECONDS), start, start + len(rows) * row_seconds)


def spread(counts: F64, step_seconds: int, into_seconds: int) -> F64:
    """Counts at one step as counts at another: sums are kept, but for fractions of a count, which are rounded.

    Rows longer than `into_seconds` are shared out at random, always in the same way; shorter ones are summed up, and a
    sum of which a part is not known is not known.
    """
    common = lcm(step_seconds, into_seconds)
    joined = common // step_seconds
    whole: F64 = counts[: len(counts) // joined * joined].reshape(-1, joined).sum(axis=1)
    parts = common // into_seconds
    if parts == 1:
        return whole
    random = np.random.default_rng(_SEED)
    minutes = -(-common // _MINUTE)
    weights = random.gamma(_MINUTE_SHAPE, size=(len(whole), minutes))
    shares = weights[:, np.arange(parts) * into_seconds // _MINUTE]
    shares /= shares.sum(axis=1, keepdims=True)
    known = ~np.isnan(whole)
    spread_out = np.full((len(whole), parts), np.nan)
    spread_out[known] = random.multinomial(np.rint(whole[known]).astype(np.int64), shares[known])
    return spread_out.ravel()


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    tenant: str
    brand: str
    platform: str
    since: int
    until: int
    state: str

    @property
    def key(self) -> SeriesKey:
        return SeriesKey(self.tenant, self.brand, self.platform)


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Literal["mention-triage spike baselines"] = "mention-triage spike baselines"
    version: Literal[1] = 1
    series: list[_Entry] = []


def load_baselines(path: Path, step_seconds: int = STEP_SECONDS) -> Mapping[SeriesKey, Baseline]:
    """The baselines in this file, for rows of `step_seconds`. Raises `BaselineError`."""
    return {
        entry.key: Baseline(_state(path, entry, step_seconds), entry.since, entry.until) for entry in _read(path).series
    }


def store_baseline(path: Path, key: SeriesKey, learned: Baseline) -> int:
    """Add it to the file, in place of the same series' earlier one. Returns how many the file then holds.

    Raises `BaselineError` where there is another file, `OSError`.
    """
    kept = [entry for entry in _read(path).series if entry.key != key] if path.exists() else []
    state = base64.b64encode(dump(learned.state)).decode()
    entry = _Entry(**key._asdict(), since=learned.since, until=learned.until, state=state)
    entries = sorted([*kept, entry], key=lambda each: each.key)
    replace_file(path, _File(series=entries).model_dump_json(indent=1) + "\n")
    return len(entries)


def _read(path: Path) -> _File:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BaselineError(
            f"{path}: cannot be read ({error.strerror}): set SPIKES_BASELINE_FILE to a file that `mention-triage spikes"
            " learn` has written, or to nothing"
        ) from None
    try:
        file = _File.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BaselineError(
            f"{path}: {where}: {first['msg']}: this is no file of baselines (version 1): let `mention-triage spikes"
            " learn` write it"
        ) from None
    keys = [entry.key for entry in file.series]
    if len(set(keys)) < len(keys):
        raise BaselineError(f"{path}: two baselines of one series: delete one of them")
    return file


def _state(path: Path, entry: _Entry, step_seconds: int) -> DetectorState:
    try:
        state: DetectorState | None = load(base64.b64decode(entry.state, validate=True))
    except ValueError:
        state = None
    if state is None or state.series != 1 or state.step_seconds != step_seconds:
        raise BaselineError(
            f"{path}: the baseline of {entry.tenant}, {entry.brand}, {entry.platform or 'all platforms'} is damaged, of"
            f" another version of the detector, or of another step than {step_seconds} s: learn it again with"
            " `mention-triage spikes learn`"
        )
    return state
