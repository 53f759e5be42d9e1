"""The JSON of a classification as OpenAPI describes it. What is sent comes from `services.common.contracts.views`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.common.http.fields import InquiryTypeLabel, Level, SentimentLabel

PersonalDataLabel = Literal[
    "card",
    "iban",
    "bank_account",
    "national_id",
    "tax_id",
    "passport",
    "phone",
    "email",
    "address",
    "booking",
]
Probability = Annotated[float, Field(ge=0, le=1)]


class Json(BaseModel):
    """An object that is sent: nothing else is in it."""

    model_config = ConfigDict(extra="forbid")


class InquiryTypeJson(Json):
    """The most probable inquiry type, and the probability of each."""

    label: InquiryTypeLabel
    probabilities: dict[InquiryTypeLabel, Probability]


class SentimentJson(Json):
    """The most probable sentiment, and the probability of each."""

    label: SentimentLabel
    probabilities: dict[SentimentLabel, Probability]


class ConfidenceJson(Json):
    """How far each predicted field can be trusted. Abstain: the model does not say, and a person decides."""

    inquiry_type: Level
    sentiment: Level
    actionable: Level


class ModelJson(Json):
    """Which model said it."""

    name: str
    version: str


class ClassificationJson(Json):
    """What classify finds: what the model says, and the personal data in the text."""

    inquiry_type: InquiryTypeJson
    sentiment: SentimentJson
    actionable: Annotated[bool, Field(description="Whether an agent has something to do or to say")]
    actionable_probability: Probability
    language: Annotated[str, Field(description="Language of the text, `und` when it is another one or not sure")]
    confidence: ConfidenceJson
    model: ModelJson
    needs_private_channel: Annotated[
        bool, Field(description="It gives away personal data in public: answer in private, and hide it")
    ]
    personal_data: Annotated[list[PersonalDataLabel], Field(description="What the text gives away, each kind once")]
    redacted_text: Annotated[
        str | None, Field(description="The text with each finding as its kind in brackets. Absent: nothing was found")
    ] = None
    redacted_in_reply_to_text: Annotated[
        str | None, Field(description="The text of the message that it answers, likewise. Absent: nothing was found")
    ] = None


class ProblemJson(BaseModel):
    """Why a request is refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: Annotated[str, Field(description="What to do, for people")]
    code: Annotated[str, Field(description="Stable, for programs")]
