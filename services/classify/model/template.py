"""Token ids of a text, or of a pair, in the form that a tokenizer's own template gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tokenizers import Encoding, Tokenizer

from services.classify.model.base import ModelError, ModelInput, TokenIds
from services.classify.model.input import segments, special_token


@dataclass(frozen=True, slots=True)
class Template:
    """The special tokens around a text (`start`, `end`), and between and after the parts of a pair.

    `typed`: the second part's tokens are of type 1.
    """

    start: TokenIds
    end: TokenIds
    between: TokenIds
    after: TokenIds
    typed: bool

    @classmethod
    def of(cls, tokenizer: Tokenizer, where: str) -> Self:
        """That of a tokenizer; ModelError if it adds no special tokens."""
        single, pair = tokenizer.encode("a"), tokenizer.encode("a", "a")
        start, end, *_ = _gaps(single)
        if not (start or end):
            raise ModelError(
                f"{where}'s tokenizer adds no special tokens: its tokenizer.json needs the post-processor that the "
                "model was trained with"
            )
        _, between, after = _gaps(pair)
        return cls(start, end, between, after, typed=1 in pair.type_ids)

    def single(self, ids: Sequence[int], max_tokens: int) -> TokenIds:
        """One text, cut to fit."""
        room = max_tokens - len(self.start) - len(self.end)
        return (*self.start, *ids[:room], *self.end)

    def pair(self, first: Sequence[int], second: Sequence[int]) -> TokenIds:
        """Two texts, which must fit."""
        return (*self.start, *first, *self.between, *second, *self.after)

    @property
    def pair_tokens(self) -> int:
        """How many of a pair's tokens are special."""
        return len(self.start) + len(self.between) + len(self.after)

    def encode(self, tokenizer: Tokenizer, inputs: Sequence[ModelInput], max_tokens: int) -> list[TokenIds]:
        """Token ids of each input, at most `max_tokens` long; the context only gets what the text leaves over."""
        parts = [segments(given) for given in inputs]
        texts = ids_of(tokenizer, [text for text, _ in parts])
        contexts = ids_of(tokenizer, [context for _, context in parts])
        encoded = []
        for text, context in zip(texts, contexts, strict=True):
            room = max_tokens - self.pair_tokens - len(text)
            fits = context and room > 0
            encoded.append(self.pair(text, context[:room]) if fits else self.single(text, max_tokens))
        return encoded


def encode(tokenizer: Tokenizer, inputs: Sequence[ModelInput], max_tokens: int) -> list[TokenIds]:
    """`Template.encode` in XLM-R's form, which the models trained here have."""
    start, end = special_token(tokenizer, "<s>"), special_token(tokenizer, "</s>")
    return Template((start,), (end,), (end, end), (end,), typed=False).encode(tokenizer, inputs, max_tokens)


def ids_of(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Token ids without special tokens."""
    return [each.ids for each in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


def _gaps(encoding: Encoding) -> list[TokenIds]:
    """The special tokens before, between and after the parts of an encoding."""
    gaps: list[list[int]] = [[]]
    part = None
    for number, own in zip(encoding.ids, encoding.sequence_ids, strict=True):
        if own is None:
            gaps[-1].append(number)
        elif own != part:
            gaps.append([])
            part = own
    return [tuple(gap) for gap in gaps]
