"""How dead letters are shown. The original's key, value and headers are personal data: only where asked for."""

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from mention_triage.v1.dead_letter_pb2 import DeadLetter
from services.cli.tail.contents import message_of, record_view, rfc3339
from services.cli.terminal import clock_time, one_line, stdout, table
from services.common.contracts.records import milliseconds
from services.common.log.port import Record
from services.common.stage.handling import Letter


def letters_table(letters: Sequence[Letter]) -> Table:
    """One row per dead letter."""
    shown = table("id", "state", "received", "stage", "reason", "tries", "from", "detail", right=("tries",))
    for letter in letters:
        place = f"{letter.source_topic}[{letter.source_partition}]@{letter.source_offset}"
        shown.add_row(
            str(letter.id),
            letter.state,
            clock_time(letter.received_ms),
            letter.stage,
            letter.reason,
            str(letter.attempts),
            place,
            one_line(letter.detail),
        )
    return shown


def letter_view(letter: Letter) -> dict[str, Any]:
    """A dead letter as a JSON object, without the original's content."""
    return {
        "id": str(letter.id),
        "state": letter.state,
        "handled_at": None if letter.handled_ms is None else rfc3339(letter.handled_ms),
        "stage": letter.stage,
        "reason": letter.reason,
        "detail": letter.detail,
        "attempts": letter.attempts,
        "source_topic": letter.source_topic,
        "source_partition": letter.source_partition,
        "source_offset": letter.source_offset,
        "received_at": rfc3339(letter.received_ms),
        "event": letter.event,
        "replay_of": None if letter.replay_of is None else str(letter.replay_of),
    }


def original_view(letter: DeadLetter) -> dict[str, Any]:
    """The original record, decoded where it can be."""
    record = Record(
        letter.source_topic,
        letter.source_partition,
        letter.source_offset,
        letter.key if letter.HasField("key") else None,
        letter.value if letter.HasField("value") else None,
        milliseconds(letter.source_time),
        tuple((header.name, header.value) for header in letter.headers),
    )
    return record_view(record, message_of(record))


def print_view(view: dict[str, Any]) -> None:
    """A view in lines, safe for a terminal: what strangers wrote must not move the cursor."""
    console = stdout()
    for line in json.dumps(view, ensure_ascii=False, indent=2).splitlines():
        content = line.lstrip(" ")
        console.print(Text(" " * (len(line) - len(content)) + one_line(content)), soft_wrap=True)
