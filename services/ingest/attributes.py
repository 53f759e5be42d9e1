"""Free attributes: any JSON object that survives the way through Protobuf unchanged, within the limits."""

import math
from typing import Any, Final

import orjson

from services.common.http.rejections import Rejection

_FIELD: Final = "attributes"
# Protobuf's Struct holds numbers as doubles: whole numbers beyond this would come back changed.
_MAX_WHOLE: Final = 2**53


def check_values(attributes: dict[str, Any], max_values: int) -> None:
    """Raise a `Rejection` for more values, at all levels together, than this; looks at no more than so many."""
    count = 0
    parents: list[dict[str, Any] | list[Any]] = [attributes]
    while parents:
        parent = parents.pop()
        count += len(parent)
        if count > max_values:
            raise Rejection("too_large", _FIELD, f"must hold at most {max_values} values, all levels together")
        members = parent.values() if isinstance(parent, dict) else parent
        parents += [member for member in members if isinstance(member, dict | list)]


def check_attributes(attributes: dict[str, Any], max_depth: int, max_bytes: int) -> None:
    """Raise a `Rejection` for what cannot be kept. The object itself is the first level of depth."""
    try:
        size = len(orjson.dumps(attributes))  # first: it bounds the work below
    except orjson.JSONEncodeError:  # its own limit of nesting, far beyond any of ours
        raise _too_deep(_FIELD, max_depth) from None
    if size > max_bytes:
        raise Rejection("too_large", _FIELD, f"must have at most {max_bytes} bytes as JSON")
    _check_members(attributes, _FIELD, max_depth, max_depth)


def _check_members(parent: dict[str, Any] | list[Any], path: str, levels: int, max_depth: int) -> None:
    if levels == 0:
        raise _too_deep(path, max_depth)
    members = parent.items() if isinstance(parent, dict) else enumerate(parent)
    for name, value in members:
        if isinstance(name, str) and "\0" in name:
            raise Rejection("invalid_value", path, "must not have the character U+0000 in a name")
        if value is None or isinstance(value, bool):
            continue
        if isinstance(value, dict | list):
            _check_members(value, f"{path}.{name}", levels - 1, max_depth)
        elif isinstance(value, str):
            if "\0" in value:
                raise Rejection("invalid_value", f"{path}.{name}", "must not contain the character U+0000")
        elif not math.isfinite(value) or (abs(value) > _MAX_WHOLE and float(value).is_integer()):
            raise Rejection(
                "invalid_value",
                f"{path}.{name}",
                "must be a finite number, whole ones within ±2^53; else send a string",
            )


def _too_deep(path: str, max_depth: int) -> Rejection:
    return Rejection("too_deep", path, f"must not be nested more than {max_depth} levels deep")
