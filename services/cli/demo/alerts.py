"""The spikes that a stack announces while the demo plays, read from its log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from mention_triage.v1.alert_pb2 import SpikeAlert
from services.cli.demo.feed import Json
from services.cli.tail.contents import message_of
from services.cli.tail.merging import MergedReader, ends
from services.cli.terminal import one_line
from services.common.contracts.views import alert_view
from services.common.log.opening import open_reader
from services.common.log.topics import ALERTS
from services.common.settings import CommonSettings


@dataclass(frozen=True, slots=True)
class Announced:
    """An alert, as `tail alerts --json` shows it, and when it was read here, epoch seconds."""

    alert: Json
    at: float


@asynccontextmanager
async def alerts_from_now(settings: CommonSettings) -> AsyncIterator[MergedReader]:
    """What is announced from now on, in the log of these settings. Raises `LogError`."""
    reader = await open_reader(settings)
    try:
        yield MergedReader(reader, ALERTS, await ends(reader, ALERTS))
    finally:
        await reader.close()


async def new_alerts(stream: MergedReader, brands: frozenset[str], now: float) -> list[Announced]:
    """What was announced of these brands since the last call."""
    messages = [message_of(record) async for record in stream.sweep()]
    return [
        Announced(alert_view(message), now)
        for message in messages
        if isinstance(message, SpikeAlert) and message.brand in brands
    ]


def alert_line(alert: Json) -> str:
    """An alert in one line: what rises, how far, how bad, why, and by whom."""
    series = alert["series"][0]  # the one that stands out most
    ratio = "" if series["ratio"] is None else f"×{series['ratio']:.1f}, "
    evidence = ", ".join(map(_finding, alert["evidence"]))
    return one_line(
        f"SPIKE {alert['event']}: {alert['brand']}, severity {alert['severity']} of 10, {ratio}"
        f"{series['observed_per_minute']:.0f} a minute where {series['expected_per_minute']:.0f} are normal;"
        f" cause: {alert['cause']}"
        + (f" ({evidence})" if evidence else "")
        + f"; {alert['mentions']:,} mentions by {alert['authors']:,} authors"
    )


def _finding(evidence: Json) -> str:
    """`top texts share 0.82, normally 0.05`."""
    normal = f", normally {evidence['normal']:.2g}" if "normal" in evidence else ""
    return f"{evidence['name'].replace('_', ' ')} {evidence['value']:.2g}{normal}"
