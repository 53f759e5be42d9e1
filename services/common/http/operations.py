"""`/metrics`, `/healthz` and `/readyz`: what operations asks every service."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics


def operations_routes(metrics: Metrics, health: Health) -> APIRouter:
    """Routes of one service's own metrics and health."""
    router = APIRouter(tags=["operations"])

    @router.get("/metrics", summary="Metrics in Prometheus' text format", response_class=Response)
    async def get_metrics() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/healthz", summary="Whether this process progresses (503: restart it)")
    async def get_healthz() -> JSONResponse:
        stuck = health.stuck()
        return JSONResponse({"status": "stuck" if stuck else "ok", "stuck": list(stuck)}, 503 if stuck else 200)

    @router.get("/readyz", summary="Whether this process can serve (503: send it nothing)")
    async def get_readyz() -> JSONResponse:
        waiting = health.unready()
        return JSONResponse(
            {"status": "waiting" if waiting else "ready", "waiting_for": waiting}, 503 if waiting else 200
        )

    return router
