"""Builds the router: its policy, the stage and the HTTP side."""

from services.common.http.keys import Authenticator
from services.common.log.port import Log
from services.common.service import Service
from services.common.stage.dead_letters import DeadLetterLimit
from services.common.stage.runner import StageRunner
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from services.router.app import create_router_app
from services.router.policy.load import load_policy
from services.router.settings import RouterSettings
from services.router.stage import route_stage


async def build_router(settings: RouterSettings, log: Log, authenticator: Authenticator) -> Service:
    """The service, with its policy loaded. Raises `PolicyError`."""
    metrics, health = Metrics("router"), Health()
    policy = load_policy(settings.policy_file)
    limit = DeadLetterLimit(settings.dead_letter_max_share, max_run=settings.dead_letter_max_run)
    runner = StageRunner(log, route_stage(policy, metrics), metrics, health, limit=limit)
    app = create_router_app(settings, log, authenticator, metrics, health)
    return Service(app, settings.host, settings.port, "ROUTER_PORT", metrics, health, runners=[runner])
