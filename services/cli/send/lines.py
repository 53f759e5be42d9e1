"""Cuts a stream of bytes into batches of lines."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

_READ_BYTES: Final = 256 << 10
# Well below ingest's limit of a body; a longer line goes alone, and ingest says what it thinks of it.
_BATCH_BYTES: Final = 4 << 20


class Unbuffered(Protocol):
    """A stream whose `read` gives what is there, and waits only when nothing is: `open(…, buffering=0)`."""

    def read(self, size: int, /) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines of the input. `raw`: all bytes, blank lines too; `numbers`: 1-based number of each event's line."""

    raw: bytes
    events: tuple[bytes, ...]
    numbers: tuple[int, ...]
    last_line: int

    @property
    def body(self) -> bytes:
        """The events as NDJSON."""
        return b"\n".join(self.events) + b"\n"


def read_batches(stream: Unbuffered, max_events: int, line: int = 0, *, live: bool = False) -> Iterator[Batch]:
    """Batches of at most `max_events` events, from the line after `line` on.

    `live`: the stream may pause (a pipe); what has come is then given without waiting for a full batch.
    """
    collected: list[bytes] = []
    size = 0
    for content in _lines(stream):
        full = len(collected) == max_events or size + len(content or b"") > _BATCH_BYTES
        if collected and (live if content is None else full):
            yield _batch(collected, line)
            line, collected, size = line + len(collected), [], 0
        if content is not None:
            collected.append(content)
            size += len(content)
    if collected:
        yield _batch(collected, line)


def _lines(stream: Unbuffered) -> Iterator[bytes | None]:
    """Lines with their ends; None after each read, where the next one may have to wait."""
    rest = b""
    while chunk := stream.read(_READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        for content in lines:
            yield content + b"\n"
        yield None
    if rest:
        yield rest


def _batch(lines: list[bytes], line: int) -> Batch:
    events = [(line + place, content.strip()) for place, content in enumerate(lines, 1) if content.strip()]
    return Batch(
        raw=b"".join(lines),
        events=tuple(content for _, content in events),
        numbers=tuple(number for number, _ in events),
        last_line=line + len(lines),
    )


class Fingerprint:
    """SHA-256 of the bytes so far: says whether a file still begins as it did."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, content: bytes) -> None:
        """Add what follows."""
        self._hash.update(content)

    def hex(self) -> str:
        """The fingerprint up to here."""
        return self._hash.hexdigest()
