"""The common shape of a service's HTTP side."""

from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from services.common.http.keys import Authenticator
from services.common.http.operations import operations_routes
from services.common.http.problems import install_problem_handlers
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics


def create_app(title: str, description: str, metrics: Metrics, health: Health, authenticator: Authenticator) -> FastAPI:
    """A FastAPI app with problem details, operations routes and the authenticator in place."""
    app = FastAPIOffline(title=title, description=description, version=version("mention-triage"), redoc_url=None)
    app.state.authenticator = authenticator
    install_problem_handlers(app)
    app.include_router(operations_routes(metrics, health))
    return app
