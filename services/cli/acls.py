"""`acls`: the rights that a service or a command needs on a Kafka cluster with an authorizer."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import json
import shlex
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.common.log.kafka.acls import Acl


class Role(StrEnum):
    """Who needs rights."""

    INGEST = "ingest"
    CLASSIFY = "classify"
    ROUTER = "router"
    LOOK = "look"
    TOPICS = "topics"
    GENERATION = "generation"
    DEAD_LETTERS = "dead-letters"


def acls(
    role: Annotated[Role, typer.Argument(help="A service, or the commands that a person runs.")],
    principal: Annotated[
        str, typer.Option(metavar="PRINCIPAL", help="Who gets the rights; User:ROLE if not given.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array instead of commands.")] = False,
) -> None:
    """Print the rights that a role needs on Kafka, and no more, as `kafka-acls.sh` commands; asks no broker.

    `look` is for tail, topics, dead-letters list and show; `topics` for topics plan, apply and check; `generation` for
    topics generation; `dead-letters` for dead-letters replay and drop. Topics are those of LOG_GENERATION.
    """
    from services.common.log.kafka.acls import acls_of

    needed = acls_of(role.value)
    if as_json:
        typer.echo(json.dumps([asdict(acl) for acl in needed], indent=1))
        return
    for line in commands(needed, principal or f"User:{role.value}"):
        typer.echo(line)


def commands(needed: Sequence["Acl"], principal: str) -> list[str]:
    """One command for each resource. The shell has BOOTSTRAP, and ADMIN_CONFIG: how an administrator connects."""
    operations: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for acl in needed:
        operations[acl.resource, acl.name, acl.prefixed].append(acl.operation)
    return [
        'kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN_CONFIG" --add'
        f" --allow-principal {shlex.quote(principal)}"
        + "".join(f" --operation {operation}" for operation in wanted)
        + f" --{resource} {shlex.quote(name)}"
        + (" --resource-pattern-type prefixed" if prefixed else "")
        for (resource, name, prefixed), wanted in operations.items()
    ]
