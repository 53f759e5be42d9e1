"""What the table says about each topic in Kafka's words, and how a cluster differs from it. Pure: asks no broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.common.log.topics import DAY_MS, GENERATION, TopicSpec, generation_of

_HOUR_MS: Final = DAY_MS // 24


class TopicSettings(BaseSettings):
    """How many brokers keep each partition."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", extra="ignore", frozen=True)

    # One broker may then be away and another lost for good without losing a record.
    replication_factor: int = Field(3, ge=1, le=32)

    @property
    def min_in_sync(self) -> int:
        """Replicas that must have a record before it is acknowledged: a second one, where another may then be away."""
        return 2 if self.replication_factor >= 3 else 1


@dataclass(frozen=True, slots=True)
class DesiredTopic:
    """A topic as the table wants it. `config`: Kafka's topic settings, by name."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ActualTopic:
    """A topic as the cluster has it.

    `replication`: of each partition. `config`: what is in force, by name; `overrides`: which of it was set on this
    topic, rather than by the brokers.
    """

    name: str
    replication: Sequence[int]
    config: Mapping[str, str]
    overrides: frozenset[str] = frozenset()

    @property
    def partitions(self) -> int:
        """Number of partitions."""
        return len(self.replication)


@dataclass(frozen=True, slots=True)
class Change:
    """A setting to be altered. `old` None: the brokers did not say."""

    name: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What is to be done about one topic of the table.

    `refused`: differences that cannot be changed in place. `drift`: settings that somebody else set on the topic and
    that the table does not name; they stay.
    """

    desired: DesiredTopic
    create: bool = False
    changes: tuple[Change, ...] = ()
    refused: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether the cluster has the topic as the table wants it."""
        return not (self.create or self.changes or self.refused)


@dataclass(frozen=True, slots=True)
class Plan:
    """All topics of the table, and `extra`: topics of ours in the cluster that are not in it, with what they are."""

    topics: tuple[TopicPlan, ...]
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def matches(self) -> bool:
        """Whether there is nothing to do."""
        return all(topic.matches for topic in self.topics)


def desired_topic(spec: TopicSpec, partitions: int, settings: TopicSettings) -> DesiredTopic:
    """What a line of the table means to Kafka. All that a promise rests on is named, whatever the brokers default to.

    Not `message.timestamp.before.max.ms`, which would refuse old records: those that waited for days, and dead letters
    that are replayed, keep their time, and a stage whose output is refused stands still.
    """
    config = {
        "cleanup.policy": spec.cleanup,
        "retention.ms": str(spec.retention_ms),
        "retention.bytes": "-1",  # by age alone: a size limit would take records that nobody has read
        "max.message.bytes": str(spec.max_bytes),
        "min.insync.replicas": str(settings.min_in_sync),
        "unclean.leader.election.enable": "false",  # rather wait for a replica than go on without acknowledged records
        # Retention goes by the record's own time. A clock far ahead would keep its segment for as long.
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": str(_HOUR_MS),
        # Only whole segments are deleted: a quiet partition keeps a record for this much beyond its retention.
        "segment.ms": str(DAY_MS),
        "segment.bytes": str(256 << 20),
    }
    if spec.state:  # read whole on every assignment: what may go should go soon
        config |= {"segment.ms": str(6 * _HOUR_MS), "segment.bytes": str(64 << 20)}
    if spec.cleanup == "compact":
        config |= {
            "delete.retention.ms": str(spec.retention_ms),  # the retention of a compacted topic is its tombstones'
            "retention.ms": "-1",
            "min.cleanable.dirty.ratio": "0.1",
            "max.compaction.lag.ms": str(DAY_MS),
        }
    return DesiredTopic(spec.name, partitions, settings.replication_factor, config)


def plan(desired: Sequence[DesiredTopic], actual: Sequence[ActualTopic], generation: int = GENERATION) -> Plan:
    """How the cluster differs from what is desired in a generation."""
    found = {topic.name: topic for topic in actual}
    names = {topic.name for topic in desired}
    return Plan(
        tuple(_plan_topic(topic, found.get(topic.name)) for topic in desired),
        tuple(
            (name, _what_is(ours[1], generation))
            for name in sorted(found.keys() - names)
            if (ours := generation_of(name)) is not None
        ),
    )


def _plan_topic(desired: DesiredTopic, actual: ActualTopic | None) -> TopicPlan:
    if actual is None:
        return TopicPlan(desired, create=True)
    changes = tuple(
        Change(name, actual.config.get(name), value)
        for name, value in desired.config.items()
        if actual.config.get(name) != value
    )
    drift = tuple(f"{name}={actual.config[name]}" for name in sorted(actual.overrides - desired.config.keys()))
    return TopicPlan(desired, changes=changes, refused=tuple(_refused(desired, actual)), drift=drift)


def _refused(desired: DesiredTopic, actual: ActualTopic) -> list[str]:
    refused = []
    if actual.partitions != desired.partitions:
        refused.append(
            f"{actual.partitions} partitions, not {desired.partitions}: set LOG_PARTITIONS to what is there, or switch"
            " to a new generation"
        )
    if wrong := sorted({replicas for replicas in actual.replication if replicas != desired.replication}):
        refused.append(
            f"{' and '.join(map(str, wrong))} replicas, not {desired.replication}: move replicas with"
            " kafka-reassign-partitions, or set KAFKA_REPLICATION_FACTOR to what is there"
        )
    return refused


def _what_is(generation: int, wanted: int) -> str:
    """What a topic of ours that is not in the table is, seen from the generation that is wanted."""
    if generation < wanted:
        return f"of the earlier generation {generation}: its readers and its retention may need it"
    if generation > wanted:
        return f"of the later generation {generation}: is LOG_GENERATION={wanted} still right here?"
    return "not in the table"
