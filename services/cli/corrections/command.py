"""The command `corrections export`."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import asyncio
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="What agents say that mentions really were.")


@app.callback()
def _group() -> None:
    """A group although it has one command: `corrections export` says what it does."""


@app.command()
def export(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="JSON Lines in the training format; `-` for standard output.")
    ],
    tenant: Annotated[
        list[str] | None,
        typer.Option("--tenant", metavar="TENANT", help="Only this tenant. Repeat it for any of several."),
    ] = None,
) -> None:
    """Write each mention that agents judged once, in the training format, and show how often the model was right.

    Of several judgements of a field the latest counts; a field that nobody judged is null. Personal data that is found
    in texts is replaced by its kind. Reads the log beside a running stack.
    """
    from services.cli.corrections.exporting import export_corrections

    asyncio.run(export_corrections(file, tenant or ()))
