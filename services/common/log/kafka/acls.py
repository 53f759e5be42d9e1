"""What each service and each command may do on a cluster with an authorizer: nothing beyond what it needs.

Where one right implies another (Read and Write imply Describe, AlterConfigs implies DescribeConfigs, a right to write
to a topic that of an idempotent producer), only the first one is listed. Source: the table of operations and protocols
in Kafka's documentation of authorization and ACLs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from services.common.log.kafka.generation import MOVING_GROUP, RETIRED_GROUP
from services.common.log.port import LogError
from services.common.log.topics import GENERATION, REPLAY_GROUP, earlier_routed, earlier_topics, topic_name, topics_of

Resource = Literal["topic", "group", "transactional-id"]
Operation = Literal["Read", "Write", "Describe", "Create", "AlterConfigs"]


@dataclass(frozen=True, slots=True)
class Acl:
    """One right. `prefixed`: on every resource whose name begins so."""

    resource: Resource
    name: str
    operation: Operation
    prefixed: bool = False


def acls_of(role: str, generation: int = GENERATION) -> tuple[Acl, ...]:
    """All rights that a role of `ROLES` needs on the topics of a generation. Raises `LogError` where it has none."""
    return tuple(dict.fromkeys(_ROLES[role](generation)))


def _ingest(generation: int) -> list[Acl]:
    return _with_all_described(_topics("Write", generation, "mentions", "outcomes", "corrections"), generation)


def _classify(generation: int) -> list[Acl]:
    reads, writes = ("mentions", "seen"), ("classified", "seen", "dead-letters")
    return _stages(("classify",), reads, writes, generation)


def _router(generation: int) -> list[Acl]:
    # It serves pages of routed mentions, and lets time pass in mentions.
    reads = ("mentions", "classified", "routed", "corrections", "counts", "seen-volume", "spike-state")
    writes = ("mentions", "routed", "counts", "alerts", "seen-volume", "spike-state", "dead-letters")
    return _stages(("route", "volume", "mix", "spikes", "agreement"), reads, writes, generation) + [
        Acl("topic", topic, "Read") for topic in earlier_routed(generation)
    ]


def _look(generation: int) -> list[Acl]:
    groups = sorted({group for spec in topics_of(generation) for group in spec.groups})
    topics = [*earlier_topics("corrections", generation), *(spec.name for spec in topics_of(generation))]
    reads = [Acl("topic", topic, "Read") for topic in topics]
    return reads + [Acl("group", group, "Describe") for group in groups]


def _topic_commands(generation: int) -> list[Acl]:
    operations: tuple[Operation, ...] = ("Describe", "Create", "AlterConfigs")
    return [Acl("topic", spec.name, operation) for spec in topics_of(generation) for operation in operations]


def _generation_commands(generation: int) -> list[Acl]:
    if generation == 1:
        raise LogError("LOG_GENERATION=1 is the first one: set LOG_GENERATION to the generation to switch to")
    acls: list[Acl] = []
    for each in (generation - 1, generation):
        worked_on = [(group, spec.name) for spec in topics_of(each) for group in spec.groups]
        acls += [Acl("topic", topic, "Read") for _, topic in worked_on]
        for group, _ in worked_on:
            acls += _claims(group)
    acls += [Acl("topic", spec.name, "Read") for spec in topics_of(generation - 1) if spec.state]
    acls += [Acl("topic", spec.name, "Write") for spec in topics_of(generation) if spec.state]
    acls += _claims(MOVING_GROUP)
    # A replay is only fenced; that the old topics are retired is an offset in them.
    acls += [*_topics("Read", generation - 1, "dead-letters"), _fences(REPLAY_GROUP), *_claims(RETIRED_GROUP)]
    return _with_all_described(acls, generation)


def _dead_letter_commands(generation: int) -> list[Acl]:
    sources = [Acl("topic", spec.name, "Write") for spec in topics_of(generation) if spec.groups]
    own = _topics("Read", generation, "dead-letters") + _topics("Write", generation, "dead-letters")
    return _with_all_described(own + sources + _claims(REPLAY_GROUP) + _IN_USE, generation)


# The three services, and what a person's commands need: `look` is for those that only read.
_ROLES: Final[Mapping[str, Callable[[int], list[Acl]]]] = {
    "ingest": _ingest,
    "classify": _classify,
    "router": _router,
    "look": _look,
    "topics": _topic_commands,
    "generation": _generation_commands,
    "dead-letters": _dead_letter_commands,
}
ROLES: Final = tuple(_ROLES)


def _stages(groups: Iterable[str], reads: Iterable[str], writes: Iterable[str], generation: int) -> list[Acl]:
    """What the stages of one process do together. `groups`: their names."""
    topics = _topics("Read", generation, *reads) + _topics("Write", generation, *writes)
    claims = [acl for group in groups for acl in _claims(group)]
    return _with_all_described(topics + claims + _IN_USE, generation)


def _claims(group: str) -> list[Acl]:
    """Claiming partitions for a group: its offsets, and a transactional id for each partition."""
    return [Acl("group", group, "Read"), _fences(group)]


def _fences(group: str) -> Acl:
    return Acl("transactional-id", f"{group}-", "Write", prefixed=True)


# Whoever claims a partition asks whether its generation is over.
_IN_USE: Final = [Acl("group", RETIRED_GROUP, "Describe")]


def _topics(operation: Operation, generation: int, *kinds: str) -> list[Acl]:
    return [Acl("topic", topic_name(kind, generation), operation) for kind in kinds]


def _with_all_described(acls: list[Acl], generation: int) -> list[Acl]:
    """Every process looks at its start whether all topics are there."""
    known = {acl.name for acl in acls if acl.resource == "topic"}
    return acls + [Acl("topic", spec.name, "Describe") for spec in topics_of(generation) if spec.name not in known]
