"""A policy ready to be applied: the file's rules with their conditions made into tests."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from orjson import OPT_SORT_KEYS, dumps

from mention_triage.v1.routing_pb2 import Priority
from services.router.policy.match import Facts, Test, compile_condition
from services.router.policy.schema import Platform, PolicyFile

T = TypeVar("T")

_HASH_DIGITS: Final = 8


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
    named: dict[str, Test] = {}
    for name, condition in file.conditions.items():
        named[name] = compile_condition(condition, named)
    return Policy(
        version=f"{file.version}+{_fingerprint(file.model_dump(mode='json', by_alias=True, exclude_unset=True))}",
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


def _fingerprint(content: Any) -> str:
    """Changes with what the policy says, not with comments, layout or the order of keys."""
    return hashlib.sha256(dumps(content, option=OPT_SORT_KEYS)).hexdigest()[:_HASH_DIGITS]
