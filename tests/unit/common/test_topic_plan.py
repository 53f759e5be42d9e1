from collections.abc import Mapping, Sequence

import pytest

from services.common.log.kafka.topic_plan import (
    ActualTopic,
    Change,
    DesiredTopic,
    TopicSettings,
    desired_topic,
    plan,
)
from services.common.log.topics import DAY_MS, TOPICS, TopicSpec, generation_of, topic_name, topics_of

SETTINGS = TopicSettings(replication_factor=3)
WANTED = [desired_topic(spec, 12, SETTINGS) for spec in topics_of(2)]


def as_wanted(
    topic: DesiredTopic, replication: Sequence[int] = (3,) * 12, config: Mapping[str, str] | None = None
) -> ActualTopic:
    """The topic as the cluster has it after `apply`, but for what is given."""
    found = {"flush.ms": "9223372036854775807", **topic.config, **(config or {})}
    return ActualTopic(topic.name, replication, found, frozenset(topic.config) | frozenset(config or ()))


def test_a_cluster_that_has_nothing_needs_every_topic() -> None:
    found = plan(WANTED, [], 2)
    assert [topic.desired for topic in found.topics if topic.create] == WANTED
    assert not found.matches


def test_a_cluster_as_wanted_needs_nothing() -> None:
    found = plan(WANTED, [as_wanted(topic) for topic in WANTED], 2)
    assert found.matches
    assert found.extra == ()
    assert not any(topic.drift for topic in found.topics)


def test_another_value_is_altered_wherever_it_comes_from() -> None:
    topic = WANTED[0]
    by_the_brokers = ActualTopic(topic.name, (3,) * 12, {**topic.config, "min.insync.replicas": "1"})
    unknown = ActualTopic(topic.name, (3,) * 12, {k: v for k, v in topic.config.items() if k != "segment.ms"})
    assert plan([topic], [by_the_brokers], 2).topics[0].changes == (Change("min.insync.replicas", "1", "2"),)
    assert plan([topic], [unknown], 2).topics[0].changes == (Change("segment.ms", None, str(DAY_MS)),)


def test_what_somebody_else_has_set_is_drift_and_stays() -> None:
    found = plan(WANTED[:1], [as_wanted(WANTED[0], config={"flush.ms": "1000"})], 2)
    assert found.topics[0].drift == ("flush.ms=1000",)
    assert found.matches


@pytest.mark.parametrize(
    ("replication", "said"),
    [((3,) * 6, "6 partitions, not 12"), ((3,) * 24, "24 partitions, not 12"), ((3, 1) * 6, "1 replicas, not 3")],
)
def test_counts_are_never_changed(replication: Sequence[int], said: str) -> None:
    (topic,) = plan(WANTED[:1], [as_wanted(WANTED[0], replication)], 2).topics
    assert len(topic.refused) == 1
    assert topic.refused[0].startswith(said)
    assert not topic.create
    assert not topic.changes
    assert not topic.matches


def test_only_topics_named_like_ours_are_extra() -> None:
    others = [
        ActualTopic(name, (1,), {}) for name in ("mentions.v1", "seen.v3", "orders.v1", "mentions", "mentions.v0")
    ]
    extra = dict(plan(WANTED, [*others, *map(as_wanted, WANTED)], 2).extra)
    assert sorted(extra) == ["mentions.v1", "seen.v3"]
    assert "earlier generation 1" in extra["mentions.v1"]
    assert "later generation 3" in extra["seen.v3"]


def test_every_topic_keeps_for_its_age_alone() -> None:
    for spec, topic in zip(topics_of(2), WANTED, strict=True):
        assert (topic.partitions, topic.replication) == (12, 3)
        # A compacted topic keeps the newest of each key for ever.
        assert topic.config["retention.ms"] == (str(spec.retention_ms) if spec.cleanup == "delete" else "-1")
        assert topic.config["retention.bytes"] == "-1"
        assert topic.config["message.timestamp.type"] == "CreateTime"
        # Records that waited for days keep their time, and must be taken all the same.
        assert "message.timestamp.before.max.ms" not in topic.config


def test_a_stage_may_always_write_what_it_read() -> None:
    limits = {spec.name: int(desired_topic(spec, 1, SETTINGS).config["max.message.bytes"]) for spec in topics_of(1)}
    assert limits["mentions.v1"] < min(limits[name] for name in ("classified.v1", "routed.v1", "dead-letters.v1"))


def test_a_compacted_topic_keeps_the_newest_of_each_key() -> None:
    topic = desired_topic(TopicSpec("state.v1", 2 * DAY_MS, "compact", "state", state=True), 3, SETTINGS)
    assert topic.config["cleanup.policy"] == "compact"
    assert topic.config["retention.ms"] == "-1"
    assert topic.config["delete.retention.ms"] == str(2 * DAY_MS)


@pytest.mark.parametrize(("replication", "in_sync"), [(1, 1), (2, 1), (3, 2), (5, 2)])
def test_one_broker_may_be_away(replication: int, in_sync: int) -> None:
    assert TopicSettings(replication_factor=replication).min_in_sync == in_sync


def test_names_carry_their_generation() -> None:
    assert [spec.name for spec in TOPICS] == [spec.name for spec in topics_of(1)]
    assert topic_name("mentions", 2) == "mentions.v2"
    assert generation_of("dead-letters.v12") == ("dead-letters", 12)
    assert [generation_of(name) for name in ("mentions", "mentions.v", "mentions.v01", "orders.v1")] == [None] * 4
