"""Labels from a model for natural language inference, for teams that have no labelled mentions.

Each label is a sentence about the text, and the model says how far the text entails it (Yin, Hay and Roth 2019).
Within a field the entailments compete; whether a mention is actionable is entailment against its opposite. The
sentences are in the language of the text, or in English when that is unsure. Nothing of this is calibrated: every label
abstains.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import orjson
from tokenizers import Tokenizer

from services.classify.language import identify
from services.classify.model.backend import Logits
from services.classify.model.base import ModelInput, TokenIds
from services.classify.model.input import segments
from services.classify.model.labels import NAMES
from services.classify.model.template import Template, ids_of

_FILE: Final = Path(__file__).with_name("hypotheses.json")
_USUAL_LANGUAGE: Final = "en"


@dataclass(frozen=True, slots=True)
class Inference:
    """Which outputs of a model say that a text entails a sentence, and that it does not."""

    entailment: int
    against: int

    @classmethod
    def of(cls, id2label: Mapping[Any, str]) -> Self | None:
        """By the usual names: entailment beside contradiction or not_entailment; None of any other sort of model."""
        named = {str(label).lower(): int(number) for number, label in id2label.items()}
        against = named.get("contradiction", named.get("not_entailment"))
        if "entailment" not in named or against is None:
            return None
        return cls(named["entailment"], against)


class ZeroShot:
    """The two halves of a `BackendModel`. The ids of an input are the language's number and those of its text."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        template: Template,
        inference: Inference,
        outputs: Callable[[Sequence[TokenIds]], Logits],
        max_tokens: int,
    ) -> None:
        sentences = hypotheses()
        self._languages = list(sentences)
        self._hypotheses = [ids_of(tokenizer, [sentences[code][name] for name in NAMES]) for code in self._languages]
        longest = max(len(ids) for own in self._hypotheses for ids in own)
        # A text keeps at least as many tokens as a sentence has, whatever the model says of its length.
        self._room = max(max_tokens - template.pair_tokens - longest, longest)
        self._tokenizer = tokenizer
        self._template = template
        self._inference = inference
        self._outputs = outputs

    def encode(self, inputs: Sequence[ModelInput]) -> list[TokenIds]:
        """Ids of each text with its context, cut to leave room for the sentences."""
        texts = ids_of(self._tokenizer, [" ".join(filter(None, segments(given))) for given in inputs])
        return [(self._language(given.text), *ids[: self._room]) for given, ids in zip(inputs, texts, strict=True)]

    def logits(self, batch: Sequence[TokenIds]) -> Logits:
        """(rows, decode.LOGITS): how far each sentence is entailed; of the last, by how much more than its opposite."""
        pairs = [
            self._template.pair(text, hypothesis)
            for language, *text in batch
            for hypothesis in self._hypotheses[language]
        ]
        outputs = self._outputs(pairs).reshape(len(batch), len(NAMES), -1)
        logits: Logits = outputs[:, :, self._inference.entailment].copy()
        logits[:, -1] -= outputs[:, -1, self._inference.against]
        return logits

    def _language(self, text: str) -> int:
        found = identify(text)
        return self._languages.index(found if found in self._languages else _USUAL_LANGUAGE)


@cache
def hypotheses() -> dict[str, dict[str, str]]:
    """The sentence of each label, by language."""
    content: dict[str, dict[str, str]] = orjson.loads(_FILE.read_bytes())
    return content
