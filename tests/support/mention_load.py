"""A steady load of one brand's mentions that can be multiplied, and the baseline for which it is normal."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from services.router.spikes.baselines import learn, store_baseline
from services.router.spikes.series import SeriesKey

TENANT: Final = "demo"
BRAND: Final = "Nubia Telecom"
PER_MINUTE: Final = 12.0
FACTOR: Final = 20.0
_TEXTS: Final = (
    "¿A qué hora abren hoy?",
    "Gracias por la ayuda de ayer",
    "No me llega la factura",
    "Todo bien con la app",
)
_VIRAL: Final = {
    "text": "Llevo tres días sin internet y nadie contesta",
    "kind": "reply",
    "conversation": "root",
    "in_reply_to": {"id": "root", "text": "¿Os funciona internet?"},
}
# The detector scores from the third day on; more days take longer to learn than they change.
_DAYS: Final = 5
# Counts by the minute vary more than by chance: negative binomial, of this shape.
_SHAPE: Final = 8.0


def write_baseline(file: Path) -> None:
    """Make a file for SPIKES_BASELINE_FILE, learned from days until now in which the brand had the steady load."""
    minutes = _DAYS * 24 * 60
    counts = np.random.default_rng(1).negative_binomial(_SHAPE, _SHAPE / (_SHAPE + PER_MINUTE), minutes)
    start = (int(time.time()) // 60 - minutes) * 60
    store_baseline(file, SeriesKey(TENANT, BRAND, ""), learn(start, 60, counts.astype(np.float64)))


class MentionLoad:
    """Posts to ingest, one mention a request, while the `with` block runs; its end raises what a request has raised."""

    def __init__(self, ingest: str, headers: Mapping[str, str]) -> None:
        self._client = httpx.Client(base_url=ingest, headers=dict(headers), timeout=10)
        self._factor = 1.0
        self._changed = threading.Event()
        self._stopping = False
        self._sender = ThreadPoolExecutor(1, "mention-load")

    def multiply(self, factor: float = FACTOR) -> float:
        """Post so many times as much from now on, replies to one post; gives `time.monotonic()` before the first."""
        since = time.monotonic()
        self._factor = factor
        self._changed.set()
        return since

    def calm(self) -> None:
        """Back to the steady load."""
        self._factor = 1.0

    def _run(self) -> None:
        due = time.monotonic()
        for n in count():
            if self._stopping:
                return
            self._post(n)
            due += 60 / (PER_MINUTE * self._factor)
            if self._changed.wait(max(0.0, due - time.monotonic())):
                self._changed.clear()
                due = time.monotonic()

    def _post(self, n: int) -> None:
        content: Mapping[str, Any] = _VIRAL if self._factor > 1 else {"text": _TEXTS[n % len(_TEXTS)]}
        mention = {"brand": BRAND, "platform": "x", "id": f"load-{n}", "author": {"id": f"author-{n}"}, **content}
        self._client.post("/v1/mentions", json=mention).raise_for_status()

    def __enter__(self) -> "MentionLoad":
        self._sending = self._sender.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._changed.set()
        try:
            self._sending.result()
        finally:
            self._sender.shutdown()
            self._client.close()
