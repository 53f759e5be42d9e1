"""What `/docs` says about the two paths: the handlers read the body themselves, so their contract is written here."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from fastapi import FastAPI
from orjson import dumps
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from services.common.http.problems import PROBLEM_JSON
from services.ingest.errors import Code
from services.ingest.examples import MENTION_EXAMPLES, OUTCOME_EXAMPLES, Example
from services.ingest.models import PostedMention, PostedOutcome
from services.ingest.parsing import PARSERS
from services.ingest.settings import IngestSettings

Json = dict[str, Any]

DESCRIPTION: Final = (
    "Takes in mentions and outcomes. **202** comes only after every accepted event is durable; each event of a batch"
    " gets one result, in order. Refusals are problem details (RFC 9457) with a stable `code`. Send what got 429, 503"
    " or no answer again as it was: a repeat of a mention is routed once."
)


class EventError(BaseModel):
    """Why an event was rejected."""

    code: Code
    field: str | None = Field(description="The field at fault, such as `author.followers`; null for the whole event.")
    message: str = Field(description="What to do, for people.")


class RejectedEvent(BaseModel):
    """The result of an event that was not taken in."""

    index: int = Field(ge=0, description="Its place in the batch.")
    status: Literal["rejected"]
    error: EventError


class AcceptedMention(BaseModel):
    """The result of a mention that is durable."""

    index: int = Field(ge=0, description="Its place in the batch.")
    status: Literal["accepted"]
    mention_id: str = Field(description="Ours; the same for every repeat of the mention.")


class AcceptedOutcome(BaseModel):
    """The result of an outcome that is durable."""

    index: int = Field(ge=0, description="Its place in the batch.")
    status: Literal["accepted"]
    outcome_id: str = Field(description="`id` as posted.")


class MentionResults(BaseModel):
    """One result per mention, in order."""

    results: list[AcceptedMention | RejectedEvent]


class OutcomeResults(BaseModel):
    """One result per outcome, in order."""

    results: list[AcceptedOutcome | RejectedEvent]


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What to do, for people.")
    code: str = Field(description="Stable, for programs.")
    results: list[RejectedEvent] | None = Field(None, description="With `all_rejected`: one per event, in order.")


_REFUSALS: Final = {
    400: "`invalid_json`, `incomplete_body`, `invalid_content_length`: the body cannot be read.",
    401: "`unauthenticated`: no valid key.",
    408: "`body_timeout`: the body came too slowly.",
    413: "`body_too_large`, `too_many_events`, `too_many_brackets`: send several smaller batches.",
    415: "`unsupported_media_type`, `unsupported_encoding`: the body comes in a form that is not taken.",
    422: "`all_rejected` (with `results`), `empty_batch`, `wrong_type`: nothing was taken in.",
    429: "`too_busy`: too much at once; try again after Retry-After.",
    500: "`internal_error`: an error of ours.",
    503: "`log_unavailable`: send the whole request again after Retry-After; what is repeated counts once.",
}
_RETRY_AFTER: Final[Json] = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_HEADERS: Final[Mapping[int, Json]] = {
    401: {"WWW-Authenticate": {"description": "`Bearer`", "schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


def _docs(posted: type[BaseModel], results: type[BaseModel], summary: str, examples: Sequence[Example]) -> Json:
    """Arguments of a route."""
    one = _ref(posted)
    events = [example.value for example in examples]
    content: Json = {
        media_type: {
            "schema": {"type": "string", "description": f"One `{posted.__name__}` per line."},
            "example": "".join(dumps(event).decode() + "\n" for event in events),
        }
        for media_type in PARSERS
    }
    content["application/json"] = {
        "schema": {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]},
        "examples": {
            **{example.name: {"summary": example.summary, "value": example.value} for example in examples},
            "batch": {"summary": "All of these at once", "value": events},
        },
    }
    return {
        "summary": summary,
        "tags": ["ingest"],
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "responses": {
            202: {
                "description": "At least one event was accepted, and every accepted one is durable.",
                "content": {"application/json": {"schema": _ref(results)}},
            },
            **{
                status: {
                    "description": description,
                    "headers": _HEADERS.get(status, {}),
                    "content": {PROBLEM_JSON: {"schema": _ref(Problem)}},
                }
                for status, description in _REFUSALS.items()
            },
        },
    }


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


MENTIONS_DOCS: Final = _docs(PostedMention, MentionResults, "Take in mentions", MENTION_EXAMPLES)
OUTCOMES_DOCS: Final = _docs(PostedOutcome, OutcomeResults, "Take in outcomes", OUTCOME_EXAMPLES)


def complete_openapi(app: FastAPI, settings: IngestSettings) -> None:
    """Add the schemas that the paths' documentation refers to, with the limits that are set."""
    generate = app.openapi

    def openapi() -> Json:
        schema = generate()
        schema.setdefault("components", {}).setdefault("schemas", {}).update(_schemas(settings))
        return schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way of extending it


def _schemas(settings: IngestSettings) -> Json:
    models = (PostedMention, PostedOutcome, MentionResults, OutcomeResults, Problem)
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas: Json = definitions["$defs"]
    schemas["PostedMention"]["properties"]["text"]["maxLength"] = settings.max_text_chars
    schemas["PostedInReplyTo"]["properties"]["text"]["anyOf"][0]["maxLength"] = settings.max_text_chars
    schemas["PostedMention"]["properties"]["attributes"]["description"] += (
        f" At most {settings.max_attributes_bytes} bytes, {settings.max_attributes_values} values and"
        f" {settings.max_attributes_depth} levels;"
        " whole numbers within ±2^53."
    )
    return schemas
