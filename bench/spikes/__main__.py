"""`python -m bench.spikes [labels|rise|evidence|rough|seconds|hard|cost|plots]...`: the figures of `docs/spikes.md`.

Each part prints a table and writes `bench/results/spikes-<part>.json`; without a part, all of them run. `labels` and
`plots` need the real series: their folder by `--data` or SPIKES_DATA.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from bench.report import Row, report
from bench.spikes import cost, hard, labels, minutes, plots, synthetic
from bench.spikes.series import data_folder


def main() -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench.spikes", description="The figures of the spike detector.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join((*_PARTS, *_WITH_DATA))}; none: all")
    parser.add_argument("--data", type=Path, help="folder of the real series (else SPIKES_DATA)")
    chosen = parser.parse_args()
    unknown = [part for part in chosen.parts if part not in (*_PARTS, *_WITH_DATA)]
    if unknown:
        parser.error(f"no part named {unknown[0]}: choose from {', '.join((*_PARTS, *_WITH_DATA))}")
    parts = chosen.parts or [*_PARTS, *_WITH_DATA]
    folder = data_folder(chosen.data) if any(part in _WITH_DATA for part in parts) else Path()
    for part in parts:
        if part == "plots":
            print(*plots.plots(folder), sep="\n")
        else:
            report(f"spikes-{part}", _PARTS[part]() if part in _PARTS else labels.labels(folder))


def _hard() -> list[Row]:
    rows = []
    for case in hard.CASES:
        found = hard.outcome(case)
        rows.append(Row(f"{case.name}: false spikes", found.false_spikes, f"of {found.series} series"))
        if case.events:
            rows.append(Row(f"{case.name}: missed", found.missed, f"of {found.series * len(case.events)} events"))
            rows.append(Row(f"{case.name}: median delay", found.delay, "min"))
    return rows


_PARTS: dict[str, Callable[[], list[Row]]] = {
    "rise": minutes.rise,
    "evidence": minutes.with_evidence,
    "rough": lambda: minutes.rise(synthetic.ROUGH),
    "seconds": minutes.seconds,
    "hard": _hard,
    "cost": cost.cost,
}
_WITH_DATA = ("labels", "plots")


if __name__ == "__main__":
    main()
