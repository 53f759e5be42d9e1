"""The opaque cursor of `GET /v1/routed`: how far a reader has come in each partition of which log."""

import base64
from collections.abc import Sequence
from typing import Final

from orjson import dumps, loads

from services.common.http.problems import Problem

_VERSION: Final = 2


def encode_cursor(generation: int, identity: str, offsets: Sequence[int]) -> str:
    """The cursor for the next offset to read of each partition, in the topic of this generation (routed.v1: 1).

    `identity`: the log's; offsets in a log that was wiped say nothing about the one after it. Base64url of a JSON
    array: version, generation, identity, offsets.
    """
    raw = dumps([_VERSION, generation, identity, *offsets])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_cursor(text: str, identity: str) -> tuple[int, list[int]]:
    """Generation of the topic, and offsets by partition. Raises a 400 problem unless `encode_cursor` made this text
    for this log; whether the topic has as many partitions is the caller's to ask."""
    try:
        generation: int
        offsets: list[int]
        version, generation, of_identity, *offsets = loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        # Only the one spelling that we give out: readers compare cursors to see that they have caught up.
        spelling = encode_cursor(generation, of_identity, offsets)
        genuine = spelling == text and all(type(number) is int for number in (generation, *offsets))
    except (ValueError, TypeError):  # binascii.Error and JSONDecodeError among them
        raise invalid_cursor() from None
    if not genuine or generation < 1 or (version, of_identity) != (_VERSION, identity):
        raise invalid_cursor()
    return generation, offsets


def invalid_cursor() -> Problem:
    """The answer to a cursor that was not given out here."""
    return Problem(
        400,
        "invalid_cursor",
        "this cursor is not one of this log's: send the last next_cursor unchanged, or start without a cursor",
        extensions={"field": "cursor"},
    )


def later_cursor(generation: int, newest: int) -> Problem:
    """The answer to a cursor of a later generation than this router's: another router gave it out."""
    return Problem(
        400,
        "cursor_too_new",
        f"this cursor is of generation {generation} of the topics, and this router is of an older one, {newest}:"
        f" keep the cursor and send it again; a router of generation {generation} takes it",
        extensions={"field": "cursor"},
    )
