"""The HTTP side of classify: trying the model on a text, metrics and health."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from orjson import dumps
from pydantic import ValidationError

from services.classify.classifier import Classifier
from services.classify.schemas import REQUEST_EXAMPLES, TriedResults
from services.classify.trying import RETRY_SECONDS, TriedMention, try_mentions
from services.common.contracts.schemas import ProblemJson
from services.common.http.app import create_app
from services.common.http.auth import Tenant
from services.common.http.body import BodyLimits, BodyReader
from services.common.http.keys import Authenticator
from services.common.http.openapi import Json, add_schemas, events_body, refusals, schemas_of
from services.common.http.parsing import events_in_turns, parser_of
from services.common.http.places import Places
from services.common.http.problems import Problem
from services.common.http.rejections import Rejection, rejection_of
from services.common.http.request_metrics import RequestMetrics
from services.common.telemetry.health import Health
from services.common.telemetry.metric_defs import CLASSIFY_REQUEST_SECONDS, CLASSIFY_REQUESTS
from services.common.telemetry.metrics import Metrics

CLASSIFY_PATH: Final = "/v1/classify"

MAX_TEXTS: Final = 32
MAX_TEXT_CHARS: Final = 10_000  # as of a mention, by default
# Each has up to 66 texts for the model, four at a time, which are to be few beside the mentions.
_TRIES_AT_ONCE: Final = 4
_BODIES: Final = BodyLimits(
    max_bytes=1 << 20, timeout_seconds=30, max_in_flight_bytes=8 << 20, retry_after_seconds=RETRY_SECONDS
)

_DESCRIPTION: Final = """
Says what each mention is: inquiry type, sentiment, actionable, language, with calibrated probabilities. `POST
/v1/classify` tries a text: the answer is what the pipeline would say, and which words decided. Nothing of it is kept,
and mentions go first.
"""


def create_classify_app(
    classifier: Classifier, authenticator: Authenticator, metrics: Metrics, health: Health
) -> FastAPI:
    """The app of classify. `classifier`: the one of the stage, which is shared."""
    app = create_app("mention triage: classify", _DESCRIPTION, metrics, health, authenticator)
    bodies, places = BodyReader(_BODIES), Places(_TRIES_AT_ONCE, _too_busy)

    @app.post(CLASSIFY_PATH, **_DOCS)
    async def post_classify(
        request: Request,
        tenant: Tenant,
        explain: Annotated[
            bool | None,
            Query(description="Whether to say which words decided, of one text. Default: for one text yes, else no."),
        ] = None,
    ) -> Response:
        parse = parser_of(request.headers.get("content-type", ""))
        async with bodies.read(request, tenant) as body:
            events = [event async for event in events_in_turns(parse, body, MAX_TEXTS)]
        tried = [_tried(index, event) for index, event in enumerate(events)]
        if not tried:
            raise Problem(422, "empty_batch", "the batch holds no text: send at least one")
        if explain and len(tried) > 1:
            raise Problem(
                422, "invalid_parameter", "explain: one text at a time is explained", extensions={"field": "explain"}
            )
        with places.taken(tenant):
            results = await try_mentions(classifier, tried, explained=explain is not False and len(tried) == 1)
        return Response(dumps({"results": results}), media_type="application/json")

    app.add_middleware(
        RequestMetrics,
        metrics=metrics,
        requests=CLASSIFY_REQUESTS,
        seconds=CLASSIFY_REQUEST_SECONDS,
        routes=(CLASSIFY_PATH,),
    )
    add_schemas(app, _schemas)
    return app


def _tried(index: int, event: object) -> TriedMention:
    """One text. Raises a 422 `Problem` for the whole request: nothing has happened yet."""
    try:
        if isinstance(event, Rejection):
            raise event
        tried = TriedMention.model_validate(event)
        parent = tried.in_reply_to
        for field, text in (("text", tried.text), ("in_reply_to.text", (parent and parent.text) or "")):
            if len(text) > MAX_TEXT_CHARS:
                raise Rejection("too_long", field, f"must have at most {MAX_TEXT_CHARS} characters")
    except ValidationError as error:
        raise _refused(index, rejection_of(error, TriedMention)) from None
    except Rejection as rejection:
        raise _refused(index, rejection) from None
    return tried


def _refused(index: int, rejection: Rejection) -> Problem:
    return Problem(422, rejection.code, rejection.message, extensions={"index": index, "field": rejection.field})


def _too_busy() -> Problem:
    detail = f"as many tries are at work as may be: try again after {RETRY_SECONDS} s"
    return Problem(429, "too_busy", detail, headers={"Retry-After": str(RETRY_SECONDS)})


def _schemas() -> Json:
    schemas = schemas_of((TriedMention, ProblemJson))
    for holder, field in (("TriedMention", "text"), ("EchoedInReplyTo", "text")):
        text = schemas[holder]["properties"][field]
        (text["anyOf"][0] if "anyOf" in text else text)["maxLength"] = MAX_TEXT_CHARS
    return schemas


_REFUSALS: Final[Mapping[int, str]] = {
    400: "`invalid_json`, `incomplete_body`, `invalid_content_length`: the body cannot be read.",
    401: "`unauthenticated`: no valid key.",
    408: "`body_timeout`: the body came too slowly.",
    413: "`body_too_large`, `too_many_events`, `too_many_brackets`: send less at once.",
    415: "`unsupported_media_type`, `unsupported_encoding`: the body comes in a form that is not taken.",
    422: "A text or a parameter is wrong; `index` and `field` say where. Nothing was tried.",
    429: "`too_busy`: too many tries at once; try again after Retry-After.",
    500: "`internal_error`: an error of ours.",
    503: "`model_busy`: mentions need the model; try again after Retry-After.",
}
_DOCS: Final[Json] = {
    "summary": "Try the model on a text, or on some",
    "tags": ["classify"],
    "response_model": TriedResults,
    "openapi_extra": events_body(TriedMention, REQUEST_EXAMPLES, REQUEST_EXAMPLES["several"]["value"], MAX_TEXTS),
    "responses": refusals(ProblemJson, _REFUSALS),
}
