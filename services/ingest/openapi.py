"""What `/docs` says about the paths: the handlers read the body themselves, so their contract is written here."""

from collections.abc import Sequence
from typing import Final, Literal

from fastapi import FastAPI
from pydantic import BaseModel, Field

from services.common.contracts.schemas import ProblemJson
from services.common.http.openapi import Json, add_schemas, events_body, ref, refusals, schemas_of
from services.common.http.rejections import Code
from services.ingest.examples import CORRECTION_EXAMPLES, MENTION_EXAMPLES, OUTCOME_EXAMPLES, Example
from services.ingest.models import PostedCorrection, PostedMention, PostedOutcome
from services.ingest.settings import IngestSettings

DESCRIPTION: Final = (
    "Takes in mentions, outcomes and corrections. **202** comes only after every accepted event is durable; each event"
    " of a batch gets one result, in order. Refusals are problem details (RFC 9457) with a stable `code`. Send what got"
    " 429, 503 or no answer again as it was: a repeat of a mention is routed once."
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


class AcceptedCorrection(BaseModel):
    """The result of a correction that is durable."""

    index: int = Field(ge=0, description="Its place in the batch.")
    status: Literal["accepted"]
    correction_id: str = Field(description="`id` as posted.")


class MentionResults(BaseModel):
    """One result per mention, in order."""

    results: list[AcceptedMention | RejectedEvent]


class OutcomeResults(BaseModel):
    """One result per outcome, in order."""

    results: list[AcceptedOutcome | RejectedEvent]


class CorrectionResults(BaseModel):
    """One result per correction, in order."""

    results: list[AcceptedCorrection | RejectedEvent]


class Problem(ProblemJson):
    """Problem details (RFC 9457)."""

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


def _docs(posted: type[BaseModel], results: type[BaseModel], summary: str, examples: Sequence[Example]) -> Json:
    """Arguments of a route."""
    events = [example.value for example in examples]
    shown: Json = {example.name: {"summary": example.summary, "value": example.value} for example in examples}
    accepted: Json = {
        "description": "At least one event was accepted, and every accepted one is durable.",
        "content": {"application/json": {"schema": ref(results)}},
    }
    return {
        "summary": summary,
        "tags": ["ingest"],
        "openapi_extra": events_body(
            posted, {**shown, "batch": {"summary": "All of these at once", "value": events}}, events
        ),
        "responses": {202: accepted, **refusals(Problem, _REFUSALS)},
    }


MENTIONS_DOCS: Final = _docs(PostedMention, MentionResults, "Take in mentions", MENTION_EXAMPLES)
OUTCOMES_DOCS: Final = _docs(PostedOutcome, OutcomeResults, "Take in outcomes", OUTCOME_EXAMPLES)
CORRECTIONS_DOCS: Final = _docs(
    PostedCorrection, CorrectionResults, "Take in what mentions really were", CORRECTION_EXAMPLES
)


def complete_openapi(app: FastAPI, settings: IngestSettings) -> None:
    """Add the schemas that the paths' documentation refers to, with the limits that are set."""
    add_schemas(app, lambda: _schemas(settings))


def _schemas(settings: IngestSettings) -> Json:
    posted = (PostedMention, PostedOutcome, PostedCorrection)
    schemas = schemas_of((*posted, MentionResults, OutcomeResults, CorrectionResults, Problem))
    schemas["PostedMention"]["properties"]["text"]["maxLength"] = settings.max_text_chars
    schemas["EchoedMention"]["properties"]["text"]["maxLength"] = settings.max_text_chars
    for parent in ("PostedInReplyTo", "EchoedInReplyTo"):
        schemas[parent]["properties"]["text"]["anyOf"][0]["maxLength"] = settings.max_text_chars
    schemas["PostedMention"]["properties"]["attributes"]["description"] += (
        f" At most {settings.max_attributes_bytes} bytes, {settings.max_attributes_values} values and"
        f" {settings.max_attributes_depth} levels;"
        " whole numbers within ±2^53."
    )
    return schemas
