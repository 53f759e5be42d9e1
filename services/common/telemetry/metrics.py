"""The metrics of one service: Prometheus objects in a registry of its own, made from the definitions."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from services.common.telemetry.metric_defs import METRICS, MetricSpec, Service

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nothing here reads

# Of each tenant, so that none can take the names of another.
_MAX_BRANDS = 20
_MAX_PLATFORMS = 12
LANGUAGES = ("es", "pt", "en", "und")
OTHER = "other"


class Metrics:
    """What a service counts. Each service has its own registry, also where all run in one process."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for spec in METRICS:
            if service in spec.services:
                self._add(spec)
        self._brands: dict[str, Bounded] = {}
        self._platforms: dict[str, Bounded] = {}
        self._refreshers: list[Callable[[], None]] = []

    def counter(self, spec: MetricSpec, *labels: str) -> Counter:
        """The counter of this definition, with label values in the definition's order."""
        counter = self._counters[spec.name]
        return counter.labels(*labels) if labels else counter

    def gauge(self, spec: MetricSpec, *labels: str) -> Gauge:
        """The gauge of this definition, likewise."""
        gauge = self._gauges[spec.name]
        return gauge.labels(*labels) if labels else gauge

    def histogram(self, spec: MetricSpec, *labels: str) -> Histogram:
        """The histogram of this definition, likewise."""
        histogram = self._histograms[spec.name]
        return histogram.labels(*labels) if labels else histogram

    def brand(self, tenant: str, brand: str) -> str:
        """The brand as a label value: the first ones of each tenant by name, the rest as `other`."""
        return self._brands.setdefault(tenant, Bounded(_MAX_BRANDS))(brand)

    def platform(self, tenant: str, platform: str) -> str:
        """The platform as a label value, bounded likewise: senders may write any name."""
        return self._platforms.setdefault(tenant, Bounded(_MAX_PLATFORMS))(platform)

    def language(self, language: str) -> str:
        """The language as a label value: those that the model serves and `und` by name, the rest as `other`."""
        return language if language in LANGUAGES else OTHER

    def before_exposition(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` before every exposition: for gauges that are made from what is there at that moment."""
        self._refreshers.append(refresh)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        for refresh in self._refreshers:
            refresh()
        return generate_latest(self.registry)

    def _add(self, spec: MetricSpec) -> None:
        match spec.kind:
            case "counter":
                self._counters[spec.name] = Counter(spec.name, spec.help, spec.labels, registry=self.registry)
            case "gauge":
                self._gauges[spec.name] = Gauge(spec.name, spec.help, spec.labels, registry=self.registry)
            case "histogram":
                self._histograms[spec.name] = Histogram(
                    spec.name, spec.help, spec.labels, registry=self.registry, buckets=spec.buckets
                )


class Bounded:
    """Label values that senders choose: the first `limit` keep their name, later ones become `other`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        if value not in self._known:
            if len(self._known) >= self._limit:
                return OTHER
            self._known.add(value)
        return value
