"""The opaque cursor of `GET /v1/routed`: how far a reader has come in each partition."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Final

from services.common.http.problems import Problem

_VERSION: Final = 1
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{1,10000}")
_MAX_BITS: Final = 63


def encode_cursor(generation: int, offsets: Sequence[int]) -> str:
    """The cursor for the next offset to read of each partition, in the topic of this generation (routed.v1: 1).

    Base64url of version, generation and offsets, each as a base-128 number, low digits first (Protobuf's varint).
    """
    raw = b"".join(_varint(number) for number in (_VERSION, generation, *offsets))
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(text: str, generation: int, partitions: int) -> list[int]:
    """Offsets by partition. Raises a 400 problem unless `encode_cursor` made this text for such a topic."""
    offsets: list[int] | None = None
    if _TEXT.fullmatch(text):
        try:
            version, of_generation, *rest = _numbers(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, ValueError):
            raise invalid_cursor() from None
        if (version, of_generation, len(rest)) == (_VERSION, generation, partitions):
            offsets = rest
    # Only the one spelling that we give out: readers compare cursors to see that they have caught up.
    if offsets is None or encode_cursor(generation, offsets) != text:
        raise invalid_cursor()
    return offsets


def invalid_cursor() -> Problem:
    """The answer to a cursor that was not given out here."""
    return Problem(
        400,
        "invalid_cursor",
        "this cursor is not one of this log's: send the last next_cursor unchanged, or start without a cursor",
        extensions={"field": "cursor"},
    )


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*digits, number))


def _numbers(raw: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if shift > _MAX_BITS + 7:
            raise ValueError("number too long")
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("cut off within a number")
