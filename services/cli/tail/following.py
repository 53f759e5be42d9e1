"""Shows a range of a topic and waits for more."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import typer
from google.protobuf.message import Message

from services.cli.tail import merging
from services.cli.tail.contents import Facts, facts_of, message_of, record_view
from services.cli.tail.lines import readable
from services.cli.terminal import stdout
from services.common.log.opening import open_reader
from services.common.log.port import Reader, Record
from services.common.settings import CommonSettings, load_settings
from services.common.stage.ticks import is_tick

_POLL_SECONDS: Final = 0.25
_LAST: Final = 10

# A time in milliseconds since the epoch; None: the last few records.
Start = int | Literal["beginning", "end"] | None
_Show = Callable[[Record, Message | None], None]


@dataclass(frozen=True, slots=True)
class Range:
    """What to show. `count`: how many of the last, or with a `start`, how many from there on (None: no limit)."""

    start: Start
    count: int | None
    follow: bool


async def follow_topic(topic: str, chosen: Range, matches: Callable[[Facts], bool], as_json: bool) -> None:
    """Print the records that match. Raises `LogError` if there is no log."""

    def select(record: Record) -> tuple[Record, Message | None] | None:
        if is_tick(record):  # nobody wrote it
            return None
        message = message_of(record)
        return (record, message) if matches(facts_of(message)) else None

    show = _json_line if as_json else _readable_line()
    reader = await open_reader(load_settings(CommonSettings))
    try:
        if chosen.start is None:
            positions = await merging.ends(reader, topic)
            count = _LAST if chosen.count is None else chosen.count
            for found in await merging.last(reader, topic, count, positions, select):
                show(*found)
            left = -1
        else:
            positions = await _positions(reader, topic, chosen.start)
            left = -1 if chosen.count is None else chosen.count
        if chosen.start is None and not chosen.follow:
            return
        stream = merging.MergedReader(reader, topic, positions)
        while left:  # below zero: without end
            async for record in stream.sweep():
                if selected := select(record):
                    show(*selected)
                    left -= 1
                    if not left:
                        return
            if not chosen.follow:
                return
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        await reader.close()


async def _positions(reader: Reader, topic: str, start: int | Literal["beginning", "end"]) -> list[int]:
    if isinstance(start, int):
        return await merging.since(reader, topic, start)
    return await (merging.starts if start == "beginning" else merging.ends)(reader, topic)


def _json_line(record: Record, message: Message | None) -> None:
    typer.echo(json.dumps(record_view(record, message), ensure_ascii=False))


def _readable_line() -> _Show:
    console = stdout()

    def show(record: Record, message: Message | None) -> None:
        width = console.width if console.is_terminal else None  # measured each time: windows are resized
        console.print(readable(record, message, width), soft_wrap=True)

    return show
