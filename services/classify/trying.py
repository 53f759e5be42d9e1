"""Trying the model on texts: what `POST /v1/classify` takes, does and answers. Nothing is kept of it."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from pydantic import Field

from mention_triage.v1.mention_pb2 import InReplyTo, Mention
from services.classify.batcher import BatcherStopped
from services.classify.classifier import Classifier, Labels
from services.classify.explain import Contribution, Explanation, explain
from services.classify.model.base import ModelInput, Prediction
from services.classify.proto import model_info, to_classification, to_model_input
from services.common.contracts.views import classification_view
from services.common.http.fields import Echoed, EchoedInReplyTo, Kind, Language, Platform, Text
from services.common.http.problems import Problem

RETRY_SECONDS: Final = 1
# So many texts of a try stand before the model together: mentions that come meanwhile go before the rest.
_AT_ONCE: Final = 4
# The model answers within milliseconds; who waits this long stands behind a spike.
_PATIENCE_SECONDS: Final = 10.0


class TriedMention(Echoed):
    """What the model may look at of a mention, by the names of `POST /v1/mentions`; all else of one may stay."""

    text: Text = Field(description="The message as written.")
    platform: Platform | None = Field(None, description="The platform in lower case: `x`, `facebook`, `instagram`, …")
    kind: Kind | None = Field(None, description="What sort of message it is.")
    language: Language | None = Field(None, description="BCP 47 tag stated by the platform, such as `es-MX`.")
    in_reply_to: EchoedInReplyTo | None = Field(None, description="The message that it answers, where it answers one.")

    def mention(self) -> Mention:
        """The part of a mention that the model sees."""
        parent = self.in_reply_to
        return Mention(
            text=self.text,
            platform=self.platform,
            kind=f"MENTION_KIND_{self.kind.upper()}" if self.kind else None,
            language=self.language,
            in_reply_to=InReplyTo(id=parent.id, by_brand=parent.by_brand, text=parent.text) if parent else None,
        )


async def try_mentions(classifier: Classifier, tried: Sequence[TriedMention], explained: bool) -> list[dict[str, Any]]:
    """One result per mention, in order, with the words that decided if they are to be `explained`.

    The cache answers, but learns nothing: occluded texts would push out those of the mentions. Raises a 503 `Problem`
    where the pipeline needs the model itself.
    """
    if classifier.full:
        raise model_busy()
    mentions = [each.mention() for each in tried]
    inputs = [to_model_input(mention) for mention in mentions]
    info = model_info(classifier)
    results: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            labels = await _classify(classifier, inputs, [mention.language for mention in mentions])
            for mention, given, found in zip(mentions, inputs, labels, strict=True):
                # Not in the event loop: a long text takes a tenth of a second to search for personal data.
                classification = await asyncio.to_thread(to_classification, found, info, mention)
                result: dict[str, Any] = {"classification": classification_view(classification)}
                if explained:
                    result["explanation"] = _view(mention.text, await _explain(classifier, given, found))
                results.append(result)
    except (TimeoutError, BatcherStopped):
        raise model_busy() from None
    return results


def model_busy() -> Problem:
    """The answer while the pipeline needs the model itself."""
    detail = f"the model has no time for tries now, mentions go first: try again after {RETRY_SECONDS} s"
    return Problem(503, "model_busy", detail, headers={"Retry-After": str(RETRY_SECONDS)})


async def _explain(classifier: Classifier, given: ModelInput, labels: Labels) -> Explanation:
    async def predict(variants: Sequence[ModelInput]) -> list[Prediction]:
        hints = [labels.language] * len(variants)  # spares identifying it again, unless it is und
        return [each.prediction for each in await _classify(classifier, variants, hints)]

    return await explain(given, labels.prediction, predict)


async def _classify(classifier: Classifier, inputs: Sequence[ModelInput], hints: Sequence[str]) -> list[Labels]:
    labels: list[Labels] = []
    for start in range(0, len(inputs), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        labels += await classifier.classify(inputs[some], hints[some], remember=False)
    return labels


def _view(text: str, explanation: Explanation) -> dict[str, Any]:
    words = [
        {"start": span.start, "end": span.end, "text": text[span.start : span.end], **_contribution_view(part)}
        for span, part in explanation.words
    ]
    return {"words": words} | (
        {"in_reply_to": _contribution_view(explanation.parent)} if explanation.parent is not None else {}
    )


def _contribution_view(part: Contribution) -> dict[str, float]:
    return {"inquiry_type": part.inquiry_type, "sentiment": part.sentiment}
