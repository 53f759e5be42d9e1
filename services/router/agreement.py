"""The stage `agreement`: counts where agents agree with the model and where not, so that drift is seen."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import product
from typing import Final

from mention_triage.v1.correction_pb2 import Correction
from services.common.contracts.corrections import FIELDS, Judgement, judgements
from services.common.contracts.views import CONFIDENCE_LEVELS, INQUIRY_TYPES
from services.common.log.port import Record
from services.common.log.topics import CORRECTIONS
from services.common.stage.decoding import decode
from services.common.stage.stage import Rejected, Result, Stage
from services.common.telemetry.metric_defs import AGREEMENT_INQUIRY_TYPES, AGREEMENT_JUDGEMENTS
from services.common.telemetry.metrics import LANGUAGES, OTHER, Metrics

NAME: Final = "agreement"
_REMEMBERED: Final = 10_000  # of each partition, about a megabyte
_DIGEST_BYTES: Final = 16  # senders choose the ids, and may choose long ones
_NO_CONFIDENCE: Final = "none"
_AGREED: Final = {True: "yes", False: "no"}


class Recent:
    """The newest ids of a partition that were counted.

    A sender repeats what it got no answer to within minutes, so that no state topic is worth it: after a move of the
    partition a repeat from before it may count twice.
    """

    def __init__(self, limit: int = _REMEMBERED) -> None:
        self._limit = limit
        self._ids: dict[bytes, None] = {}  # in the order of their coming

    def __contains__(self, identifier: str) -> bool:
        return _digest(identifier) in self._ids

    def add(self, identifiers: Iterable[str]) -> None:
        """Remember these, and forget the oldest beyond the limit."""
        self._ids.update(dict.fromkeys(map(_digest, identifiers)))
        for oldest in list(self._ids)[: max(0, len(self._ids) - self._limit)]:
            del self._ids[oldest]


def agreement_stage(metrics: Metrics) -> Stage[Recent]:
    """The stage. It writes nothing: what it counts is in the metrics, each correction once."""
    _start_at_zero(metrics)
    return Stage(NAME, CORRECTIONS, partial(_process, metrics), new_state=Recent)


def _start_at_zero(metrics: Metrics) -> None:
    """Make every series before anything is counted: Prometheus does not see the first value of one as an increase."""
    for field in FIELDS:
        levels = (_NO_CONFIDENCE,) if field == "language" else CONFIDENCE_LEVELS.values()
        for language, level, agreed in product((*LANGUAGES, OTHER), levels, _AGREED.values()):
            metrics.counter(AGREEMENT_JUDGEMENTS, field, language, level, agreed)
    for predicted, judged in product(INQUIRY_TYPES.values(), repeat=2):
        metrics.counter(AGREEMENT_INQUIRY_TYPES, predicted, judged)


async def _process(metrics: Metrics, recent: Recent, records: Sequence[Record]) -> Result:
    rejected: list[Rejected] = []
    counted: dict[str, tuple[str, list[Judgement]]] = {}
    for record in records:
        correction = decode(record, Correction)
        if isinstance(correction, Rejected):
            rejected.append(correction)
            continue
        try:
            judged = judgements(correction)
        except KeyError:
            rejected.append(Rejected(record, "invalid", "it holds a label that is not set, or unknown here"))
            continue
        identifier = f"{correction.mention.tenant}/{correction.id}"
        if identifier not in recent:
            counted.setdefault(identifier, (correction.classification.language, judged))
    return Result((), rejected, partial(_committed, metrics, recent, counted))


def _committed(metrics: Metrics, recent: Recent, counted: dict[str, tuple[str, list[Judgement]]]) -> None:
    recent.add(counted)
    for language, judged in counted.values():
        for each in judged:
            metrics.counter(
                AGREEMENT_JUDGEMENTS,
                each.field,
                metrics.language(language),
                each.confidence or _NO_CONFIDENCE,
                _AGREED[each.agreed],
            ).inc()
            if each.field == "inquiry_type":
                metrics.counter(AGREEMENT_INQUIRY_TYPES, each.predicted, each.judged).inc()


def _digest(identifier: str) -> bytes:
    return hashlib.blake2b(identifier.encode(), digest_size=_DIGEST_BYTES).digest()
