"""`topics generation`: the switch to a new generation of the topics, with another partition count."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from services.cli.errors import CliError
from services.cli.topics.cluster import cluster

if TYPE_CHECKING:
    from services.common.log.kafka.generation import Handover, Progress
    from services.common.log.port import Record

_NOT_YET: Final = 2

app = typer.Typer(
    no_args_is_help=True,
    help="Switch to a new generation of the topics, with another partition count (LOG_GENERATION, LOG_PARTITIONS).",
)


@app.command()
def status() -> None:
    """Show how far the switch to LOG_GENERATION has come. Exit code 0 if its workers may start, 2 if not yet.

    Also 2 if the old topics have taken something since: an ingest of the old generation still runs.
    """
    found = asyncio.run(_progress())
    for line in _lines(found):
        typer.echo(line)
    if not found.finished or not found.drained:
        raise typer.Exit(_NOT_YET)


@app.command()
def drain(
    wait: Annotated[float, typer.Option(help="Seconds to wait at most.", min=0)] = 3600,
) -> None:
    """Wait until the workers of the generation before have worked off all that its topics hold. Changes nothing."""
    if not asyncio.run(_drain(wait)):
        raise CliError("not drained yet. Do the old workers run?")
    typer.echo("drained: stop the old workers, then `mention-triage topics generation finish`")


@app.command()
def finish() -> None:
    """Move the state that the new workers need, and let them start. May be run again if it was interrupted.

    Fails while a worker runs, or while the generation before holds something that its workers have yet to read.
    """
    asyncio.run(_finish())
    typer.echo("finished: the workers may start")


def handover() -> "Handover":
    """How the state of each stage is moved, and what need not be worked off."""
    from services.common.log.kafka.generation import Handover
    from services.common.stage.redistribution import spread
    from services.common.stage.ticks import is_tick
    from services.router.counting.partial import is_mark
    from services.router.spikes.moving import spread_snapshots

    def is_idle(record: "Record") -> bool:
        # The last ticks and progress marks may find nobody any more.
        return is_tick(record) or (record.topic.startswith("counts.") and is_mark(record))

    return Handover({"seen": spread, "seen-volume": spread, "spike-state": spread_snapshots}, is_idle)


async def _progress() -> "Progress":
    from services.common.log.kafka.generation import open_switch
    from services.common.log.topics import GENERATION

    async with open_switch(*cluster(), GENERATION, handover()) as switch:
        return await switch.progress()


async def _drain(seconds: float) -> bool:
    from services.common.log.kafka.generation import open_switch
    from services.common.log.topics import GENERATION

    told = ""

    def tell(unread: Mapping[tuple[str, str], int]) -> None:
        nonlocal told
        if (now := "; ".join(_unread(unread)) or "nothing left to read") != told:
            told = now
            typer.echo(told, err=True)

    async with open_switch(*cluster(), GENERATION, handover()) as switch:
        return await switch.drain(seconds, tell)


async def _finish() -> None:
    from services.common.log.kafka.generation import open_switch
    from services.common.log.topics import GENERATION

    async with open_switch(*cluster(), GENERATION, handover()) as switch:
        await switch.finish(typer.echo)


def _lines(found: "Progress") -> list[str]:
    lines = [f"switch from generation {found.generation - 1} to {found.generation}"]
    lines += _unread(found.unread) or ["nothing left to read for the old workers"]
    lines += [f"{group}: {member} is a member" for group, members in found.members.items() for member in members]
    lines += [f"{topic}: {left:,} offsets to be moved" for topic, left in found.unmoved.items() if left]
    if found.overlap_ms:
        lines.append(
            f"warning: both generations took mentions for {found.overlap_ms / 1000:g} s; the order of a customer who"
            " wrote twice in that time may not be kept"
        )
    if found.finished and not found.drained:
        lines.append(
            "warning: the old topics have taken something since the switch: stop the old ingest, and let its sender"
            " send again what it has sent there"
        )
    return [*lines, "finished: the workers may start" if found.finished else "not finished: the workers must wait"]


def _unread(unread: Mapping[tuple[str, str], int]) -> list[str]:
    return [f"{group} has {left:,} offsets of {topic} to commit" for (group, topic), left in unread.items() if left]
