"""A policy ready to be applied: the file's rules with their conditions made into tests."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Generic, TypeVar

from orjson import OPT_SORT_KEYS, dumps

from mention_triage.v1.routing_pb2 import Priority
from services.router.policy.match import Facts, Test, compile_condition
from services.router.policy.schema import Platform, PolicyFile

T = TypeVar("T")

_HASH_DIGITS: Final = 8
_LOW: Final = "low"
_ABSTAIN: Final = "abstain"


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """What one rule gives (points, minutes or a queue) where its test holds."""

    name: str
    holds: Test
    gives: T


@dataclass(frozen=True, slots=True)
class Policy:
    """What `decide` applies. The last rule of every section but `scoring` always holds."""

    version: str
    languages: frozenset[str]
    tiers: frozenset[str]
    thresholds: Sequence[tuple[int, Priority]]
    scoring: Sequence[Rule[int]]
    first_response: Sequence[Rule[int]]
    resolution: Sequence[Rule[int]]
    queues: Sequence[Rule[str]]
    platforms: Mapping[str, Platform]


def compile_policy(file: PolicyFile) -> Policy:
    """The policy of a file that was found valid."""
    content = file.model_dump(by_alias=True, exclude_unset=True)
    version = f"{file.version}+{_fingerprint(content)}"
    if abstains_as_low(file):
        file = PolicyFile.model_validate(_low_as_abstain(content))
    named: dict[str, Test] = {}
    for name, condition in file.conditions.items():
        named[name] = compile_condition(condition, named)
    return Policy(
        version=version,
        languages=frozenset(file.languages),
        tiers=frozenset(file.tiers),
        thresholds=(
            (file.priorities.P1, Priority.PRIORITY_P1),
            (file.priorities.P2, Priority.PRIORITY_P2),
            (file.priorities.P3, Priority.PRIORITY_P3),
        ),
        scoring=[Rule(rule.name, compile_condition(rule.when, named), rule.points) for rule in file.scoring],
        first_response=[
            Rule(rule.name, compile_condition(rule.when, named), rule.minutes) for rule in file.first_response
        ],
        resolution=[Rule(rule.name, compile_condition(rule.when, named), rule.minutes) for rule in file.resolution],
        queues=[Rule(rule.name, compile_condition(rule.when, named), rule.queue) for rule in file.queues],
        platforms=file.platforms,
    )


def first_match(rules: Sequence[Rule[T]], facts: Facts) -> T:
    """What the first rule that holds gives."""
    return next(rule.gives for rule in rules if rule.holds(facts))


def abstains_as_low(file: PolicyFile) -> bool:
    """Whether `low` holds for abstaining as well: it asks for the one, and nowhere for the other."""
    levels = set(chain.from_iterable(_levels(file.model_dump(by_alias=True, exclude_unset=True))))
    return _LOW in levels and _ABSTAIN not in levels


def _levels(content: Any) -> Iterator[Sequence[str]]:
    """The confidence levels that each condition asks for."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from value.values() if key == "confidence" else _levels(value)
    elif isinstance(content, tuple):
        for value in content:
            yield from _levels(value)


def _low_as_abstain(content: Any) -> Any:
    """The content with `abstain` wherever it says `low`: when it was written, low was all that is below medium."""
    if isinstance(content, dict):
        return {
            key: {field: (*levels, _ABSTAIN) if _LOW in levels else levels for field, levels in value.items()}
            if key == "confidence"
            else _low_as_abstain(value)
            for key, value in content.items()
        }
    return tuple(map(_low_as_abstain, content)) if isinstance(content, tuple) else content


def _fingerprint(content: Any) -> str:
    """Changes with what the policy says, not with comments, layout or the order of keys."""
    return hashlib.sha256(dumps(content, option=OPT_SORT_KEYS)).hexdigest()[:_HASH_DIGITS]
