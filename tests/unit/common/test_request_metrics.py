import httpx
import pytest
from starlette.types import Receive, Scope, Send

from services.common.http.request_metrics import RequestMetrics
from services.common.telemetry.metric_defs import INGEST_REQUEST_SECONDS, INGEST_REQUESTS
from services.common.telemetry.metrics import Metrics


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/broken":
        raise RuntimeError("broken")
    await send({"type": "http.response.start", "status": 429, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_known_routes_are_counted_by_status() -> None:
    metrics = Metrics("ingest")
    transport = httpx.ASGITransport(
        RequestMetrics(app, metrics, INGEST_REQUESTS, INGEST_REQUEST_SECONDS, ("/v1/mentions", "/broken"))
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
        for path in ("/v1/mentions", "/v1/mentions", "/v1/other/77"):
            await client.post(path)
        with pytest.raises(RuntimeError):
            await client.post("/broken")
    samples = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "triage_ingest_requests_total"
    }
    assert samples == {("/v1/mentions", "429"): 2, ("/broken", "500"): 1}
