"""A classify process by itself: prints when it was ready and what memory it holds, as one JSON object.

    python -m bench.classify_process MODEL

It imports what the service imports, loads and warms the model, then classifies the sample mentions as the pipeline
would. Seconds are those since the process began.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

import orjson

import services.classify.service  # noqa: F401  # its imports are part of the process
from bench.texts import sample_inputs
from services.classify.classifier import Classifier
from services.classify.model.loading import load_model

_BATCH = 64


async def main(model: str) -> None:
    """Load, classify, report."""
    classifier = Classifier(load_model(model, "auto", threads=1))
    await classifier.start()
    ready = _age()
    inputs = sample_inputs()
    for start in range(0, len(inputs), _BATCH):
        batch = inputs[start : start + _BATCH]
        await classifier.classify(batch, [""] * len(batch))
    await classifier.stop()
    content = {"ready_seconds": ready, "resident_megabytes": _resident_bytes() / 1e6}
    sys.stdout.write(orjson.dumps(content).decode())


def _age() -> float:
    """Seconds since this process began."""
    started = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
