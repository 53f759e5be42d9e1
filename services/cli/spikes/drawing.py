"""The picture: counts, what was expected, and the episodes."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from services.cli.errors import CliError
from services.cli.spikes.detecting import Found
from services.cli.spikes.series import F64, Series
from services.cli.spikes.showing import duration

_COUNTS, _EXPECTED, _SPIKE, _RISE = "#33658a", "#e07a1f", "#c1121f", "#f4b942"
# The band: where these shares of the rows of the week before lay around what was expected of them.
_QUANTILES: Final = (0.01, 0.99)
_BAND_SECONDS: Final = 7 * 86_400
_BLOCK_SECONDS: Final = 3 * 3_600  # the band's quantiles are taken anew so often
_MOST_NUMBERS: Final = 60  # beyond it the episodes' numbers would lie on top of each other


def check_path(path: Path) -> None:
    """Raises `CliError` where no picture can be written."""
    if path.suffix.lower() != ".png":
        raise CliError(f"{path} is no name of a PNG file: let it end in .png")
    if not path.parent.is_dir():
        raise CliError(f"{path.parent} is not there: make the folder, or draw into another")


def draw(series: Series, found: Found, path: Path) -> None:
    """Write the picture. Raises `OSError`."""
    figure = Figure(figsize=(14, 7), layout="constrained")
    FigureCanvasAgg(figure)
    counts, scores = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    moments = (series.at[0] + np.arange(int(series.places[-1]) + 1) * series.step_seconds).astype("datetime64[s]")
    _draw_counts(counts, moments, series, found)
    _draw_scores(scores, moments, series, found)
    scores.set_xlim(moments[0], moments[-1])
    handles = [*counts.get_legend_handles_labels()[0], *scores.get_legend_handles_labels()[0]]
    # Above the axes: inside, it would hide what happened in a corner.
    counts.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(handles), frameon=False)
    figure.savefig(path, dpi=120)


def expected_band(series: Series, found: Found) -> tuple[F64, F64]:
    """[N] the lowest and the highest count that the week before lets expect; NaN before there is any row.

    Around log(expected + 1), by the quantiles of that distance on the rows before: of the past alone, as the detector.
    """
    level = np.log1p(found.expected)
    distance = np.log1p(series.values) - level
    low, high = np.full(len(level), np.nan), np.full(len(level), np.nan)
    for block in np.unique(series.at // _BLOCK_SECONDS):
        begin, end = np.searchsorted(series.at, (block * _BLOCK_SECONDS, (block + 1) * _BLOCK_SECONDS))
        oldest = np.searchsorted(series.at, block * _BLOCK_SECONDS - _BAND_SECONDS)
        before = distance[oldest:begin]
        before = before[~np.isnan(before)]
        if len(before):
            lower, upper = np.quantile(before, _QUANTILES)
            low[begin:end] = np.maximum(np.expm1(level[begin:end] + min(lower, 0)), 0)
            high[begin:end] = np.expm1(level[begin:end] + max(upper, 0))
    return low, high


def _draw_counts(axes: Axes, moments: NDArray[np.datetime64], series: Series, found: Found) -> None:
    low, high = (series.on_grid(values) for values in expected_band(series, found))
    counts = series.on_grid(series.values)
    axes.fill_between(moments, low, high, color=_EXPECTED, alpha=0.25, linewidth=0, label="98 of 100, week before")
    axes.plot(moments, counts, color=_COUNTS, linewidth=0.6, alpha=0.8, label="mentions")
    axes.plot(moments, series.on_grid(found.expected), color=_EXPECTED, linewidth=1.2, label="expected")
    for episode in found.episodes:
        span = (series.at[[episode.first, episode.last]] + (0, series.step_seconds)).astype("datetime64[s]")
        label = "spike" if episode.number == 1 else None
        axes.axvspan(*span, color=_SPIKE, alpha=0.15, linewidth=0, zorder=0, label=label)
        if len(found.episodes) <= _MOST_NUMBERS:
            axes.annotate(
                str(episode.number),
                (series.at[episode.peak].astype("datetime64[s]"), series.values[episode.peak]),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                color=_SPIKE,
                fontweight="bold",
            )
    # Logarithmic where there is much, and yet with a place for none: a quiet night and a peak a hundred times higher
    # are read in one picture.
    known = np.append(series.values[~np.isnan(series.values)], 1.0)
    axes.set_yscale("symlog", linthresh=max(1.0, float(np.median(known))), linscale=0.5)
    axes.set_ylim(0, 3 * float(known.max()))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel(f"mentions per {duration(series.step_seconds)}")
    axes.grid(alpha=0.25)
    spikes = len(found.episodes)
    axes.set_title(f"{spikes:,} {'spike' if spikes == 1 else 'spikes'} in {len(series.at):,} rows", loc="left")


def _draw_scores(axes: Axes, moments: NDArray[np.datetime64], series: Series, found: Found) -> None:
    axes.plot(moments, series.on_grid(found.score), color="#444444", linewidth=0.6)
    started = series.at[found.alarm].astype("datetime64[s]")
    axes.plot(started, found.score[found.alarm], "v", color=_SPIKE, markersize=5, label="a spike starts")
    rising = series.on_grid(found.rise.astype(float)) > 0
    whole = axes.get_xaxis_transform()
    axes.fill_between(
        moments, 0, 1, where=rising, transform=whole, color=_RISE, alpha=0.4, linewidth=0, zorder=0, label="rise"
    )
    axes.set_ylabel("spike score")
    axes.set_xlabel("time (UTC)")
    axes.grid(alpha=0.25)
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
