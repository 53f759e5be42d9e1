"""`topics plan|apply|check`: the topics of a Kafka cluster beside the table."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import asyncio
import json
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.cli.errors import CliError
from services.cli.topics.cluster import cluster, desired_topics

if TYPE_CHECKING:
    from services.common.log.kafka.admin import TopicAdmin
    from services.common.log.kafka.topic_plan import Plan

_SETTLED_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.1
_SOMETHING_TO_DO: Final = 2

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def plan(as_json: AsJson = False) -> None:
    """Show what `apply` would do, and change nothing. Exit code 2 if there is something to do, 0 if not."""
    found = asyncio.run(_plan())
    _show(found, as_json)
    if not found.matches:
        raise typer.Exit(_SOMETHING_TO_DO)


def apply(as_json: AsJson = False) -> None:
    """Make the topics that are missing and alter settings that differ. May be run again at any time.

    Deletes nothing, and does nothing at all while a partition or replica count differs: that cannot be changed here.
    """
    done = asyncio.run(_apply())
    _show(done, as_json)


def check(as_json: AsJson = False) -> None:
    """Fail, with exit code 1, unless the cluster has every topic as the table wants it. Warns about drift."""
    found = asyncio.run(_plan())
    if as_json:
        typer.echo(json.dumps(_as_dict(found), indent=1))
    for line in _notes(found):
        typer.echo(f"warning: {line}", err=True)
    if not found.matches:
        raise CliError("the cluster differs from the table:\n" + "\n".join(_differences(found)))
    if not as_json:
        typer.echo(f"{len(found.topics)} topics are as they should be")


async def _plan() -> "Plan":
    from services.common.log.kafka.admin import TopicAdmin
    from services.common.log.kafka.connection import connection_options

    url, settings = cluster()
    async with TopicAdmin(connection_options(url, settings)) as admin:
        return await _planned(admin)


async def _planned(admin: "TopicAdmin") -> "Plan":
    from services.common.log.kafka import topic_plan

    return topic_plan.plan(desired_topics(), await admin.topics())


async def _apply() -> "Plan":
    """What was done, once the brokers show it."""
    from services.common.log.kafka.admin import TopicAdmin
    from services.common.log.kafka.connection import connection_options

    url, settings = cluster()
    async with TopicAdmin(connection_options(url, settings)) as admin:
        planned = await _planned(admin)
        if any(topic.refused for topic in planned.topics):
            raise CliError(
                "nothing was changed, since partition and replica counts never change in place: keys would move away"
                " from their order and their state (`mention-triage topics generation --help` says how to grow)\n"
                + "\n".join(f"{topic.desired.name}: {why}" for topic in planned.topics for why in topic.refused)
            )
        if missing := [topic.desired for topic in planned.topics if topic.create]:
            await admin.create(missing)
        for topic in planned.topics:
            if topic.changes:
                await admin.alter(topic.desired.name, topic.changes)
        deadline = time.monotonic() + _SETTLED_SECONDS
        while not (found := await _planned(admin)).matches:  # each broker hears of a change a little later
            if time.monotonic() > deadline:
                raise CliError("the brokers do not show every change yet:\n" + "\n".join(_differences(found)))
            await asyncio.sleep(_POLL_SECONDS)
        return planned


def _show(found: "Plan", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_as_dict(found), indent=1))
        return
    for line in [*_differences(found), *_notes(found)]:
        typer.echo(line)
    create = sum(topic.create for topic in found.topics)
    alter = sum(bool(topic.changes) for topic in found.topics)
    refused = sum(bool(topic.refused) for topic in found.topics)
    typer.echo(f"{len(found.topics)} topics: {create} to create, {alter} to alter, {refused} that cannot be changed")


def _differences(found: "Plan") -> list[str]:
    lines = []
    for topic in found.topics:
        name, desired = topic.desired.name, topic.desired
        if topic.create:
            lines.append(f"{name}: create with {desired.partitions} partitions, {desired.replication} replicas each")
        lines += [f"{name}: {change.name} {change.old or '–'} → {change.new}" for change in topic.changes]
        lines += [f"{name}: {why}" for why in topic.refused]
    return lines


def _notes(found: "Plan") -> list[str]:
    drift = [
        f"{topic.desired.name}: {setting} was set by somebody else and stays (drift)"
        for topic in found.topics
        for setting in topic.drift
    ]
    return drift + [f"{name}: {what} (extra)" for name, what in found.extra]


def _as_dict(found: "Plan") -> dict[str, Any]:
    return {
        "matches": found.matches,
        "topics": [
            {
                "topic": topic.desired.name,
                "partitions": topic.desired.partitions,
                "replication": topic.desired.replication,
                "create": topic.create,
                "changes": [{"name": c.name, "old": c.old, "new": c.new} for c in topic.changes],
                "refused": topic.refused,
                "drift": topic.drift,
            }
            for topic in found.topics
        ],
        "extra": [{"topic": name, "what": what} for name, what in found.extra],
    }
