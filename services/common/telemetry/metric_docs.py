"""The document of all metrics, made from their definitions: `python -m services.common.telemetry.metric_docs`."""

from pathlib import Path
from typing import Final

from services.common.telemetry.metric_defs import METRICS

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "metrics.md"

_HEAD: Final = """\
# Metrics

Made from `services/common/telemetry/metric_defs.py` by `make docs`; do not edit.

Each service serves its own under `/metrics`, also where all three run in one process. Labels are bounded: the first 20
brands and 12 platforms of a tenant keep their name, the rest count as `other`; no label holds an id, a handle, a
text or a path.
Counters of a stage move after its commit, so that a batch that is repeated counts once.
"""


def render() -> str:
    """The document."""
    parts = [_HEAD]
    for title, services in (("ingest", {"ingest"}), ("every stage", {"classify", "router"}), ("classify", {"classify"}),
                            ("router", {"router"})):  # fmt: skip
        parts.append(f"\n## {title}\n\n| metric | type | labels | meaning | what to do |\n|---|---|---|---|---|\n")
        for m in METRICS:
            if set(m.services) == services:
                labels = ", ".join(f"`{label}`" for label in m.labels) or "–"
                parts.append(f"| `{m.name}` | {m.kind} | {labels} | {m.help} | {m.action} |\n")
    return "".join(parts)


if __name__ == "__main__":
    DOCUMENT.write_text(render())
