"""A command runner in a data folder of its own, a log with records, and an ingest that misbehaves on demand."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvicorn
from typer.testing import CliRunner

from services.cli.app import app
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.port import NewRecord

Run = Callable[..., Any]
WriteLog = Callable[[Sequence[NewRecord]], None]

PARTITIONS = 3


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """TRIAGE_DATA_DIR, and nothing else of the environment that the commands look at."""
    for name in ("LOG_URL", "API_KEYS_FILE", "INGEST_URL", "TRIAGE_API_KEY", "POLICY_FILE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "var"
    folder.mkdir()
    monkeypatch.setenv("TRIAGE_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def run(data_dir: Path) -> Run:
    """Run a command line in this process; gives `exit_code`, `stdout` and `stderr`."""
    runner = CliRunner()

    def invoke(*arguments: str) -> Any:
        return runner.invoke(app, arguments, prog_name="mention-triage")

    return invoke


@pytest.fixture
def write_log(data_dir: Path) -> WriteLog:
    """Append records to the log in the data folder."""

    async def append(records: Sequence[NewRecord]) -> None:
        log = EmbeddedLog(data_dir / "log.db", PARTITIONS)
        try:
            await log.append(records)
        finally:
            await log.close()

    return lambda records: asyncio.run(append(records))


class Ingest:
    """Answers like ingest, over a real socket. `script`: what to do with the next requests instead.

    An int is answered as that status, `drop` closes the connection, `hold` waits for `go`.
    """

    def __init__(self) -> None:
        self.script: list[int | str] = []
        self.retry_after = "0"
        self.requests: list[list[bytes]] = []  # the events of every request that was answered well
        self.held = threading.Event()
        self.go = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(self._app, interface="asgi3", log_config=None, lifespan="off", proxy_headers=False)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()

    @property
    def events(self) -> list[bytes]:
        """Every event that was answered for, in the order of the requests."""
        return [event for request in self.requests for event in request]

    def stop(self) -> None:
        self.go.set()
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        step = self.script.pop(0) if self.script else None
        if step == "drop":
            send.__self__.transport.abort()
            return
        if step == "hold":
            self.held.set()
            await asyncio.to_thread(self.go.wait)
        if isinstance(step, int):
            await _answer(send, step, {"detail": f"scripted {step}"}, self.retry_after)
            return
        events = body.splitlines()
        self.requests.append(events)
        results = [_result(index, event) for index, event in enumerate(events)]
        accepted = any(result["status"] == "accepted" for result in results)
        await _answer(send, 202 if accepted else 422, {"results": results}, None)


def _result(index: int, event: bytes) -> dict[str, Any]:
    try:
        text = orjson.loads(event)["text"]
    except orjson.JSONDecodeError:
        error = {"code": "invalid_json", "field": None, "message": "is no JSON"}
        return {"index": index, "status": "rejected", "error": error}
    if not text:
        error = {"code": "empty", "field": "text", "message": "write something"}
        return {"index": index, "status": "rejected", "error": error}
    return {"index": index, "status": "accepted", "mention_id": f"{index:032x}"}


async def _answer(send: Any, status: int, content: dict[str, Any], retry_after: str | None) -> None:
    headers = [(b"content-type", b"application/json")]
    if retry_after is not None:
        headers.append((b"retry-after", retry_after.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(content)})


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    server = Ingest()
    yield server
    server.stop()
