"""Builds classify: the model, its batcher, the stage and the HTTP side."""

import asyncio

from services.classify.app import create_classify_app
from services.classify.classifier import Classifier
from services.classify.model.loading import load_model
from services.classify.observation import observer
from services.classify.settings import ClassifySettings
from services.classify.stage import classify_stage
from services.common.http.keys import Authenticator
from services.common.log.port import Log
from services.common.service import Service
from services.common.stage.dead_letters import DeadLetterLimit
from services.common.stage.runner import StageRunner
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics


async def build_classify(settings: ClassifySettings, log: Log, authenticator: Authenticator) -> Service:
    """The service, with its model loaded. Raises `ModelError`."""
    metrics, health = Metrics("classify"), Health()
    model = await asyncio.to_thread(load_model, settings.model, settings.backend, settings.threads)
    classifier = Classifier(model, cache_entries=settings.cache_entries, observer=observer(metrics))
    limit = DeadLetterLimit(settings.dead_letter_max_share, max_run=settings.dead_letter_max_run)
    runner = StageRunner(log, classify_stage(classifier, settings.seen_limit, metrics), metrics, health, limit=limit)
    return Service(
        create_classify_app(classifier, authenticator, metrics, health),
        settings.host,
        settings.port,
        "CLASSIFY_PORT",
        metrics,
        health,
        runners=[runner],
        parts=[classifier],
    )
