"""What the classifier reports, as metrics."""

from services.classify.batcher import Observer
from services.common.telemetry import metric_defs as defs
from services.common.telemetry.metrics import Metrics


def observer(metrics: Metrics) -> Observer:
    """An observer that moves the metrics of classify."""
    texts, tokens = metrics.histogram(defs.CLASSIFY_MODEL_BATCH), metrics.counter(defs.CLASSIFY_MODEL_TOKENS)
    hits = metrics.counter(defs.CLASSIFY_CACHE_REQUESTS, "hit")
    misses = metrics.counter(defs.CLASSIFY_CACHE_REQUESTS, "miss")

    def batch(batch_texts: int, batch_tokens: int) -> None:
        texts.observe(batch_texts)
        tokens.inc(batch_tokens)

    def cache(batch_hits: int, batch_misses: int) -> None:
        hits.inc(batch_hits)
        misses.inc(batch_misses)

    return Observer(
        batch=batch,
        inference=metrics.histogram(defs.CLASSIFY_MODEL_SECONDS, "infer").observe,
        queueing=metrics.histogram(defs.CLASSIFY_MODEL_SECONDS, "queue").observe,
        tokenisation=metrics.histogram(defs.CLASSIFY_MODEL_SECONDS, "tokenise").observe,
        cache=cache,
        coalesced=metrics.counter(defs.CLASSIFY_COALESCED).inc,
    )
