"""An unexpected error of ours: a 500 problem for the client, type and place in the log, nothing of the text."""

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from services.common.http.problems import PROBLEM_JSON, Problem, install_problem_handlers

SECRET = "Ana Pérez wrote that"


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError(SECRET)

    @app.get("/refused")
    async def refused() -> None:
        raise Problem(429, "too_busy", "try again", headers={"Retry-After": "1"}, extensions={"queue": 3})

    return app


async def get(app: FastAPI, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(path)


async def test_an_unexpected_error_tells_nobody_its_text(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as lines:
        answer = await get(app, "/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.json()["code"] == "internal_error"
    assert [line["error"].split(" at ")[0] for line in lines] == ["ValueError"]
    assert "test_problems.py" in lines[0]["error"]
    assert SECRET not in answer.text + str(lines) + caplog.text


async def test_a_problem_carries_status_code_detail_headers_and_extensions(app: FastAPI) -> None:
    answer = await get(app, "/refused")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {
        "type": "urn:mention-triage:problem:too_busy",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "try again",
        "code": "too_busy",
        "queue": 3,
    }


async def test_an_unknown_path_is_a_problem_too(app: FastAPI) -> None:
    answer = await get(app, "/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
