"""From a body to its events: one JSON object, an array of them, or one object per line."""

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Final

import orjson

from services.common.http.problems import Problem
from services.ingest.errors import Rejection, bad_json

# An event as parsed, not yet validated; or why it could not be parsed.
Event = object | Rejection
Parser = Callable[[bytes, int], Iterator[Event]]


def parser_of(content_type: str) -> Parser:
    """The parser for a Content-Type header. Raises a 415 problem that lists what is taken."""
    media_type = content_type.partition(";")[0].strip().lower()
    parser = PARSERS.get(media_type)
    if parser is None:
        raise Problem(415, "unsupported_media_type", f"set Content-Type to one of {', '.join(PARSERS)}")
    return parser


def _parse_json(body: bytes, max_events: int) -> Iterator[Event]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "invalid_json", f"the body {bad_json(error, body)}") from None
    if isinstance(document, dict):
        yield document
    elif isinstance(document, list):
        if len(document) > max_events:
            raise _too_many(max_events)
        yield from document
    else:
        raise Problem(422, "wrong_type", "the body must be one event (a JSON object) or an array of events")


def _parse_ndjson(body: bytes, max_events: int) -> Iterator[Event]:
    count = 0
    for number, line in enumerate(BytesIO(body), 1):
        line = line.rstrip()  # noqa: PLW2901 - so that an error at its end is not counted to the next line
        if not line:
            continue
        count += 1
        if count > max_events:
            raise _too_many(max_events)
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield Rejection("invalid_json", None, bad_json(error, line, number))


def _too_many(max_events: int) -> Problem:
    return Problem(413, "too_many_events", f"a batch has at most {max_events} events: send several smaller batches")


PARSERS: Final[Mapping[str, Parser]] = {
    "application/json": _parse_json,
    "application/x-ndjson": _parse_ndjson,
    "application/ndjson": _parse_ndjson,
    "application/jsonl": _parse_ndjson,
}
