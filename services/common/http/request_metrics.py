"""Counts and times the API's requests, refused ones too: what the handlers never see is counted here."""

import time
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common.telemetry.metric_defs import MetricSpec
from services.common.telemetry.metrics import Metrics


class RequestMetrics:
    """ASGI middleware over these routes (exact paths, which makes the label bounded).

    `requests`: the counter, by route and status. `seconds`: the histogram, by route.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, requests: MetricSpec, seconds: MetricSpec, routes: Collection[str]
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._requests = requests
        self._seconds = {route: metrics.histogram(seconds, route) for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count how it was answered."""
        route = scope.get("path", "")
        if route not in self._seconds:
            await self._app(scope, receive, send)
            return
        status = 500  # what the server answers if the app raises before it has answered

        async def counting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        start = time.perf_counter()
        try:
            await self._app(scope, receive, counting_send)
        finally:
            self._seconds[route].observe(time.perf_counter() - start)
            self._metrics.counter(self._requests, route, str(status)).inc()
