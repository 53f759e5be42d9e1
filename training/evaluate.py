"""Measures a model folder on everything that is there to measure it on.

    python -m training.evaluate --model models/mention-triage-small [--data DATA] [--out evaluation.json]

The challenge set comes with the repository; real validation posts and UMSAB are measured when DATA has them.
"""

import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from safetensors import safe_open

from services.classify.model.backend import BackendModel
from services.classify.model.folder import CONFIG, SERVED
from services.common.errors import TriageError
from training.challenge import DEFAULT, challenge_report, read_challenge
from training.data import Example, real_validation, umsab
from training.metrics import FIELDS
from training.parity import largest_changes, parity
from training.reports import LANGUAGES, Report, sentiment_report, validation_report
from training.scoring import logits_of, reference, served
from training.sets import counts


def evaluate(
    folder: Path, data: Path | None = None, checkpoint: Path | None = None, challenge: Path = DEFAULT
) -> Report:
    """The figures of a folder; `data` has the sets that are not published.

    The served file is compared with the folder's `model.safetensors`, and with the `checkpoint` that it was exported
    from, whose weights are not rounded yet.
    """
    started = time.perf_counter()
    model = served(folder)
    load_seconds = time.perf_counter() - started
    calibration = model.config.calibration
    hard = read_challenge(challenge)
    sets = {"challenge": hard.examples} | (_held_out(data) if data else {})
    logits = {}
    started = time.perf_counter()
    for name, examples in sets.items():
        logits[name] = logits_of(model, examples)
    seconds = time.perf_counter() - started
    against = {
        name: {
            part: parity(logits[part], logits_of(other, examples), examples, calibration)
            for part, examples in sets.items()
        }
        for name, other in _references(folder, checkpoint)
    }
    report: Report = {
        "model": {
            "name": model.name,
            "version": model.version,
            "max_tokens": model.config.max_tokens,
            **_shape(folder),
        },
        "served": {
            "megabytes": round(sum((folder / name).stat().st_size for name in SERVED) / 1e6, 1),
            "checkpoint_megabytes": round((folder / "model.safetensors").stat().st_size / 1e6, 1),
            "load_seconds": round(load_seconds, 2),
            "texts_per_second_one_core": round(sum(map(len, sets.values())) / seconds, 1),
            "machine": machine(),
        },
        "challenge": challenge_report(logits["challenge"], hard, calibration),
        "parity": against,
        "parity_largest_change": {name: largest_changes(parts) for name, parts in against.items()},
    }
    if data:
        report["data"] = counts(data)
    if "real_validation" in sets:
        report["real_validation"] = validation_report(logits["real_validation"], sets["real_validation"])
    if "umsab_test" in sets:
        report["umsab_test"] = sentiment_report(logits["umsab_test"], sets["umsab_test"], calibration)
    return report


def machine() -> str:
    """The processor as the system names it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _references(folder: Path, checkpoint: Path | None) -> Iterator[tuple[str, BackendModel]]:
    threads = os.cpu_count() or 1
    yield "model.safetensors", reference(folder, threads)
    if checkpoint:
        yield "checkpoint", reference(checkpoint, threads)


def _shape(folder: Path) -> Report:
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    with safe_open(folder / "model.safetensors", "numpy") as tensors:
        shapes = [tensors.get_slice(name).get_shape() for name in tensors.keys()]  # noqa: SIM118  # not a dict
    return {
        "parameters": sum(math.prod(shape) for shape in shapes),
        "layers": config.get("num_hidden_layers"),
        "hidden_size": config.get("hidden_size"),
        "feed_forward": config.get("intermediate_size"),
        "vocabulary": config.get("vocab_size"),
    }


def _held_out(data: Path) -> dict[str, list[Example]]:
    sources: dict[str, Callable[[], list[Example]]] = {
        "real_validation": lambda: real_validation(data),
        "umsab_val": lambda: umsab(data, "val"),
        "umsab_test": lambda: umsab(data, "test"),
    }
    return {name: examples for name, read in sources.items() if (examples := read())}


def summary(report: Report) -> Table:
    """The headline figures, for a terminal."""
    table = Table(title=f"{report['model']['name']} {report['model']['version']}")
    for column in ("set", "field", "rows", "macro-F1", "95 %", *LANGUAGES, "accuracy"):
        table.add_column(column, justify="left" if column in ("set", "field") else "right")
    for name in ("real_validation", "challenge"):
        for field in FIELDS if name in report else ():
            own = report[name][field]
            languages = (f"{own[language]['macro_f1']:.1f}" if language in own else "" for language in LANGUAGES)
            limits = "{} to {}".format(*own["all"]["macro_f1_95"])
            table.add_row(
                name, field, str(own["all"]["rows"]), f"{own['all']['macro_f1']:.1f}", limits, *languages,
                f"{own['all']['accuracy']:.1f}",
            )  # fmt: skip
    if "umsab_test" in report:
        own = report["umsab_test"]
        languages = (f"{part['macro_f1']:.1f}" for part in (own["languages"].get(code) for code in LANGUAGES) if part)
        limits = "{} to {}".format(*own["average"]["macro_f1_95"])
        table.add_row(
            "umsab_test", "sentiment", str(own["rows"]), f"{own['average']['macro_f1']:.1f}", limits, *languages, ""
        )
    return table


def write(report: Report, path: Path) -> None:
    """As JSON."""
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def show(report: Report) -> None:
    """Print the headline figures."""
    Console(width=120).print(summary(report))


def main(
    model: Annotated[Path, typer.Option(help="model folder: served file and model.safetensors")],
    data: Annotated[Path | None, typer.Option(help="folder with real-validation/ and public/")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="what it was exported from, to compare with")] = None,
    challenge: Annotated[Path, typer.Option(help="the committed challenge set")] = DEFAULT,
    out: Annotated[Path | None, typer.Option(help="write all figures here, as JSON")] = None,
) -> None:
    """Print the headline figures; write all of them with --out."""
    try:
        report = evaluate(model, data, checkpoint, challenge)
    except TriageError as error:
        sys.exit(f"error: {error}")
    show(report)
    if out:
        write(report, out)


if __name__ == "__main__":
    typer.run(main)
