"""Why a posted event is rejected: the stable codes, and the one place that turns what went wrong into one of them.

A message says what to do and never repeats what was sent. `field` names the place by the sender's own field names.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeGuard, get_args

import orjson
from pydantic import BaseModel, ValidationError

from services.common.http import fields

Code = Literal[
    "empty",
    "in_future",
    "invalid_json",
    "invalid_time",
    "invalid_value",
    "missing_field",
    "too_deep",
    "too_large",
    "too_long",
    "unknown_field",
    "wrong_type",
]

_UNKNOWN: Final = "extra_forbidden"
_MAX_FIELD_CHARS: Final = 200  # senders choose the names of unknown fields

_PATTERNS: Final[Mapping[str, str]] = {
    fields.LINE_PATTERN: "must be one line without control characters",
    fields.IDENTIFIER_PATTERN: "must be one line with a visible character and no control characters",
    fields.HANDLE_PATTERN: "must be a name on one line, with at most one leading @ and no space in front",
    fields.TEXT_PATTERN: "must not contain the character U+0000",
    fields.PLATFORM_PATTERN: (
        "must be lower case: 1 to 32 letters, digits, - and _, starting with a letter, such as `x` or `play_store`"
    ),
    fields.TAG_PATTERN: (
        "must be lower case: 1 to 50 letters, digits, - and _, starting with a letter or digit, such as `press`"
    ),
    fields.LANGUAGE_PATTERN: "must be a BCP 47 language tag such as `es`, `pt-BR` or `en`",
    fields.URL_PATTERN: "must be an absolute http or https URL without spaces",
    fields.MENTION_ID_PATTERN: "must be 32 lower-case hexadecimal digits: echo mention_id from the routed mention",
    fields.CUSTOMER_KEY_PATTERN: "must be as it was handed out: echo customer_key from the routed mention",
}

# By pydantic's error type: our code, and the message made from the error's context.
_RULES: Final[Mapping[str, tuple[Code, Callable[[Mapping[str, Any]], str]]]] = {
    "missing": ("missing_field", lambda _: "is required: add it"),
    "string_type": ("wrong_type", lambda _: "must be a string"),
    "int_type": ("wrong_type", lambda _: "must be a whole number (no quotes, no fraction)"),
    "float_type": ("wrong_type", lambda _: "must be a number (no quotes)"),
    "bool_type": ("wrong_type", lambda _: "must be true or false (no quotes)"),
    "list_type": ("wrong_type", lambda _: "must be an array"),
    "dict_type": ("wrong_type", lambda _: "must be an object"),
    "model_type": ("wrong_type", lambda _: "must be an object"),
    "string_too_short": ("empty", lambda _: "must not be empty"),
    "string_too_long": ("too_long", lambda ctx: f"must have at most {ctx['max_length']} characters"),
    "too_long": ("too_long", lambda ctx: f"must have at most {ctx['max_length']} entries"),
    "string_pattern_mismatch": ("invalid_value", lambda ctx: _PATTERNS[ctx["pattern"]]),
    "string_unicode": ("invalid_value", lambda _: "must be valid Unicode: it holds half of a surrogate pair"),
    "literal_error": ("invalid_value", lambda ctx: f"must be one of {ctx['expected']}"),
    "greater_than_equal": ("invalid_value", lambda ctx: f"must be at least {ctx['ge']:g}"),
    "less_than_equal": ("invalid_value", lambda ctx: f"must be at most {ctx['le']:g}"),
    "finite_number": ("invalid_value", lambda _: "must be a finite number"),
    "invalid_time": (
        "invalid_time",
        lambda _: "must be a time since 1970 in the form of RFC 3339 with an offset, such as 2026-03-01T09:30:00-05:00",
    ),
}


class Rejection(Exception):
    """One event is refused. `field` is None where the event as a whole is at fault; `what` goes on from its name."""

    def __init__(self, code: Code, field: str | None, what: str) -> None:
        super().__init__(code)
        self.code: Final = code
        self.field: Final = field if field is None else field[:_MAX_FIELD_CHARS]
        self.message: Final = f"the event {what}" if self.field is None else f"`{self.field}` {what}"

    def view(self) -> dict[str, str | None]:
        """The `error` of the event's result."""
        return {"code": self.code, "field": self.field, "message": self.message}


def rejection_of(error: ValidationError, model: type[BaseModel]) -> Rejection:
    """The rejection for what the model found. An unknown field goes first: it often is the missing one, misspelt."""
    errors = error.errors(include_url=False, include_input=False)
    first = next((each for each in errors if each["type"] == _UNKNOWN), errors[0])
    path = [str(part) for part in first["loc"]]
    if first["type"] == _UNKNOWN:
        return unknown_field(path, _model_at(path[:-1], model))
    code, what = _RULES[first["type"]]
    return Rejection(code, ".".join(path) or None, what(first.get("ctx", {})))


def unknown_field(path: Sequence[str], model: type[BaseModel]) -> Rejection:
    """The rejection for the field at `path`, which the object of this model does not have."""
    known = ", ".join(model.model_fields)
    return Rejection("unknown_field", ".".join(path), f"is not known: correct it or leave it out (known: {known})")


def _model_at(path: Sequence[str], model: type[BaseModel]) -> type[BaseModel]:
    """The model of the object at `path` within an object of `model`."""
    for name in path:
        annotation = model.model_fields[name].annotation
        model = next(each for each in (annotation, *get_args(annotation)) if _is_model(each))
    return model


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    """Whether a field's annotation is an object with fields of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def bad_json(error: orjson.JSONDecodeError, data: bytes, first_line: int = 1) -> str:
    """What is wrong with this JSON, and where, without its content. `first_line`: number of its first line."""
    try:
        data.decode()
    except UnicodeDecodeError as undecodable:
        line = first_line + data.count(b"\n", 0, undecodable.start)
        return f"is not valid UTF-8 in line {line}: send UTF-8"
    return f"is not valid JSON at line {first_line + error.lineno - 1}, column {error.colno}: {error.msg}"
