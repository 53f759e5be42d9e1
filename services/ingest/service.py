"""Builds ingest: its HTTP side over the log."""

from services.common.http.keys import Authenticator
from services.common.log.port import Log
from services.common.service import Service
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from services.ingest.app import create_ingest_app
from services.ingest.settings import IngestSettings


async def build_ingest(settings: IngestSettings, log: Log, authenticator: Authenticator) -> Service:
    """The service, ready to be served."""
    metrics, health = Metrics("ingest"), Health()
    app = create_ingest_app(settings, log, authenticator, metrics, health)
    return Service(app, settings.host, settings.port, "INGEST_PORT", metrics, health)
