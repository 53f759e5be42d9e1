"""From a posted event to the log's record: validation, the checks that settings decide, identity, Protobuf."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, Protocol, TypeVar

from pydantic import ValidationError

from mention_triage.v1.mention_pb2 import Author, InReplyTo, Mention
from mention_triage.v1.outcome_pb2 import Outcome
from services.common.contracts.identity import customer_key, mention_id, tenant_prefix
from services.common.contracts.records import event_record, timestamp, to_timestamp
from services.common.http.fields import Posted
from services.common.http.rejections import Rejection, rejection_of, unknown_field
from services.common.log.partitioner import partition_for
from services.common.log.port import Log, NewRecord
from services.common.log.topics import CORRECTIONS, MENTIONS, OUTCOMES
from services.ingest.attributes import check_attributes, check_values
from services.ingest.corrections import correction_of
from services.ingest.models import (
    NESTED,
    PostedAuthor,
    PostedCorrection,
    PostedInReplyTo,
    PostedMention,
    PostedOutcome,
)
from services.ingest.settings import IngestSettings

_MANY_FIELDS: Final = 50  # more than any object has
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

P = TypeVar("P", bound=Posted)


@dataclass(frozen=True, slots=True)
class Received:
    """What all events of one request share. `at_ms`: when it was received, milliseconds since the epoch, our clock."""

    tenant: str
    at_ms: int
    traceparent: bytes | None = None


class Intake(Protocol):
    """Takes in one sort of event."""

    @property
    def event(self) -> Literal["mention", "outcome", "correction"]:
        """What it takes in."""
        ...

    @property
    def id_field(self) -> Literal["mention_id", "outcome_id", "correction_id"]:
        """The name under which an accepted event's id is answered."""
        ...

    def record(self, event: object, received: Received) -> tuple[str, NewRecord]:
        """Id and record of a parsed event. Raises `Rejection`."""
        ...


class MentionIntake:
    """Mentions, to `mentions.v1`."""

    event: Final = "mention"
    id_field: Final = "mention_id"

    def __init__(self, settings: IngestSettings, log: Log) -> None:
        self._settings = settings
        self._partitions = log.partitions(MENTIONS)

    def record(self, event: object, received: Received) -> tuple[str, NewRecord]:
        """See `Intake.record`."""
        if isinstance(event, dict) and isinstance(attributes := event.get("attributes"), dict):
            check_values(attributes, self._settings.max_attributes_values)  # before the model copies them
        posted = _validated(PostedMention, event)
        self._check_limits(posted, received)
        author = posted.author
        identifier = mention_id(received.tenant, posted.brand, posted.platform, posted.id)
        key = customer_key(received.tenant, posted.platform, (author and author.id) or "", identifier)
        mention = Mention(
            mention_id=identifier,
            tenant=received.tenant,
            brand=posted.brand,
            platform=posted.platform,
            native_id=posted.id,
            kind=f"MENTION_KIND_{posted.kind.upper()}" if posted.kind else None,
            text=posted.text,
            language=posted.language,
            author=_author(author) if author else None,
            conversation=posted.conversation,
            in_reply_to=_in_reply_to(posted.in_reply_to) if posted.in_reply_to else None,
            url=posted.url,
            occurred_at=to_timestamp(posted.occurred_at) if posted.occurred_at else None,
            received_at=timestamp(received.at_ms),
            attributes=posted.attributes,
            customer_key=key,
        )
        record = event_record(
            MENTIONS,
            partition_for(key.encode(), self._partitions),
            key,
            mention,
            event_id=identifier,
            source="ingest",
            timestamp_ms=received.at_ms,
            traceparent=received.traceparent,
        )
        return identifier, record

    def _check_limits(self, posted: PostedMention, received: Received) -> None:
        settings = self._settings
        _check_text("text", posted.text, settings)
        if posted.in_reply_to and posted.in_reply_to.text:
            _check_text("in_reply_to.text", posted.in_reply_to.text, settings)
        if posted.occurred_at:
            _check_not_ahead(posted.occurred_at, received, settings)
        if posted.attributes:
            check_attributes(posted.attributes, settings.max_attributes_depth, settings.max_attributes_bytes)


class OutcomeIntake:
    """Outcomes, to `outcomes.v1`."""

    event: Final = "outcome"
    id_field: Final = "outcome_id"

    def __init__(self, settings: IngestSettings, log: Log) -> None:
        self._settings = settings
        self._partitions = log.partitions(OUTCOMES)

    def record(self, event: object, received: Received) -> tuple[str, NewRecord]:
        """See `Intake.record`."""
        posted = _validated(PostedOutcome, event)
        _check_not_ahead(posted.occurred_at, received, self._settings)
        _check_outcome(posted, received.tenant)
        outcome = Outcome(
            id=posted.id,
            tenant=received.tenant,
            type=f"OUTCOME_TYPE_{posted.type.upper()}",
            mention_id=posted.mention_id,
            customer_key=posted.customer_key,
            occurred_at=to_timestamp(posted.occurred_at),
            received_at=timestamp(received.at_ms),
            channel=posted.channel,
            agent_id=posted.agent_id,
            effort_seconds=posted.effort_seconds,
            cost=posted.cost,
            satisfaction=posted.satisfaction,
        )
        record = event_record(
            OUTCOMES,
            partition_for(posted.customer_key.encode(), self._partitions),
            posted.customer_key,
            outcome,
            event_id=f"{received.tenant}/{posted.id}",
            source="ingest",
            timestamp_ms=received.at_ms,
            traceparent=received.traceparent,
        )
        return posted.id, record


