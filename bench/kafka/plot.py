"""The picture of a catching-up: records left, memory, and the age metric beside the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import matplotlib
from matplotlib.figure import Figure

from bench.kafka.sampling import Sample

FILE: Final = Path(__file__).parents[1] / "results" / "catching-up.svg"
_WORKERS: Final = ("first worker", "second worker")


def plot_samples(samples: Sequence[Sample], events: Mapping[str, float], title: str) -> None:
    """Write the picture to `bench/results/catching-up.svg`. `events`: seconds since the start, by name."""
    figure = Figure(figsize=(9, 9), layout="constrained")
    left, memory, age = figure.subplots(3, 1, sharex=True)
    seconds = [sample.seconds for sample in samples]
    left.plot(seconds, [sample.left for sample in samples])
    left.set(ylabel="records left", title=title, ylim=(0, None))
    for number, name in enumerate(_WORKERS):
        seen = [(sample.seconds, found.rss_mib) for sample in samples if (found := sample.worker(number))]
        memory.plot([at for at, _ in seen], [rss for _, rss in seen], label=name)
    memory.set(ylabel="resident memory, MiB", ylim=(0, None))
    memory.legend()
    age.plot(seconds, [sample.oldest_waiting for sample in samples], label="the truth")
    told = [(sample.seconds, sample.told) for sample in samples if sample.told is not None]
    age.plot([at for at, _ in told], [value for _, value in told], "--", label="triage_stage_oldest_waiting_seconds")
    age.set(ylabel="age of the oldest that waits, s", xlabel="seconds", ylim=(0, None))
    age.legend()
    for axes in (left, memory, age):
        axes.grid(alpha=0.3)
        for at in events.values():
            axes.axvline(at, color="grey", linestyle=":")
    for name, at in events.items():
        left.annotate(name, (at, 1), xycoords=("data", "axes fraction"), rotation=90, va="top", ha="right", fontsize=8)
    FILE.parent.mkdir(exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": FILE.stem}):  # equal samples give an equal file
        figure.savefig(FILE, metadata={"Date": None})
