"""`topics` and its subcommands."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import asyncio
import json
from typing import Annotated

import typer

from services.cli.topics import generation
from services.cli.topics.planning import apply, check, plan

app = typer.Typer(invoke_without_command=True)


@app.callback()
def topics(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array, with offsets.")] = False,
) -> None:
    """Show the log's topics: how many records from when to when, kept how long, and the groups that read them.

    Reads beside a running stack. The subcommands are for Kafka; the embedded log makes its topics itself.
    """
    if context.invoked_subcommand is not None:
        return
    from services.cli.topics.describing import describe, print_described

    found = asyncio.run(describe())
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        print_described(found)


app.command("plan")(plan)
app.command("apply")(apply)
app.command("check")(check)
app.add_typer(generation.app, name="generation")
