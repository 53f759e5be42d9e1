"""What the detector costs: time of a row, of the last row of a day, and bytes of state."""

import time

import numpy as np

from bench.report import Row
from services.router.spikes.detector import advance, dump, new_state
from services.router.spikes.detector.state import ARRAYS

_SERIES = 10_000
_STEP = 10
_MIDNIGHT = 1_735_776_000
_ROWS = 40


def cost() -> list[Row]:
    """Of ten thousand series, half an hour around midnight."""
    random = np.random.default_rng(0)
    rates = random.gamma(0.3, 3, _SERIES)
    state = new_state(_SERIES, _STEP)
    seconds = []
    for row in range(-_ROWS // 2, _ROWS // 2):
        counts = random.poisson(rates).astype(np.float64)
        begun = time.process_time()
        advance(state, _MIDNIGHT + row * _STEP, counts)
        seconds.append(time.process_time() - begun)
    usual = float(np.median(seconds))
    return [
        Row(f"a row of {_SERIES:,} series, CPU time", 1000 * usual, "ms"),
        Row("share of a core, a row each 10 s", 100 * usual / _STEP, "%", 10),
        Row("the row after midnight, CPU time", 1000 * max(seconds), "ms"),
        Row("state of a series in memory", sum(getattr(state, name).nbytes for name in ARRAYS) / _SERIES, "bytes"),
        Row("state of a series that is dumped", len(dump(state)) / _SERIES, "bytes"),
    ]
