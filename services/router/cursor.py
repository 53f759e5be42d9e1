"""The opaque cursor of `GET /v1/routed`: how far a reader has come in each partition."""

import base64
from collections.abc import Sequence
from typing import Final

from orjson import dumps, loads

from services.common.http.problems import Problem

_VERSION: Final = 1


def encode_cursor(generation: int, offsets: Sequence[int]) -> str:
    """The cursor for the next offset to read of each partition, in the topic of this generation (routed.v1: 1).

    Base64url of a JSON array: version, generation, offsets.
    """
    raw = dumps([_VERSION, generation, *offsets])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(text: str, generation: int, partitions: int) -> list[int]:
    """Offsets by partition. Raises a 400 problem unless `encode_cursor` made this text for such a topic."""
    try:
        offsets: list[int]
        version, of_generation, *offsets = loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        # Only the one spelling that we give out: readers compare cursors to see that they have caught up.
        genuine = encode_cursor(of_generation, offsets) == text and all(type(offset) is int for offset in offsets)
    except (ValueError, TypeError):  # binascii.Error and JSONDecodeError among them
        raise invalid_cursor() from None
    if not genuine or (version, of_generation, len(offsets)) != (_VERSION, generation, partitions):
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
