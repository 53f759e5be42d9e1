"""Plots of the real series: counts, what was expected, labelled windows and alarms."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from bench.spikes import running
from bench.spikes.series import STEP_SECONDS, real_series

_IMAGES = Path(__file__).parents[2] / "docs" / "images" / "spikes"


def plots(folder: Path) -> list[Path]:
    """Draw the three real series into `docs/images/spikes/`."""
    mpl.use("agg")
    _IMAGES.mkdir(parents=True, exist_ok=True)
    drawn = []
    for one in real_series(folder):
        found = running.run(one.counts[:, None], one.start, STEP_SECONDS)
        begin = one.start / 86400  # matplotlib counts days since the epoch
        times = begin + np.arange(len(one.counts)) * STEP_SECONDS / 86400
        figure, axes = plt.subplots(figsize=(11, 3), layout="constrained")
        for first, end in one.windows:
            axes.axvspan(times[first], times[end - 1], color="tab:green", alpha=0.2, lw=0)
        axes.plot(times, one.counts + 1, lw=0.4, color="tab:blue", label="mentions in 5 minutes")
        axes.plot(times, found.expected[:, 0] + 1, lw=0.8, color="tab:orange", label="expected")
        alarms = np.flatnonzero(found.started[:, 0])
        axes.plot(times[alarms], one.counts[alarms] + 1, "v", ms=7, color="tab:red", label="spike")
        axes.set(title=f"{one.name}: labelled windows in green", yscale="log", xlim=(times[0], times[-1]))
        axes.xaxis_date("UTC")
        axes.legend(loc="upper left", ncols=3, fontsize=8)
        path = _IMAGES / f"{one.name.lower()}.png"
        figure.savefig(path, dpi=90)
        plt.close(figure)
        drawn.append(path)
    return drawn
