"""The events as senders post them. Anything else in them is refused, but in what is echoed from routed mentions."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from services.common.http.fields import (
    TEXT_PATTERN,
    Amount,
    Brand,
    CustomerKey,
    Echoed,
    EchoedInReplyTo,
    Handle,
    Identifier,
    InquiryTypeLabel,
    Kind,
    Language,
    Level,
    MentionId,
    Platform,
    Posted,
    SentimentLabel,
    Tag,
    Text,
    Time,
    Url,
)

OutcomeKind = Literal["first_response", "response", "resolved", "moved", "reopened", "surveyed"]


class PostedAuthor(Posted):
    """Who wrote a mention, as far as it is known."""

    id: Identifier | None = Field(
        None, description="The platform's stable identifier. Without it the mention is a customer of its own."
    )
    handle: Handle | None = Field(None, description="The public name; a leading @ is dropped.")
    followers: Annotated[int, Field(ge=0, le=10**12)] | None = Field(None, description="Number of followers.")
    verified: bool | None = Field(None, description="Whether the platform verified the account.")
    tags: Annotated[list[Tag], Field(max_length=20)] | None = Field(
        None, description="Your marks, such as `press` or `regulator`."
    )
    customer_id: Identifier | None = Field(None, description="Your own identifier of this customer.")
    tier: Tag | None = Field(None, description="The customer's service tier in your words.")
    value: Amount | None = Field(None, description="What the customer is worth per year, in your currency units.")


class PostedInReplyTo(Posted):
    """The message that a mention answers."""

    id: Identifier = Field(description="The platform's identifier of that message.")
    by_brand: bool | None = Field(None, description="Whether the brand wrote it.")
    text: Text | None = Field(None, description="Its text; it helps to understand a short answer.")


class PostedMention(Posted):
    """One post, reply, comment, review or direct message that names or addresses a brand."""

    brand: Brand = Field(description="The name under which you are mentioned.")
    platform: Platform = Field(description="The platform in lower case: `x`, `facebook`, `instagram`, …")
    id: Identifier = Field(
        description="The platform's identifier of this message. A repeat of it, with the same author, is routed once."
    )
    text: Text = Field(description="The message as written; empty for a picture without words.")
    kind: Kind | None = Field(None, description="What sort of message it is.")
    language: Language | None = Field(None, description="BCP 47 tag stated by the platform, such as `es-MX`.")
    author: PostedAuthor | None = None
    conversation: Identifier | None = Field(None, description="The thread that it stands in.")
    in_reply_to: PostedInReplyTo | None = None
    url: Url | None = Field(None, description="Where a person can read it.")
    occurred_at: Time | None = Field(None, description="When it was written: RFC 3339 with an offset.")
    attributes: dict[str, Any] | None = Field(
        None, description="What you want to find again in the routed mention: any JSON object within the limits."
    )


class PostedOutcome(Posted):
    """One report of the contact center about one routed mention."""

    id: Identifier = Field(description="Your identifier of this report; a repeat of it is the same report.")
    type: OutcomeKind = Field(description="What happened.")
    mention_id: MentionId = Field(description="`mention_id` of the routed mention.")
    customer_key: CustomerKey = Field(description="`customer_key` of the routed mention, unchanged.")
    occurred_at: Time = Field(description="When it happened: RFC 3339 with an offset.")
    channel: Tag | None = Field(
        None, description="The channel it happened on; for `moved`, where it is required, the one it moved to."
    )
    agent_id: Identifier | None = Field(None, description="Who did it, in your words.")
    effort_seconds: Amount | None = Field(None, description="Working time it took, in seconds.")
    cost: Amount | None = Field(None, description="What it cost, in your currency units.")
    satisfaction: Annotated[int, Field(ge=1, le=5)] | None = Field(
        None, description="1 (worst) to 5 (best); for `surveyed` only, where it is required."
    )


class EchoedMention(Echoed):
    """`mention` of a routed mention."""

    mention_id: MentionId = Field(description="Which mention was judged.")
    brand: Brand
    platform: Platform
    text: Text = Field(description="The message; where `classification` has `redacted_text`, that is kept instead.")
    kind: Kind | None = None
    language: Language | None = None
    in_reply_to: EchoedInReplyTo | None = None


class EchoedInquiryType(Echoed):
    """The inquiry type that the model gave."""

    label: InquiryTypeLabel


class EchoedSentiment(Echoed):
    """The sentiment that the model gave."""

    label: SentimentLabel


class EchoedConfidence(Echoed):
    """How far each field could be trusted."""

    inquiry_type: Level
    sentiment: Level
    actionable: Level


class EchoedModel(Echoed):
    """Which model said it."""

    name: Identifier
    version: Identifier


class EchoedClassification(Echoed):
    """`classification` of a routed mention: what the judgement is compared with."""

    inquiry_type: EchoedInquiryType
    sentiment: EchoedSentiment
    actionable: bool
    language: Language
    confidence: EchoedConfidence
    model: EchoedModel
    redacted_text: Text | None = None
    redacted_in_reply_to_text: Text | None = None


class PostedLabels(Posted):
    """What a mention really is. What was not judged is left out; at least one label is there."""

    inquiry_type: InquiryTypeLabel | None = None
    sentiment: SentimentLabel | None = None
    actionable: bool | None = None
    language: Language | None = Field(None, description="Language of the text: `es`, `pt`, `en`, …")


class PostedCorrection(Posted):
    """One agent's judgement of one routed mention: the routed mention as it was handed out, and what it really is."""

    id: Identifier = Field(description="Your identifier of this judgement; a repeat of it is the same judgement.")
    labels: PostedLabels = Field(
        description="What the mention really is, as far as it was judged. A label equal to the model's confirms it."
    )
    occurred_at: Time = Field(description="When it was judged: RFC 3339 with an offset.")
    mention: EchoedMention = Field(description="`mention` of the routed mention, unchanged.")
    classification: EchoedClassification = Field(description="`classification` of the routed mention, unchanged.")
    customer_key: CustomerKey = Field(description="`customer_key` of the routed mention, unchanged.")
    routing: Any = Field(None, description="`routing` of the routed mention may stay; it is not kept.")
    agent_id: Identifier | None = Field(None, description="Who judged, in your words; best no name.")
    reason: Annotated[str, StringConstraints(max_length=1000, pattern=TEXT_PATTERN)] | None = Field(
        None, description="Why, in the agent's words."
    )


# The objects within an event that take no other fields, by field.
NESTED: Final[Mapping[str, type[Posted]]] = {
    "author": PostedAuthor,
    "in_reply_to": PostedInReplyTo,
    "labels": PostedLabels,
}
