"""From corrections to training rows: of each field of a mention the latest judgement counts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from mention_triage.v1.correction_pb2 import Correction
from services.classify.personal_data.detect import find
from services.classify.personal_data.finding import redact
from services.classify.personal_data.regions import regions_of
from services.classify.proto import to_model_input
from services.common.contracts.corrections import YES, Field, Judgement, judgements
from services.common.contracts.views import time_view
from services.common.log.port import Record

_Order = tuple[int, int]  # nanoseconds since the epoch: when it was judged, and when ingest received it


@dataclass(slots=True)
class JudgedMention:
    """A mention with the latest judgement of each of its fields. `latest`: the newest correction of it."""

    latest: Correction
    fields: dict[Field, tuple[_Order, Judgement]] = field(default_factory=dict)

    def take(self, correction: Correction, judged: Iterable[Judgement]) -> None:
        """Take up one more correction; they may come in any order."""
        order = _order(correction)
        if order >= _order(self.latest):
            self.latest = correction
        for each in judged:
            if each.field not in self.fields or order >= self.fields[each.field][0]:
                self.fields[each.field] = (order, each)

    @property
    def judged(self) -> dict[Field, Judgement]:
        """The judgements that count."""
        return {name: judgement for name, (_, judgement) in self.fields.items()}

    @property
    def language(self) -> str:
        """What the agent says it is, else what classify found."""
        judgement = self.judged.get("language")
        return judgement.judged if judgement else self.latest.classification.language


class Corrections:
    """The judged mentions of a log; all of them are held in memory, with their texts."""

    def __init__(self, tenants: Sequence[str] = ()) -> None:
        """`tenants`: only of these; none means all."""
        self._tenants = frozenset(tenants)
        self.mentions: dict[tuple[str, str], JudgedMention] = {}  # by tenant and mention id
        self.taken = 0
        self.unreadable = 0

    def take(self, records: Iterable[Record]) -> None:
        """Take up records of the topic."""
        for record in records:
            try:
                correction = Correction.FromString(record.value or b"")
                judged = judgements(correction)
            except (DecodeError, KeyError):
                self.unreadable += 1
                continue
            tenant = correction.mention.tenant
            if self._tenants and tenant not in self._tenants:
                continue
            self.taken += 1
            key = (tenant, correction.mention.mention_id)
            self.mentions.setdefault(key, JudgedMention(correction)).take(correction, judged)

    def agreement(self) -> dict[Field, Counter[bool]]:
        """By field, how many of the judgements that count agree with the model (True) and how many do not."""
        found: dict[Field, Counter[bool]] = {}
        for mention in self.mentions.values():
            for name, judgement in mention.judged.items():
                found.setdefault(name, Counter())[judgement.agreed] += 1
        return found


def row(mention: JudgedMention) -> dict[str, Any]:
    """A row of the training format, and what helps to read it: where it comes from and what the model had said."""
    correction, judged = mention.latest, mention.judged
    posted, said = correction.mention, correction.classification
    given = to_model_input(posted)
    regions = regions_of(posted.language, mention.language)

    def label(name: Field) -> str | None:
        return judged[name].judged if name in judged else None

    actionable = label("actionable")
    found: dict[str, Any] = {
        "lang": mention.language,
        "text": _redacted(given.text, regions),
        "platform": given.platform,
        # Unknown reads to the model as one of these; the training would guess one by the platform where there is none.
        "kind": given.kind or ("reply" if given.is_reply else "post"),
        "in_reply_to": given.is_reply,
        "parent_text": _redacted(given.parent_text, regions),
        "parent_by_brand": given.parent_by_brand,
        "inquiry_type": label("inquiry_type"),
        "sentiment": label("sentiment"),
        "actionable": None if actionable is None else actionable == YES,
        "predicted": {name: judgement.predicted for name, judgement in judged.items()},
        "model": f"{said.model.name} {said.model.version}",
        "tenant": posted.tenant,
        "brand": posted.brand,
        "mention_id": posted.mention_id,
        "judged_at": time_view(correction.occurred_at),
    }
    if correction.reason:
        found["reason"] = _redacted(correction.reason, regions)
    return found


def _redacted(text: str, regions: Sequence[str]) -> str:
    return redact(text, find(text, regions))


def _order(correction: Correction) -> _Order:
    return correction.occurred_at.ToNanoseconds(), correction.received_at.ToNanoseconds()
