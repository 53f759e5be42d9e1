"""From a body to its events: one JSON object, an array of them, or one object per line."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from io import BytesIO
from typing import Final

import orjson

from services.common.http.problems import Problem
from services.common.http.rejections import Rejection, bad_json

# An event as parsed, not yet validated; or why it could not be parsed.
Event = object | Rejection
Parser = Callable[[bytes, int], Iterator[Event]]

# In place of an event: nothing but a chance to let others in.
_PAUSE: Final = object()
_BLANK_LINES_PER_PAUSE: Final = 1000
# A request lets other requests, and the other loops of the process, in between.
_TURN_SECONDS: Final = 0.005
# orjson lets nobody in before it is done, in a thread neither, and arrays and objects are what takes it long: ten for
# each of 10,000 events.
_MAX_BRACKETS: Final = 100_000


def parser_of(content_type: str) -> Parser:
    """The parser for a Content-Type header. Raises a 415 problem that lists what is taken."""
    media_type = content_type.partition(";")[0].strip().lower()
    parser = PARSERS.get(media_type)
    if parser is None:
        raise Problem(415, "unsupported_media_type", f"set Content-Type to one of {', '.join(PARSERS)}")
    return parser


async def events_in_turns(
    parse: Parser, body: bytes, max_events: int, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Event]:
    """The body's events; lets the event loop go on every few milliseconds, of the consumer's work too."""
    ends = clock() + _TURN_SECONDS
    for event in parse(body, max_events):
        if clock() >= ends:
            await asyncio.sleep(0)
            ends = clock() + _TURN_SECONDS
        if event is not _PAUSE:
            yield event


def _parse_json(body: bytes, max_events: int) -> Iterator[Event]:
    if _too_many_brackets(body):
        raise Problem(
            413,
            "too_many_brackets",
            f"a body has at most {_MAX_BRACKETS} opening brackets and braces: send several smaller batches",
        )
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "invalid_json", f"the body {bad_json(error, body)}") from None
    if isinstance(document, dict):
        return iter((document,))
    if isinstance(document, list):
        if len(document) > max_events:
            raise _too_many(max_events)
        return iter(document)
    raise Problem(422, "wrong_type", "the body must be one event (a JSON object) or an array of events")


def _parse_ndjson(body: bytes, max_events: int) -> Iterator[Event]:
    count = blank = 0
    for number, line in enumerate(BytesIO(body), 1):
        line = line.rstrip()  # noqa: PLW2901 - so that an error at its end is not counted to the next line
        if not line:
            blank += 1
            if blank % _BLANK_LINES_PER_PAUSE == 0:
                yield _PAUSE
            continue
        count += 1
        if count > max_events:
            raise _too_many(max_events)
        if _too_many_brackets(line):
            yield Rejection("too_large", None, f"must have at most {_MAX_BRACKETS} opening brackets and braces")
            continue
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield Rejection("invalid_json", None, bad_json(error, line, number))


def _too_many_brackets(data: bytes) -> bool:
    return len(data) > _MAX_BRACKETS and data.count(b"[") + data.count(b"{") > _MAX_BRACKETS


def _too_many(max_events: int) -> Problem:
    return Problem(413, "too_many_events", f"a batch has at most {max_events} events: send several smaller batches")


PARSERS: Final[Mapping[str, Parser]] = {
    "application/json": _parse_json,
    "application/x-ndjson": _parse_ndjson,
    "application/ndjson": _parse_ndjson,
    "application/jsonl": _parse_ndjson,
}
