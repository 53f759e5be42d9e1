import json
from typing import Any

import pytest

from services.common.log.kafka.admin import TopicAdmin
from services.common.log.kafka.topic_plan import Change, TopicSettings, desired_topic, plan
from services.common.log.topics import TOPICS, topic_name, topics_of
from tests.integration.kafka.commands import Commands, own_generation
from tests.support.kafka import delete_topics


@pytest.fixture
def commands(kafka: str) -> Commands:
    return Commands(kafka, own_generation())


def planned(commands: Commands, exit_code: int) -> dict[str, Any]:
    done = commands.run("topics", "plan", "--json")
    assert done.returncode == exit_code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def alter(commands: Commands, base: str, **settings: str) -> None:
    changes = [Change(name.replace("_", "."), None, value) for name, value in settings.items()]
    async with TopicAdmin({"bootstrap_servers": commands.bootstrap}) as admin:
        await admin.alter(topic_name(base, commands.generation), changes)


async def settings_of(commands: Commands, base: str) -> dict[str, str]:
    async with TopicAdmin({"bootstrap_servers": commands.bootstrap}) as admin:
        (found,) = [t for t in await admin.topics() if t.name == topic_name(base, commands.generation)]
    return dict(found.config)


async def test_plan_changes_nothing_and_apply_does_it_once(commands: Commands) -> None:
    assert all(topic["create"] for topic in planned(commands, 2)["topics"])
    assert all(topic["create"] for topic in planned(commands, 2)["topics"])
    assert commands.run("topics", "check").returncode == 1
    assert commands.run("topics", "apply").returncode == 0
    assert planned(commands, 0)["matches"]
    assert f"{len(TOPICS)} topics are as they should be" in commands.run("topics", "check").stdout
    assert "0 to create" in commands.run("topics", "apply").stdout
    async with TopicAdmin({"bootstrap_servers": commands.bootstrap}) as admin:
        wanted = [desired_topic(s, 3, TopicSettings(replication_factor=1)) for s in topics_of(commands.generation)]
        found = plan(wanted, await admin.topics(), commands.generation)
    assert found.matches
    assert not any(topic.drift for topic in found.topics)


async def test_a_cluster_of_fewer_topics_gets_the_others(commands: Commands) -> None:
    commands.run("topics", "apply")
    missing = {topic_name(base, commands.generation) for base in ("counts", "alerts", "seen-volume", "spike-state")}
    delete_topics(commands.bootstrap, sorted(missing))
    assert {topic["topic"] for topic in planned(commands, 2)["topics"] if topic["create"]} == missing
    assert commands.run("topics", "apply").returncode == 0
    assert planned(commands, 0)["matches"]
    assert (await settings_of(commands, "spike-state"))["cleanup.policy"] == "compact"


async def test_a_changed_setting_is_put_right_and_a_foreign_one_stays(commands: Commands) -> None:
    commands.run("topics", "apply")
    await alter(commands, "mentions", retention_ms="1000", flush_ms="60000")
    done = commands.run("topics", "check")
    assert done.returncode == 1
    assert "retention.ms 1000 → 604800000" in done.stderr
    assert "warning: " in done.stderr
    assert "flush.ms=60000" in done.stderr
    assert commands.run("topics", "apply").returncode == 0
    found = await settings_of(commands, "mentions")
    assert (found["retention.ms"], found["flush.ms"]) == ("604800000", "60000")


async def test_a_partition_count_stays_whatever_is_asked(commands: Commands) -> None:
    commands.run("topics", "apply")
    await alter(commands, "routed", retention_ms="1000")
    done = Commands(commands.bootstrap, commands.generation, partitions=6).run("topics", "apply")
    assert done.returncode == 1
    assert "3 partitions, not 6" in done.stderr
    assert "new generation" in done.stderr
    assert (await settings_of(commands, "routed"))["retention.ms"] == "1000"  # nothing was changed
    assert [len(topic["refused"]) for topic in planned(commands, 2)["topics"]] == [0] * len(TOPICS)


def test_too_few_brokers_for_the_replicas(commands: Commands) -> None:
    done = commands.run("topics", "apply", KAFKA_REPLICATION_FACTOR="3")
    assert done.returncode == 1
    assert "replication factor of 3 cannot be reached" in done.stderr


@pytest.mark.parametrize("command", [("plan",), ("apply",), ("check",), ("generation", "status")])
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is the embedded log, which makes its topics itself"),
        ("kafka://nowhere", "names no brokers"),
        ("kafka://127.0.0.1:1", "no broker can be used"),
    ],
)
def test_a_wrong_place_is_said_in_one_line(command: tuple[str, ...], url: str, said: str) -> None:
    done = Commands("", 2).run("topics", *command, LOG_URL=url)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
