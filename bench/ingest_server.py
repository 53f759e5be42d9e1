"""The servers that bench/ingest.py drives: ingest over the embedded log, and what it is compared with.

`real`: as it is. `no append`: the same app over a log whose append does nothing. `bare`: a minimal FastAPI handler.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import structlog
import uvloop
from fastapi import FastAPI, Request, Response

from services.common.http.keys import Authenticator, KeyFile
from services.common.http.server import HttpServer
from services.common.log.opening import open_log
from services.common.log.port import Log, NewRecord
from services.common.service import tune_interpreter
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from services.ingest.app import create_ingest_app
from services.ingest.settings import IngestSettings

Kind = Literal["real", "no append", "bare"]


class NoAppend:
    """A log that forgets."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def partitions(self, _: str) -> int:
        """See `Log.partitions`."""
        return self._partitions

    async def append(self, _: Sequence[NewRecord]) -> None:
        """See `Log.append`."""


def bare_app() -> FastAPI:
    """Reads the body and answers."""
    app = FastAPI()

    @app.post("/v1/mentions", status_code=202)
    async def post_mentions(request: Request) -> Response:
        await request.body()
        return Response(b'{"results":[]}', 202, media_type="application/json")

    return app


async def serve(kind: Kind, port: int, folder: Path) -> None:
    """Serve until standard input ends. Prints the API key once it listens."""
    keys = KeyFile(folder / "keys.json")
    key = keys.add("bench")
    settings = IngestSettings(data_dir=folder)
    app = bare_app()
    if kind != "bare":
        log = await open_log(settings) if kind == "real" else cast(Log, NoAppend(settings.log_partitions))
        app = create_ingest_app(settings, log, Authenticator(keys), Metrics("ingest"), Health())
    server = HttpServer(app, "127.0.0.1", port, "the port")
    server.start()
    print(key, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()
    if kind == "real":
        await log.close()


if __name__ == "__main__":
    tune_interpreter()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    uvloop.run(serve(cast(Kind, sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