class CorrectionIntake:
    """Agents' judgements, to `corrections.v1`."""

    event: Final = "correction"
    id_field: Final = "correction_id"

    def __init__(self, settings: IngestSettings, log: Log) -> None:
        self._settings = settings
        self._partitions = log.partitions(CORRECTIONS)

    def record(self, event: object, received: Received) -> tuple[str, NewRecord]:
        """See `Intake.record`."""
        posted = _validated(PostedCorrection, event)
        _check_not_ahead(posted.occurred_at, received, self._settings)
        _check_customer_key(posted.customer_key, received.tenant)
        _check_text("mention.text", posted.mention.text, self._settings)
        if (parent := posted.mention.in_reply_to) and parent.text:
            _check_text("mention.in_reply_to.text", parent.text, self._settings)
        for field in ("redacted_text", "redacted_in_reply_to_text"):
            if redacted := getattr(posted.classification, field):  # a kind may be longer than what it stands for
                _check_text(f"classification.{field}", redacted, self._settings, times=2)
        if not posted.labels.model_dump(exclude_none=True):
            known = ", ".join(type(posted.labels).model_fields)
            raise Rejection("missing_field", "labels", f"must hold what was judged, one or more of {known}")
        correction = correction_of(posted, received.tenant, timestamp(received.at_ms))
        record = event_record(
            CORRECTIONS,
            partition_for(posted.customer_key.encode(), self._partitions),
            posted.customer_key,
            correction,
            event_id=f"{received.tenant}/{posted.id}",
            source="ingest",
            timestamp_ms=received.at_ms,
            traceparent=received.traceparent,
        )
        return posted.id, record


def _validated(model: type[P], event: object) -> P:
    if isinstance(event, dict):
        _check_size(model, event)
    try:
        return model.model_validate(event)
    except ValidationError as error:
        raise rejection_of(error, model) from None


def _check_size(model: type[Posted], event: Mapping[str, object]) -> None:
    """Refuse far more fields than there are before the model collects an error for each of, maybe, a million."""
    if len(event) > _MANY_FIELDS:
        raise _first_unknown((), event, model)
    for field, nested in NESTED.items():
        inner = event.get(field)
        if isinstance(inner, dict) and len(inner) > _MANY_FIELDS:
            raise _first_unknown((field,), inner, nested)


def _first_unknown(path: tuple[str, ...], members: Mapping[str, object], model: type[Posted]) -> Rejection:
    return unknown_field((*path, next(name for name in members if name not in model.model_fields)), model)


def _check_text(field: str, text: str, settings: IngestSettings, times: int = 1) -> None:
    most = settings.max_text_chars * times
    if len(text) > most:
        raise Rejection("too_long", field, f"must have at most {most} characters")


def _check_not_ahead(moment: datetime, received: Received, settings: IngestSettings) -> None:
    if (moment - _EPOCH).total_seconds() * 1000 > received.at_ms + settings.max_clock_skew_seconds * 1000:
        raise Rejection(
            "in_future",
            "occurred_at",
            f"must not be more than {settings.max_clock_skew_seconds:g} s ahead of now: check its offset",
        )


def _check_customer_key(key: str, tenant: str) -> None:
    if not key.startswith(tenant_prefix(tenant)):
        raise Rejection("invalid_value", "customer_key", "is none of yours: echo customer_key from the routed mention")


def _check_outcome(posted: PostedOutcome, tenant: str) -> None:
    _check_customer_key(posted.customer_key, tenant)
    if posted.type == "moved" and posted.channel is None:
        raise Rejection("missing_field", "channel", "is required for `moved`: name the channel it moved to")
    if posted.type == "surveyed" and posted.satisfaction is None:
        raise Rejection("missing_field", "satisfaction", "is required for `surveyed`: 1 (worst) to 5 (best)")
    if posted.type != "surveyed" and posted.satisfaction is not None:
        raise Rejection("invalid_value", "satisfaction", "is for `surveyed` only: leave it out, or change `type`")


def _author(author: PostedAuthor) -> Author:
    return Author(
        id=author.id,
        handle=author.handle,
        followers=author.followers,
        verified=author.verified,
        tags=author.tags,
        customer_id=author.customer_id,
        tier=author.tier,
        value=author.value,
    )


def _in_reply_to(in_reply_to: PostedInReplyTo) -> InReplyTo:
    return InReplyTo(id=in_reply_to.id, by_brand=in_reply_to.by_brand, text=in_reply_to.text)
