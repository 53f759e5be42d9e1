"""The card's pictures, drawn from `evaluation.json`: readable on white, small, and the same for the same figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.metrics import FIELDS
from training.reports import CLASSES, LANGUAGES, Report

TITLES = {"inquiry_type": "inquiry type", "sentiment": "sentiment", "actionable": "actionable"}
# Text stays text: small files, and readable for a search.
_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "mention-triage", "font.size": 9, "font.family": "sans-serif"}


def draw(report: Report, folder: Path) -> list[str]:
    """The pictures that the report has figures for; the names of their files."""
    pictures = {}
    with mpl.rc_context(_STYLE):
        if "real_validation" in report:
            pictures["reliability.svg"] = reliability(report["real_validation"])
            pictures["confusion.svg"] = confusion(report["real_validation"])
            pictures["f1.svg"] = f1_by_class(report["real_validation"])
        for name, figure in pictures.items():
            figure.savefig(folder / name, format="svg", metadata={"Date": None}, bbox_inches="tight", facecolor="white")
    return list(pictures)


def reliability(report: Report) -> Figure:
    """Of each head: how often the label is right by how probable it was said to be; a dot's area is its bin's share."""
    figure, axes = _row_of(len(FIELDS), height=3.1)
    for axis, field in zip(axes, FIELDS, strict=True):
        error = report[field]["calibration_error"]
        axis.plot((0, 1), (0, 1), color="0.6", linewidth=0.8, linestyle="--")
        for name, colour in (("uncalibrated", "0.5"), ("cross_fitted", "C0")):
            points: list[list[float]] = report[field]["reliability"][name]
            confidence, precision, share = zip(*points, strict=True)
            said = f"{name.replace('_', '-')}, error {error[name]:.3f}"
            axis.plot(confidence, precision, color=colour, linewidth=1, label=said)
            axis.scatter(confidence, precision, s=[12 + 160 * part for part in share], color=colour, alpha=0.7)
        axis.set(xlim=(0, 1.02), ylim=(0, 1.02), title=TITLES[field], xlabel="probability of the label said")
        axis.set_aspect("equal")
        axis.legend(loc="upper left", fontsize=7, frameon=False)
    axes[0].set_ylabel("share of right labels")
    return figure


def confusion(report: Report) -> Figure:
    """Inquiry type, all and by language, then sentiment: rows are the right labels, columns the model's, in percent."""
    languages = report["inquiry_type"]["languages"]
    panels = [
        ("inquiry type, all", "inquiry_type", report["inquiry_type"]["confusion"]),
        *((f"inquiry type, {code}", "inquiry_type", languages[code]["confusion"]) for code in languages),
        ("sentiment, all", "sentiment", report["sentiment"]["confusion"]),
        ("actionable, all", "actionable", report["actionable"]["confusion"]),
    ]
    columns = 3
    figure = Figure(figsize=(10.5, 3.6 * -(-len(panels) // columns)), layout="constrained")
    grid = figure.subplots(-(-len(panels) // columns), columns, squeeze=False).ravel()
    for axis in grid[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, field, counts) in zip(grid, panels, strict=False):
        _matrix(axis, CLASSES[field], counts)
        axis.set_title(title)
    return figure


def f1_by_class(report: Report) -> Figure:
    """F1 of each class in each language, for the two fields that mentions are routed by."""
    fields = ("inquiry_type", "sentiment")
    figure, axes = _row_of(len(fields), height=3.0, widths=(5, 3))
    for axis, field in zip(axes, fields, strict=True):
        languages = [code for code in LANGUAGES if code in report[field]["languages"]]
        width = 0.8 / len(languages)
        for number, code in enumerate(languages):
            classes = report[field]["languages"][code]["classes"]
            heights = [classes[name]["f1"] for name in CLASSES[field]]
            places = [place + (number - (len(languages) - 1) / 2) * width for place in range(len(heights))]
            axis.bar(places, heights, width, color=f"C{number}", label=code)
        axis.set_xticks(range(len(CLASSES[field])), CLASSES[field])
        axis.set(ylim=(0, 100), title=TITLES[field])
        axis.grid(axis="y", color="0.9")
        axis.set_axisbelow(True)
    axes[0].set_ylabel("F1, %")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", fontsize=8, ncols=3, frameon=False)
    return figure


def _row_of(count: int, height: float, widths: Sequence[float] | None = None) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(10.5, height), layout="constrained")
    axes: Any = figure.subplots(1, count, width_ratios=widths)
    return figure, list(axes)


def _matrix(axis: Axes, names: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
    shares = [[100 * count / max(sum(row), 1) for count in row] for row in counts]
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for right, row in enumerate(shares):
        for said, share in enumerate(row):
            colour = "white" if share > 60 else "black"
            axis.text(said, right, f"{share:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axis.set_xticks(range(len(names)), names, rotation=35, ha="right", fontsize=7)
    axis.set_yticks(range(len(names)), names, fontsize=7)
