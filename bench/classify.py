"""The classifier on one core: how fast, how much memory, and whether its answers hold.

    python -m bench.classify [--quick] [--model FOLDER] [--data FOLDER]

Texts per second, tokenisation included, of three ways in turns: transformers' pipeline with one text at a time; the
bare model, all texts in full runs; and the classifier, which identifies languages and batches too, its cache off, for
callers as the pipeline of stages has them, one per partition with a batch at a time. Then the answers: whether they
depend on the batch, and how far they are from `model.safetensors` in torch. What needs torch is left out where it is
not installed, and said so. `--data` adds the labelled sets that are not published to the parity.
"""

import asyncio
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import orjson
import typer

from bench.report import Row, report
from bench.texts import sample_inputs
from services.classify.classifier import Classifier
from services.classify.model.base import Model, ModelInput
from services.classify.model.decode import predictions
from services.classify.model.input import segments
from services.classify.model.loading import load_model

_ROOT = Path(__file__).parents[1]
_MODEL = _ROOT / "models" / "mention-triage-small"
_WRITTEN = _ROOT / "data" / "mentions"
_PARTITIONS = 12
_BATCH = 50  # mentions that a partition's worker hands over at once
_WITHOUT_TORCH = (
    "torch is not installed: the comparisons with transformers' pipeline and with the checkpoint are left out"
)

Way = Callable[[], float]


def pipeline_way(folder: Path, inputs: Sequence[ModelInput]) -> Way:
    """Seconds per text of transformers' pipeline, one by one, fp32, with the same texts and contexts."""
    import torch  # noqa: PLC0415 - an extra
    from transformers import pipeline  # noqa: PLC0415

    torch.set_num_threads(1)
    classify = pipeline("text-classification", str(folder), dtype=torch.float32, top_k=None)
    pairs = [segments(given) for given in inputs]

    def way() -> float:
        started = time.perf_counter()
        for text, context in pairs:
            classify({"text": text, "text_pair": context} if context else {"text": text}, truncation=True)
        return (time.perf_counter() - started) / len(pairs)

    return way


def bare_way(model: Model, inputs: Sequence[ModelInput]) -> Way:
    """Seconds per text of the model alone."""

    def way() -> float:
        started = time.perf_counter()
        model.predict(model.encode(inputs))
        return (time.perf_counter() - started) / len(inputs)

    return way


def classifier_way(model: Model, inputs: Sequence[ModelInput]) -> Way:
    """Seconds per text through reading, batcher and model."""

    async def serve() -> float:
        classifier = Classifier(model, cache_entries=0)
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
        return seconds / len(inputs)

    return lambda: asyncio.run(serve())


def speed(model: Any, folder: Path, inputs: list[ModelInput], with_torch: bool, quick: bool) -> list[Row]:
    """Rounds of all ways, and the medians of their ratios."""
    ways = {"bare model": bare_way(model, inputs), "classifier": classifier_way(model, inputs)}
    if with_torch:
        some = random.Random(1).sample(inputs, 60 if quick else 200)
        ways = {"transformers pipeline, one by one": pipeline_way(folder, some)} | ways
    for way in ways.values():
        way()
    rounds = [{name: way() for name, way in ways.items()} for _ in range(2 if quick else 5)]

    def ratio(slow: str, fast: str) -> float:
        return statistics.median(each[slow] / each[fast] for each in rounds)

    rows = [Row(name, 1 / statistics.median(each[name] for each in rounds), "texts/s") for name in ways]
    if with_torch:
        slow = "transformers pipeline, one by one"
        rows.append(Row("bare model to pipeline, median of rounds", ratio(slow, "bare model"), "ratio"))
        rows.append(Row("classifier to pipeline, median of rounds", ratio(slow, "classifier"), "ratio", 8))
    return [*rows, Row("classifier to bare model, median of rounds", ratio("bare model", "classifier"), "ratio", 0.9)]


