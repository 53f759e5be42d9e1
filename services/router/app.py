"""The router's HTTP side: routed mentions for contact centers, in pages."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import structlog
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from orjson import loads
from pydantic import BeforeValidator

from services.common.contracts.schemas import ProblemJson
from services.common.http.app import create_app
from services.common.http.auth import Tenant
from services.common.http.keys import Authenticator
from services.common.http.places import Places
from services.common.http.problems import PROBLEM_JSON, Problem, problem_response
from services.common.log.port import Log, LogError
from services.common.telemetry.health import Health
from services.common.telemetry.metric_defs import ROUTER_PAGE_ITEMS, ROUTER_PAGES
from services.common.telemetry.metrics import Metrics
from services.router.cursor import encode_cursor, invalid_cursor
from services.router.pages import Filters, expired_cursor, read_page, too_many_pages
from services.router.schemas import LOG_EXAMPLE, PAGE_EXAMPLE, PriorityLabel, RoutedPage
from services.router.settings import RouterSettings

logger = structlog.get_logger()

_DEFAULT_LIMIT: Final = 100
_RETRY_SECONDS: Final = 1
_PARAMETERS: Final = ("limit", "cursor", "queue", "priority", "brand")

_DESCRIPTION: Final = """
Routed mentions for a contact center without Kafka: start without a cursor, then always send the last `next_cursor`,
and keep it with what you have stored. It survives restarts on both sides. When `next_cursor` equals the one you sent,
you have caught up: ask again in a second. A page may be empty and still not be the last: go by the cursor. It stays
good when the topics are changed over to another number of partitions.
"""


def create_router_app(
    settings: RouterSettings, reader: Log, authenticator: Authenticator, metrics: Metrics, health: Health
) -> FastAPI:
    """The app. `reader`: the log that holds the routed mentions; it is only read."""
    app = create_app("mention triage: router", _DESCRIPTION, metrics, health, authenticator)

    default_limit = min(_DEFAULT_LIMIT, settings.max_page)
    places = Places(settings.max_pages_at_once, too_many_pages)

    async def counted(tenant: Tenant) -> AsyncIterator[None]:
        status = 500
        try:
            yield
            status = 200
        except Problem as problem:
            status = problem.status
            raise
        except RequestValidationError:
            status = 422
            raise
        finally:
            metrics.counter(ROUTER_PAGES, tenant, str(status)).inc()

    @app.get(
        "/v1/routed",
        tags=["routed"],
        summary="The next page of your routed mentions, oldest first",
        dependencies=[Depends(counted)],
        response_model=RoutedPage,
        responses=_RESPONSES,
    )
    async def get_routed(
        *,
        request: Request,
        tenant: Tenant,
        limit: Annotated[
            int,
            BeforeValidator(lambda value: default_limit if value == "" else value),  # `?limit=&cursor=` is the default
            Query(ge=1, le=settings.max_page, description="Most items in the page"),
        ] = default_limit,
        cursor: Annotated[
            str | None, Query(description="`next_cursor` of the page before; none: from the oldest kept")
        ] = None,
        queue: Annotated[list[str], Query(default_factory=list, description="Only these queues (repeat for several)")],
        priority: Annotated[list[PriorityLabel], Query(default_factory=list, description="Only these priorities")],
        brand: Annotated[list[str], Query(default_factory=list, description="Only these brands, as posted")],
    ) -> Response:
        for name in request.query_params:
            if name not in _PARAMETERS:  # a misspelt filter must not silently admit everything
                raise _unknown_parameter(name)
        filters = Filters(frozenset(queue), frozenset(priority), frozenset(brand))
        with places.taken(tenant):
            try:
                page = await read_page(reader, tenant, limit, cursor or None, filters, settings.max_scan)
            except LogError as error:
                logger.warning("page failed", error=str(error))
                raise _unavailable() from None
        metrics.counter(ROUTER_PAGE_ITEMS, tenant).inc(len(page.items))
        return Response(page.json(), media_type="application/json")

    return app


def _unknown_parameter(name: str) -> Problem:
    detail = f"{name}: not a parameter here; there are {', '.join(_PARAMETERS)}"
    return Problem(422, "invalid_parameter", detail, extensions={"field": name})


def _unavailable() -> Problem:
    detail = "the log cannot be read now; try again with the same cursor"
    return Problem(503, "log_unavailable", detail, headers={"Retry-After": str(_RETRY_SECONDS)})


def _documented(description: str, problem: Problem) -> dict[str, Any]:
    """A problem as OpenAPI shows it, with what is really sent as the example."""
    content = {"schema": ProblemJson.model_json_schema(), "example": loads(bytes(problem_response(problem).body))}
    return {"description": description, "content": {PROBLEM_JSON: content}}


_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "One page", "content": {"application/json": {"example": PAGE_EXAMPLE}}},
    400: _documented(
        "The cursor was not given out by this log; or, with the code `cursor_too_new`, by a router of later topics:"
        " keep it and send it again",
        invalid_cursor(),
    ),
    401: _documented("No valid API key", Problem(401, "unauthenticated", "send `Authorization: Bearer KEY`")),
    410: _documented(
        "The cursor points below what is kept; `oldest_cursor` is where to go on",
        expired_cursor(encode_cursor(1, LOG_EXAMPLE, [0])),
    ),
    422: _documented("A parameter is wrong or unknown", _unknown_parameter("colour")),
    429: _documented("Too many pages are being made at once; try again after Retry-After", too_many_pages()),
    503: _documented("The log cannot be read now; try again after Retry-After", _unavailable()),
}
