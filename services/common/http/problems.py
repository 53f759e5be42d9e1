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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.errors import place_of

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
        field = str(first["loc"][1]) if len(first["loc"]) > 1 else "request"
        return problem_response(
            Problem(422, "invalid_parameter", f"{field}: {first['msg']}", extensions={"field": field})
        )

    app.add_middleware(_Guard)


class _Guard:
    """Answers an unexpected error with a 500 problem.

    Not an exception handler: Starlette raises the error again after one, and the server would log its text, which may
    hold a message or a name. Only type and place are logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watching_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watching_send)
        except Exception as error:
            log.error("request failed", route=scope.get("path"), error=place_of(error))
            if not started:
                detail = "an error of ours; try again, and report it if it stays"
                await problem_response(Problem(500, "internal_error", detail))(scope, receive, send)