def invariance(model: Any, inputs: Sequence[ModelInput]) -> list[Row]:
    """Every text alone, and in runs as full as its length allows, up to 64."""
    tokens = model.encode(inputs)
    alone = np.concatenate([model.logits([ids]) for ids in tokens])
    together = model.logits(tokens)
    calibration = model.config.calibration
    said = [np.array([[*p.inquiry_type, *p.sentiment, p.actionable] for p in predictions(logits, calibration)])
            for logits in (alone, together)]  # fmt: skip
    return [
        Row("texts alone and in full runs", len(tokens), "texts"),
        Row("labels that change", int((labels_of(said[0]) != labels_of(said[1])).sum()), "labels (0)"),
        Row("largest change of a probability", float(np.abs(said[0] - said[1]).max()), "(at most 0.002)"),
    ]


def labels_of(probabilities: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """(rows, 3): the top inquiry type, the top sentiment, and whether it is actionable."""
    types, feelings = probabilities[:, :5].argmax(axis=1), probabilities[:, 5:8].argmax(axis=1)
    return np.stack([types, feelings, probabilities[:, 8] >= 0.5], axis=1)


def parity_rows(model: Any, folder: Path, data: Path | None, quick: bool) -> list[Row]:
    """Equal labels and change of macro-F1 against the checkpoint, by set."""
    from training.data import mentions, real_validation, umsab  # noqa: PLC0415 - needs the training extra
    from training.parity import largest_changes, parity  # noqa: PLC0415
    from training.scoring import logits_of, reference  # noqa: PLC0415

    sets = {"written mentions": mentions(_WRITTEN.parent)[:: 50 if quick else 10]}
    if data:
        sets |= {"real validation": real_validation(data), "UMSAB test": umsab(data, "test")}
    checkpoint = reference(folder, threads=1)
    rows = []
    for name, examples in sets.items():
        pair = (logits_of(model, examples), logits_of(checkpoint, examples))
        found = parity(*pair, examples, model.config.calibration)
        changes = largest_changes({name: found})
        rows += [
            Row(f"{name}: equal inquiry types", found["all"]["same_label"]["inquiry_type"], "%"),
            Row(f"{name}: equal sentiments", found["all"]["same_label"]["sentiment"], "%"),
            Row(f"{name}: largest change of a macro-F1, all rows", changes["sets"], "points (at most 0.3)"),
            Row(f"{name}: the same in a language", changes["languages"], "points (at most 0.3)"),
        ]
    return rows


def footprint(folder: Path) -> list[Row]:
    """A fresh process: see `bench.classify_process`."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.classify_process", str(folder)], check=True, stdout=subprocess.PIPE, cwd=_ROOT
    )
    content = orjson.loads(done.stdout)
    served = sum(file.stat().st_size for file in folder.iterdir() if file.suffix in {".xml", ".bin"})
    return [
        Row("served file", served / 1e6, "MB (at most 45)"),
        Row("resident memory after all texts", content["resident_megabytes"], "MB (at most 450)"),
        Row("ready after", content["ready_seconds"], "s (at most 3)"),
    ]


def main(
    quick: Annotated[bool, typer.Option("--quick", help="a short run, for a look")] = False,
    model_folder: Annotated[Path, typer.Option("--model", help="an exported model")] = _MODEL,
    data: Annotated[Path | None, typer.Option(help="folder with real-validation/ and public/")] = None,
    core: Annotated[int, typer.Option(help="the core to run on")] = 0,
) -> None:
    """Measure, print and write `bench/results/classify.json`."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    with_torch = _has_torch()
    model: Any = load_model(str(model_folder), "openvino", threads=1)
    inputs = sample_inputs()[: 1_000 if quick else 2_000]
    written = [row for path in sorted(_WRITTEN.glob("*.jsonl")) for row in map(orjson.loads, path.open("rb"))]
    many = sample_inputs() + [
        ModelInput(row["text"], bool(row.get("in_reply_to")), row.get("parent_text") or "") for row in written
    ]
    rows = [
        Row("tokens per text, mean", statistics.mean(map(len, model.encode(inputs))), "tokens"),
        *footprint(model_folder),
        *speed(model, model_folder, inputs, with_torch, quick),
        *invariance(model, many[: 1_000 if quick else 10_000]),
        *(parity_rows(model, model_folder, data, quick) if with_torch else []),
    ]
    report("classify", rows)
    if not with_torch:
        print(_WITHOUT_TORCH)


def _has_torch() -> bool:
    try:
        import torch  # noqa: F401, PLC0415
        import transformers  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


if __name__ == "__main__":
    typer.run(main)
