"""The JSON of `POST /v1/classify` as OpenAPI describes it, with an example."""

from typing import Annotated, Any, Final

from pydantic import Field

from services.common.contracts.schemas import ClassificationJson, Json

LogOdds = Annotated[
    float,
    Field(description="Added to the predicted label's log-odds: above 0 it speaks for it, by 0.7 it doubles the odds"),
]


class ContributionJson(Json):
    """What a part contributes to the predicted labels."""

    inquiry_type: LogOdds
    sentiment: LogOdds


class WordJson(ContributionJson):
    """A word of the text, or neighbours where there are many."""

    start: Annotated[int, Field(ge=0, description="Its first character, counted in Unicode code points from 0")]
    end: Annotated[int, Field(ge=0, description="Behind its last character")]
    text: str


class ExplanationJson(Json):
    """What changes where a word is left out: which words decided."""

    words: Annotated[
        list[WordJson], Field(description="In the order of the text; what the model does not read of a long one gets 0")
    ]
    in_reply_to: Annotated[
        ContributionJson | None, Field(description="Of the message that it answers; absent without its text")
    ] = None


class TriedJson(Json):
    """What the model says about one text."""

    classification: ClassificationJson
    explanation: Annotated[ExplanationJson | None, Field(description="Absent where it was not asked for")] = None


class TriedResults(Json):
    """One result per text, in order."""

    results: list[TriedJson]


REQUEST_EXAMPLES: Final[dict[str, Any]] = {
    "text": {"summary": "A text", "value": {"text": "llevo dos días sin internet y nadie contesta"}},
    "reply": {
        "summary": "A reply, with what it answers",
        "value": {
            "text": "já mandei ontem",
            "platform": "instagram",
            "kind": "reply",
            "in_reply_to": {"by_brand": True, "text": "Olá! Pode nos enviar o comprovante?"},
        },
    },
    "several": {
        "summary": "Several, without explanations",
        "value": [{"text": "Crashes every time I open the calendar"}, {"text": "gracias, ya quedó"}],
    },
}
