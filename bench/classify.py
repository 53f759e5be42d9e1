"""Texts per second of the classifier beside its floor: the bare model in a loop with the same batches.

The classifier reads, tokenises, identifies the language and batches, its cache off, for callers as the pipeline has
them: one per partition, each with a batch at a time. The model runs that came of it are recorded and replayed through
the model alone by as many threads, in turns with the classifier.

    python -m bench.classify [--quick]
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from bench.report import Row, report
from bench.texts import sample_mentions
from services.classify.batcher import Observer
from services.classify.classifier import Classifier
from services.classify.model.base import Levels, Model, ModelInput, Prediction, TokenIds
from services.classify.model.loading import load_model

_MODEL = Path(__file__).parents[1] / "models" / "mention-triage-small"
_PARTITIONS = 12
_BATCH = 50  # mentions that a partition's worker hands over at once


class RecordingModel:
    """A model that keeps the batches it was given."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.name, self.version, self.threads = model.name, model.version, model.threads
        self.batches: list[Sequence[TokenIds]] = []

    def encode(self, inputs: Sequence[ModelInput]) -> list[TokenIds]:
        return self._model.encode(inputs)

    def predict(self, batch: Sequence[TokenIds]) -> list[Prediction]:
        self.batches.append(batch)
        return self._model.predict(batch)

    def levels(self, prediction: Prediction) -> Levels:
        return self._model.levels(prediction)


async def classify(model: RecordingModel, inputs: Sequence[ModelInput], reading: list[float]) -> float:
    """Seconds that the classifier takes; seconds of each tokenisation go to `reading`."""
    classifier = Classifier(model, cache_entries=0, observer=Observer(tokenisation=reading.append))
    await classifier.start()

    async def partition(number: int) -> None:
        own = inputs[number::_PARTITIONS]
        for start in range(0, len(own), _BATCH):
            batch = own[start : start + _BATCH]
            await classifier.classify(batch, [""] * len(batch))

    started = time.perf_counter()
    await asyncio.gather(*(partition(number) for number in range(_PARTITIONS)))
    seconds = time.perf_counter() - started
    await classifier.stop()
    return seconds


def replay(model: Model, batches: Sequence[Sequence[TokenIds]]) -> float:
    """Seconds that the bare model takes for the same runs."""
    with ThreadPoolExecutor(model.threads) as pool:
        started = time.perf_counter()
        list(pool.map(model.predict, batches))
        return time.perf_counter() - started


def main(
    quick: Annotated[bool, typer.Option("--quick", help="a short run, for a look")] = False,
    model_folder: Annotated[Path, typer.Option("--model", help="an exported model")] = _MODEL,
    threads: Annotated[int, typer.Option(help="model runs at once, one core each")] = 2,
) -> None:
    """Measure, print and write `bench/results/classify.json`."""
    model = load_model(str(model_folder), "onnx", threads)
    mentions = sample_mentions()[: 300 if quick else 2_000]
    inputs = [
        ModelInput(mention["text"], "in_reply_to" in mention, mention.get("in_reply_to", {}).get("text", ""))
        for mention in mentions
    ]
    tokens = [len(ids) for ids in model.encode(inputs)]
    served, bare, reading, sizes = [], [], 0.0, []
    for _ in range(1 if quick else 3):
        recording, tokenisation = RecordingModel(model), list[float]()
        served.append(asyncio.run(classify(recording, inputs, tokenisation)))
        bare.append(replay(model, recording.batches))
        reading += sum(tokenisation)
        sizes += [len(batch) for batch in recording.batches]
    ratios = [floor / whole for floor, whole in zip(bare, served, strict=True)]
    report(
        "classify",
        [
            Row("texts", len(inputs), "texts"),
            Row("tokens per text, mean", statistics.mean(tokens), "tokens"),
            Row("model runs at once", threads, "threads"),
            Row("texts per model run, mean", statistics.mean(sizes), "texts"),
            Row("classifier", len(inputs) / statistics.median(served), "texts/s"),
            Row("bare model, same batches", len(inputs) / statistics.median(bare), "texts/s"),
            Row("classifier to bare model, median of rounds", statistics.median(ratios), "ratio", 0.9),
            Row("tokenisation and language, of all thread time", reading / (sum(served) * threads), "share"),
        ],
    )


if __name__ == "__main__":
    typer.run(main)
