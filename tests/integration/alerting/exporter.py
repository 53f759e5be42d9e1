"""A process of the router as Prometheus sees it: the gauges of spikes, set by hand."""

from prometheus_client import start_http_server

from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics
from tests.support.stack import free_ports

TENANT = "acme"
BRAND = 'O "Café" Ñandú'


class SpikeExporter:
    """Serves `/metrics` while the `with` block runs. It shows nothing at first: it has no partition."""

    def __init__(self) -> None:
        self._metrics = Metrics("router")
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        self._server, self._thread = start_http_server(port, "127.0.0.1", self._metrics.registry)

    def show(self, severity: int, observed: float = 10, *, brand: str = BRAND) -> None:
        """Show a brand with an episode of this severity (0: none), and so many mentions a minute; 10 are normal."""
        of = (TENANT, brand)
        for spec, value in (
            (defs.SPIKES_OBSERVED, observed),
            (defs.SPIKES_EXPECTED, 10),
            (defs.SPIKES_RATIO, observed / 10),
            (defs.SPIKES_SEVERITY, severity),
            (defs.SPIKES_ACTIVE, severity > 0),
        ):
            self._metrics.gauge(spec, *of).set(value)
        if severity:
            self._metrics.gauge(defs.SPIKES_CAUSE, *of, "virality").set(1)
        else:
            self._metrics.gauge(defs.SPIKES_CAUSE).clear()

    def give_up(self) -> None:
        """The partition has gone to another process."""
        for spec in defs.METRICS:
            if "brand" in spec.labels and spec.kind == "gauge":
                self._metrics.gauge(spec).clear()

    def __enter__(self) -> "SpikeExporter":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
