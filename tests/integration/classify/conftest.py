"""The app of classify over a model that anybody can compute, which a gate can hold back."""

import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from services.classify.app import create_classify_app
from services.classify.classifier import Classifier
from services.classify.model.base import Prediction, TokenIds
from services.classify.observation import observer
from services.common.http.keys import Authenticator, KeyFile
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics
from tests.support.word_model import WordModel


@dataclass
class GatedModel(WordModel):
    """Predicts once `gate` is set; `entered` says that it was asked."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def predict(self, batch: Sequence[TokenIds]) -> list[Prediction]:
        self.entered.set()
        assert self.gate.wait(30)
        return super().predict(batch)


@dataclass(frozen=True, slots=True)
class World:
    """What a test talks to."""

    app: FastAPI
    model: GatedModel
    classifier: Classifier
    metrics: Metrics
    client: httpx.AsyncClient

    def metric(self, name: str, **labels: str) -> float:
        """Value of a metric; 0 if it has not been counted yet."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
async def classify(tmp_path: Path) -> AsyncIterator[World]:
    keys = KeyFile(tmp_path / "keys.json")
    key = keys.add("acme")
    metrics, model = Metrics("classify"), GatedModel()
    classifier = Classifier(model, observer=observer(metrics))
    app = create_classify_app(classifier, Authenticator(keys), metrics, Health())
    await classifier.start()
    model.asked.clear()  # of the warm-up
    model.entered.clear()
    headers = {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://classify", headers=headers) as client:
        yield World(app, model, classifier, metrics, client)
    model.gate.set()
    await classifier.stop()
