"""The HTTP side of classify: metrics and health."""

from fastapi import FastAPI

from services.common.http.app import create_app
from services.common.http.keys import Authenticator
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics

_DESCRIPTION = (
    "Says what each mention is: inquiry type, sentiment, actionable, language, with calibrated probabilities."
)


def create_classify_app(authenticator: Authenticator, metrics: Metrics, health: Health) -> FastAPI:
    """The app of classify."""
    return create_app("mention triage: classify", _DESCRIPTION, metrics, health, authenticator)
