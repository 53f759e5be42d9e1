"""Conditions: from the words of a policy file to a test of one mention."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Final

from mention_triage.v1.classification_pb2 import Classification
from mention_triage.v1.mention_pb2 import Mention, MentionKind
from services.common.contracts.views import (
    CONFIDENCE_LEVELS,
    INQUIRY_TYPES,
    MENTION_KINDS,
    PERSONAL_DATA_KINDS,
    SENTIMENTS,
)
from services.router.policy.schema import Condition

Test = Callable[["Facts"], bool]

_MARKS: Final = re.compile("[\u0300-\u036f]+")
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Facts:
    """What conditions ask about one mention, with the fallbacks for what is unknown. Names are folded (`fold`)."""

    tenant: str
    brand: str
    platform: str
    kind: str
    language: str
    inquiry_type: str
    sentiment: str
    actionable: bool
    author_tags: frozenset[str]
    verified: bool
    tier: str
    reach: int
    value: float
    text: str
    reply_to_brand: bool
    confidence: Mapping[str, str]
    needs_private_channel: bool
    personal_data: frozenset[str]

    @property
    def public(self) -> bool:
        """Whether others can read it."""
        return self.kind != "direct_message"

    @property
    def length(self) -> int:
        """Characters of the text."""
        return len(self.text)

    @cached_property
    def words(self) -> str:
        """The text as `text_contains` looks at it."""
        return spaced_words(self.text)


def facts_of(mention: Mention, classification: Classification) -> Facts:
    """The facts of a classified mention. Fallbacks as the contracts state them."""
    author = mention.author
    kind = mention.kind or (
        MentionKind.MENTION_KIND_REPLY if mention.HasField("in_reply_to") else MentionKind.MENTION_KIND_POST
    )
    confidence = classification.confidence
    return Facts(
        tenant=fold(mention.tenant),
        brand=fold(mention.brand),
        platform=fold(mention.platform),
        kind=MENTION_KINDS[kind],
        language=fold(classification.language),
        inquiry_type=INQUIRY_TYPES[classification.inquiry_type.label],
        sentiment=SENTIMENTS[classification.sentiment.label],
        actionable=classification.actionable,
        author_tags=frozenset(map(fold, author.tags)),
        verified=author.verified,
        tier=fold(author.tier),
        # A direct message reaches nobody else, however many follow its author.
        reach=0 if kind == MentionKind.MENTION_KIND_DIRECT_MESSAGE else author.followers,
        value=author.value,
        text=mention.text,
        reply_to_brand=mention.in_reply_to.by_brand,
        confidence={
            "inquiry_type": CONFIDENCE_LEVELS[confidence.inquiry_type],
            "sentiment": CONFIDENCE_LEVELS[confidence.sentiment],
            "actionable": CONFIDENCE_LEVELS[confidence.actionable],
        },
        needs_private_channel=classification.needs_private_channel,
        personal_data=frozenset(PERSONAL_DATA_KINDS[kind] for kind in classification.personal_data),
    )


def fold(text: str) -> str:
    """Without case and accents: `Denúncia` and `denuncia` are one word."""
    if text.isascii():
        return text.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def spaced_words(text: str) -> str:
    """Folded words and single symbols with one space around each, so that a whole word is found by its spaces."""
    return f" {' '.join(_TOKEN.findall(fold(text)))} "


def compile_condition(condition: Condition | None, named: Mapping[str, Test]) -> Test:
    """The test for a condition (None: always holds). `named`: the tests that `is` may refer to."""
    if condition is None:
        return lambda _: True
    tests = list(_tests(condition, named))
    return tests[0] if len(tests) == 1 else _all(tests)


def _tests(condition: Condition, named: Mapping[str, Test]) -> Iterator[Test]:
    """One test per key; those that look at the text last, since they cost most."""
    for key in ("tenant", "brand", "platform", "kind", "language", "inquiry_type", "sentiment", "tier"):
        if values := getattr(condition, key):
            yield _one_of(attrgetter(key), values)
    for key in ("actionable", "public", "verified", "reply_to_brand", "needs_private_channel"):
        if (wanted := getattr(condition, key)) is not None:
            yield _equal(attrgetter(key), wanted)
    for key, fact in (("followers_at_least", "reach"), ("value_at_least", "value"), ("text_at_least", "length")):
        if (least := getattr(condition, key)) is not None:
            yield _at_least(attrgetter(fact), least)
    if condition.author_tags:
        yield _some_of(attrgetter("author_tags"), frozenset(map(fold, condition.author_tags)))
    if condition.personal_data:
        yield _some_of(attrgetter("personal_data"), frozenset(condition.personal_data))
    if condition.confidence:
        for field in condition.confidence.model_fields_set:
            yield _one_of(_confidence(field), getattr(condition.confidence, field))
    yield from _compositions(condition, named)
    if condition.text_contains:
        yield _contains(tuple(map(_needle, condition.text_contains)))


def _compositions(condition: Condition, named: Mapping[str, Test]) -> Iterator[Test]:
    if condition.is_:
        yield _any([named[name] for name in condition.is_])
    if condition.not_:
        yield _not(compile_condition(condition.not_, named))
    if condition.any_:
        yield _any([compile_condition(alternative, named) for alternative in condition.any_])


def _needle(words: str) -> str:
    """What to look for in `Facts.words`. A `*` at the end takes every ending of the last word."""
    return spaced_words(words[:-1])[:-1] if words.endswith("*") else spaced_words(words)


# Functions that make tests: each binds its own values.


def _all(tests: Sequence[Test]) -> Test:
    return lambda facts: all(test(facts) for test in tests)


def _any(tests: Sequence[Test]) -> Test:
    return lambda facts: any(test(facts) for test in tests)


def _not(test: Test) -> Test:
    return lambda facts: not test(facts)


def _one_of(fact: Callable[[Facts], str], values: Sequence[str]) -> Test:
    folded = frozenset(map(fold, values))
    return lambda facts: fact(facts) in folded


def _equal(fact: Callable[[Facts], bool], wanted: bool) -> Test:
    return lambda facts: fact(facts) == wanted


def _at_least(fact: Callable[[Facts], float], least: float) -> Test:
    return lambda facts: fact(facts) >= least


def _some_of(fact: Callable[[Facts], frozenset[str]], values: frozenset[str]) -> Test:
    return lambda facts: not values.isdisjoint(fact(facts))


def _confidence(field: str) -> Callable[[Facts], str]:
    return lambda facts: facts.confidence[field]


def _contains(needles: Sequence[str]) -> Test:
    return lambda facts: any(needle in facts.words for needle in needles)
