"""Schemas in `/docs` for handlers that read the body themselves, which FastAPI cannot see."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from orjson import dumps
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.common.http.parsing import PARSERS
from services.common.http.problems import PROBLEM_JSON

Json = dict[str, Any]

_RETRY_AFTER: Final[Json] = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_HEADERS: Final[Mapping[int, Json]] = {
    401: {"WWW-Authenticate": {"description": "`Bearer`", "schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def ref(model: type[BaseModel]) -> Json:
    """A reference to the schema of this model."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def schemas_of(models: Sequence[type[BaseModel]]) -> Json:
    """The schemas of these models and of all that they hold, by name."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas: Json = definitions["$defs"]
    return schemas


def events_body(
    model: type[BaseModel], examples: Mapping[str, Json], lines: Sequence[object], max_items: int | None = None
) -> Json:
    """`openapi_extra` of a path that takes events of this model: one, an array of them, or one per line.

    `examples`: of the JSON form, as OpenAPI writes them; `lines`: events, as the example of the other form.
    """
    one = ref(model)
    several: Json = {"type": "array", "items": one, "minItems": 1}
    if max_items is not None:
        several["maxItems"] = max_items
    content: Json = {
        media_type: {
            "schema": {"type": "string", "description": f"One `{model.__name__}` per line."},
            "example": "".join(dumps(line).decode() + "\n" for line in lines),
        }
        for media_type in PARSERS
    }
    content["application/json"] = {"schema": {"anyOf": [one, several]}, "examples": examples}
    return {"requestBody": {"required": True, "content": content}}


def refusals(problem: type[BaseModel], descriptions: Mapping[int, str]) -> dict[int | str, Json]:
    """The responses of a path that refuses with a problem of this model, by status."""
    return {
        status: {
            "description": description,
            "headers": _HEADERS.get(status, {}),
            "content": {PROBLEM_JSON: {"schema": ref(problem)}},
        }
        for status, description in descriptions.items()
    }


def add_schemas(app: FastAPI, make: Callable[[], Json]) -> None:
    """Add the schemas that the paths' documentation refers to."""
    generate = app.openapi

    def openapi() -> Json:
        schema = generate()
        schema.setdefault("components", {}).setdefault("schemas", {}).update(make())
        return schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way of extending it
