"""`topics` alone: what the log holds and who lags behind."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.common.log.port import Reader

# The newest offsets of a partition on Kafka may be markers of transactions.
_LOOK_BACK: Final = 16
_LOOK_BACK_BYTES: Final = 1 << 20


async def describe() -> list[dict[str, Any]]:
    """Each topic with its offsets, times and groups."""
    from services.common.log.opening import open_reader
    from services.common.log.topics import TOPICS
    from services.common.settings import CommonSettings, load_settings

    reader = await open_reader(load_settings(CommonSettings))
    try:
        specs = {spec.name: spec for spec in TOPICS}
        lags = await reader.group_lags()
        described = []
        for topic in sorted(reader.topics(), key=lambda name: [*specs, name].index(name)):
            spec = specs.get(topic)
            bounds = await reader.bounds(topic)
            described.append(
                {
                    "topic": topic,
                    "holds": spec.holds if spec else "",
                    "retention_hours": spec.retention_ms / 3_600_000 if spec else None,
                    "cleanup": spec.cleanup if spec else None,
                    "records": sum(b.end - b.start for b in bounds),
                    "oldest": await _time(reader, topic, [b.start for b in bounds], min),
                    "newest": await _time(reader, topic, [max(b.start, b.end - _LOOK_BACK) for b in bounds], max),
                    "partitions": [{"start": b.start, "end": b.end} for b in bounds],
                    "groups": [{"group": group, "lag": lag} for group, source, lag in lags if source == topic],
                }
            )
        return described
    finally:
        await reader.close()


async def _time(reader: "Reader", topic: str, offsets: list[int], choose: Any) -> str | None:
    """RFC 3339 time of the oldest or newest of the records just behind these offsets; None: there is none."""
    from services.cli.tail.contents import rfc3339
    from services.common.log.port import OffsetOutOfRange

    times: list[int] = []
    for partition, offset in enumerate(offsets):
        try:
            found = await reader.read(topic, partition, offset, _LOOK_BACK, _LOOK_BACK_BYTES)
        except OffsetOutOfRange:  # retention took it just now
            continue
        times += [record.timestamp_ms for record in found]
    return rfc3339(choose(times)) if times else None


def print_described(found: list[dict[str, Any]]) -> None:
    """Print the table of what `describe` gave."""
    from services.cli.terminal import stdout, table

    shown = table(
        "topic",
        "records",
        "parts",
        "offsets",
        "oldest",
        "newest",
        "kept",
        "read by (lag)",
        "holds",
        right=("records", "parts"),
    )
    for topic in found:
        starts = [part["start"] for part in topic["partitions"]]
        ends = [part["end"] for part in topic["partitions"]]
        hours = topic["retention_hours"]
        shown.add_row(
            topic["topic"],
            f"{topic['records']:,}",
            str(len(starts)),
            f"{min(starts):,} – {max(ends):,}",
            _short(topic["oldest"]),
            _short(topic["newest"]),
            f"{hours / 24:g} days" if hours else "–",
            ", ".join(f"{group['group']} ({group['lag']:,})" for group in topic["groups"]) or "–",
            topic["holds"],
        )
    stdout().print(shown)


def _short(time: str | None) -> str:
    from services.cli.terminal import clock_time

    return clock_time(datetime.fromisoformat(time).timestamp() * 1000) if time else "–"
