"""Problem details (RFC 9457): the one form in which an HTTP request is refused."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from orjson import dumps
from starlette.exceptions import HTTPException

PROBLEM_JSON: Final = "application/problem+json"

log = structlog.get_logger()


class Problem(Exception):
    """A refused request. `code` is stable, for programs; `detail` is for people and says what to do."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})


def problem_response(problem: Problem) -> Response:
    """The HTTP response of a problem."""
    body = {
        "type": f"urn:mention-triage:problem:{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **problem.extensions,
    }
    return Response(dumps(body), problem.status, headers=problem.headers, media_type=PROBLEM_JSON)


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every refusal and every error of the app as a problem, without the content of the request."""

    @app.exception_handler(Problem)
    async def on_problem(_: Request, problem: Problem) -> Response:
        return problem_response(problem)

    @app.exception_handler(HTTPException)
    async def on_http_exception(request: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase
        detail = {
            404: f"there is no {request.url.path} here; see /docs",
            405: f"{request.method} is not allowed on {request.url.path}; see /docs",
        }.get(error.status_code, str(error.detail))
        code = phrase.lower().replace(" ", "_")
        return problem_response(Problem(error.status_code, code, detail, headers=error.headers))

    @app.exception_handler(RequestValidationError)
    async def on_validation_error(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return problem_response(
            Problem(422, "invalid_parameter", f"{field}: {first['msg']}", extensions={"field": field})
        )

    @app.exception_handler(Exception)
    async def on_error(request: Request, error: Exception) -> Response:
        # Type and place only: the text of an exception may hold a message or a name.
        log.error("request failed", route=request.scope.get("path"), error=type(error).__name__, exc_info=False)
        return problem_response(
            Problem(500, "internal_error", "an error of ours; try again, and report it if it stays")
        )
