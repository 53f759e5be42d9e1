"""How a benchmark shows its figures: a table for people, and `bench/results/<name>.json` for programs."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

_RESULTS = Path(__file__).parent / "results"
_LIBRARIES = (
    "fastapi",
    "uvicorn",
    "pydantic",
    "protobuf",
    "openvino",
    "tokenizers",
    "aiokafka",
    "confluent-kafka",
    "faststream",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `target`: what it should reach (at least), where there is one."""

    name: str
    value: float
    unit: str
    target: float | None = None


def facts() -> dict[str, str]:
    """The machine and the versions that the figures belong to."""
    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu,
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
    } | {name: version(name) for name in _LIBRARIES}


def report(name: str, rows: Sequence[Row]) -> None:
    """Print the figures and write them to `bench/results/<name>.json`."""
    machine = facts()
    table = Table(title=name, caption=f"{machine['cpu']}, {machine['cores']} cores", title_justify="left")
    for column in ("figure", "value", "unit", "target"):
        table.add_column(column, justify="right" if column in ("value", "target") else "left")
    for row in rows:
        table.add_row(row.name, f"{row.value:,.3g}" if row.value < 1000 else f"{row.value:,.0f}", row.unit,
                      "" if row.target is None else f"{row.target:g}")  # fmt: skip
    Console().print(table)
    _RESULTS.mkdir(exist_ok=True)
    content = {"name": name, "facts": machine, "rows": [asdict(row) for row in rows]}
    (_RESULTS / f"{name}.json").write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
