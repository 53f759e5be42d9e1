"""`spikes learn`: a history becomes a baseline."""

from pathlib import Path
from typing import Final

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.errors import CliError
from services.cli.spikes.series import read_series
from services.cli.spikes.showing import duration
from services.cli.terminal import one_line, stderr, stdout
from services.router.spikes.baselines import learn, store_baseline
from services.router.spikes.series import SeriesKey

_DAY: Final = 86_400


def learn_file(file: str, key: SeriesKey, into: Path) -> None:
    """Learn from a CSV file (`-`: standard input) and store it. Raises `SeriesError`, `BaselineError`, `OSError`."""
    series = read_series(file)
    counts = series.on_grid(series.values)
    if len(counts) * series.step_seconds < _DAY:
        raise CliError("the history is shorter than a day: what is normal differs by the hour; give a week or more")
    console = stderr()
    with Progress(
        TextColumn("learning"),
        BarColumn(),
        TextColumn("day {task.completed} of {task.total}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
    ) as bar:
        task = bar.add_task("")
        baseline = learn(
            int(series.at[0]),
            series.step_seconds,
            counts,
            on_day=lambda day, days: bar.update(task, completed=day, total=days),
        )
    held = store_baseline(into, key, baseline)
    stdout().print(
        f"learned {(baseline.until - baseline.since) / _DAY:.1f} days of {one_line(key.tenant)}, {one_line(key.brand)},"
        f" {one_line(key.platform) or 'all platforms'}, from rows of {duration(series.step_seconds)}: {into} now holds"
        f" {held:,} {'baseline' if held == 1 else 'baselines'}; the router reads it when it starts"
        f" (SPIKES_BASELINE_FILE={into})",
        soft_wrap=True,
    )
