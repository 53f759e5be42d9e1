"""The HTTP side of ingest: every event is validated, made durable and answered for, one result per event, in order."""

import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import Response
from orjson import dumps

from services.common.contracts.records import TRACEPARENT
from services.common.http.app import create_app
from services.common.http.auth import Tenant
from services.common.http.body import BodyReader
from services.common.http.keys import Authenticator
from services.common.http.parsing import events_in_turns, parser_of
from services.common.http.problems import Problem
from services.common.http.rejections import Rejection
from services.common.http.request_metrics import RequestMetrics
from services.common.log.port import Log, LogError, LogUnavailable, NewRecord
from services.common.telemetry.health import Health
from services.common.telemetry.metric_defs import (
    INGEST_APPEND_ERRORS,
    INGEST_APPEND_SECONDS,
    INGEST_EVENTS,
    INGEST_IN_FLIGHT_BYTES,
    INGEST_REJECTIONS,
    INGEST_REQUEST_SECONDS,
    INGEST_REQUESTS,
)
from services.common.telemetry.metrics import Metrics
from services.ingest.events import CorrectionIntake, Intake, MentionIntake, OutcomeIntake, Received
from services.ingest.openapi import CORRECTIONS_DOCS, DESCRIPTION, MENTIONS_DOCS, OUTCOMES_DOCS, complete_openapi
from services.ingest.settings import IngestSettings

MENTIONS_PATH: Final = "/v1/mentions"
OUTCOMES_PATH: Final = "/v1/outcomes"
CORRECTIONS_PATH: Final = "/v1/corrections"

# W3C Trace Context, version 00; all-zero ids are invalid.
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

logger = structlog.get_logger()


def create_ingest_app(
    settings: IngestSettings,
    log: Log,
    authenticator: Authenticator,
    metrics: Metrics,
    health: Health,
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The app. `clock`: seconds since the epoch, the source of every `received_at`."""
    app = create_app("mention triage: ingest", DESCRIPTION, metrics, health, authenticator)
    reception = _Reception(settings, log, metrics, clock)
    mentions, outcomes = MentionIntake(settings, log), OutcomeIntake(settings, log)
    corrections = CorrectionIntake(settings, log)

    @app.post(MENTIONS_PATH, status_code=202, **MENTIONS_DOCS)
    async def post_mentions(request: Request, tenant: Tenant) -> Response:
        return await reception.take(request, tenant, mentions)

    @app.post(OUTCOMES_PATH, status_code=202, **OUTCOMES_DOCS)
    async def post_outcomes(request: Request, tenant: Tenant) -> Response:
        return await reception.take(request, tenant, outcomes)

    @app.post(CORRECTIONS_PATH, status_code=202, **CORRECTIONS_DOCS)
    async def post_corrections(request: Request, tenant: Tenant) -> Response:
        return await reception.take(request, tenant, corrections)

    app.add_middleware(
        RequestMetrics,
        metrics=metrics,
        requests=INGEST_REQUESTS,
        seconds=INGEST_REQUEST_SECONDS,
        routes=(MENTIONS_PATH, OUTCOMES_PATH, CORRECTIONS_PATH),
    )
    complete_openapi(app, settings)
    return app


class _Reception:
    """What all paths do with a request."""

    def __init__(self, settings: IngestSettings, log: Log, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._body = BodyReader(settings.body_limits)
        in_flight = self._body.in_flight
        metrics.gauge(INGEST_IN_FLIGHT_BYTES).set_function(lambda: in_flight.bytes)
        self._append_seconds = metrics.histogram(INGEST_APPEND_SECONDS)

    async def take(self, request: Request, tenant: str, intake: Intake) -> Response:
        """The answer to a request, after what it brings is durable. Raises a `Problem` for a refused one."""
        parse = parser_of(request.headers.get("content-type", ""))
        async with self._body.read(request, tenant) as body:
            received = Received(tenant, int(self._clock() * 1000), _traceparent(request))
            results: list[dict[str, Any]] = []
            records: list[NewRecord] = []
            rejected: Counter[str] = Counter()
            async for event in events_in_turns(parse, body, self._settings.max_batch_events):
                index = len(results)
                try:
                    if isinstance(event, Rejection):
                        raise event
                    identifier, record = intake.record(event, received)
                except Rejection as rejection:
                    results.append({"index": index, "status": "rejected", "error": rejection.view()})
                    rejected[rejection.code] += 1
                else:
                    results.append({"index": index, "status": "accepted", intake.id_field: identifier})
                    records.append(record)
            if not results:
                raise Problem(422, "empty_batch", "the batch holds no event: send at least one")
            if records:
                await self._append(records)
        self._count(tenant, intake, len(records), rejected)
        if not records:
            raise Problem(
                422,
                "all_rejected",
                f"none of {len(results)} event(s) was accepted: correct what `results` says",
                extensions={"results": results},
            )
        return Response(dumps({"results": results}), 202, media_type="application/json")

    async def _append(self, records: list[NewRecord]) -> None:
        start = time.perf_counter()
        try:
            await self._log.append(records)
        except LogError as error:
            reason = error.reason if isinstance(error, LogUnavailable) else type(error).__name__
            self._metrics.counter(INGEST_APPEND_ERRORS, reason).inc()
            logger.warning("append failed", reason=reason, error=str(error), events=len(records))
            wait = self._settings.retry_after_seconds
            raise Problem(
                503,
                "log_unavailable",
                f"the log cannot be written now: send all again after {wait} s, repeats count once",
                headers={"Retry-After": str(wait)},
            ) from None
        self._append_seconds.observe(time.perf_counter() - start)

    def _count(self, tenant: str, intake: Intake, accepted: int, rejected: Counter[str]) -> None:
        if accepted:
            self._metrics.counter(INGEST_EVENTS, tenant, intake.event, "accepted").inc(accepted)
        if rejected:
            self._metrics.counter(INGEST_EVENTS, tenant, intake.event, "rejected").inc(rejected.total())
            for code, count in rejected.items():
                self._metrics.counter(INGEST_REJECTIONS, intake.event, code).inc(count)
            logger.info("events rejected", tenant=tenant, event_kind=intake.event, codes=dict(rejected))


def _traceparent(request: Request) -> bytes | None:
    value = request.headers.get(TRACEPARENT)
    return value.encode() if value and _TRACEPARENT.fullmatch(value) else None
