"""Writes the judged mentions of a log as training rows, and shows how often the model was right."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import orjson

from services.cli.corrections.folding import Corrections, row
from services.cli.terminal import stderr, table
from services.common.contracts.corrections import FIELDS
from services.common.files import replace_file
from services.common.log.opening import open_reader
from services.common.log.reading import read_to_end
from services.common.log.topics import CORRECTIONS, earlier_topics
from services.common.settings import CommonSettings, load_settings

_STANDARD_OUTPUT: Final = "-"


async def export_corrections(file: str, tenants: Sequence[str]) -> None:
    """Write `file` whole or not at all. Raises `LogError`, `OSError`."""
    corrections = Corrections(tenants)
    earlier = earlier_topics("corrections")
    reader = await open_reader(load_settings(CommonSettings), earlier)
    try:
        there = set(reader.topics())
        for topic in (*earlier, CORRECTIONS):
            for partition in range(reader.partitions(topic)) if topic in there else ():
                async for records in read_to_end(reader, topic, partition, 0):
                    corrections.take(records)
    finally:
        await reader.close()
    rows = [row(mention) for mention in corrections.mentions.values()]
    lines = b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in rows)
    if file == _STANDARD_OUTPUT:
        sys.stdout.buffer.write(lines)
        sys.stdout.flush()
    else:
        replace_file(Path(file), lines.decode())
    _tell(corrections, (each["lang"] for each in rows))


def _tell(corrections: Corrections, languages: Iterable[str]) -> None:
    err = stderr()
    by_language = ", ".join(f"{language} {count:,}" for language, count in sorted(Counter(languages).items()))
    written = f"{len(corrections.mentions):,} mentions of {corrections.taken:,} corrections"
    err.print(f"{written} ({by_language})" if by_language else written, soft_wrap=True)
    if corrections.unreadable:
        err.print(f"{corrections.unreadable:,} records cannot be read: a later version may have written them")
    shown = table("field", "judged", "the model was right", right=("judged", "the model was right"))
    agreement = corrections.agreement()
    for name in FIELDS:
        if counts := agreement.get(name):
            shown.add_row(name, f"{counts.total():,}", f"{counts[True] / counts.total():.1%}")
    if agreement:
        err.print(shown)
