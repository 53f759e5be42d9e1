"""The command `send`."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

from pathlib import Path
from typing import Annotated

import typer

from services.cli.connection import KeyOption, UrlOption, ingest_and_key


def send(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSONL: one event per line. `-` reads standard input.")],
    url: UrlOption = None,
    key: KeyOption = None,
    outcomes: Annotated[bool, typer.Option("--outcomes", help="The lines are outcomes, not mentions.")] = False,
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Events per request.")] = 200,
    rate: Annotated[float | None, typer.Option(min=0.01, metavar="N", help="At most N events per second.")] = None,
    concurrency: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            metavar="N",
            help="Requests at once; above 1, a customer's events may overtake each other.",
        ),
    ] = 1,
    retry_for: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long to try a batch again: 429, 5xx, no answer.")
    ] = 300,
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to keep how far it got. Default: FILE.sent.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Send all, whatever was sent before.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write rejected events there, with line number and error."),
    ] = None,
) -> None:
    """Post a JSONL file to ingest, in order; run it again to go on where it stopped.

    Exit code: 0 all were accepted, 1 some were rejected, 3 it gave up.
    """
    from services.cli.send.sending import Options, send_stream

    address, api_key = ingest_and_key(url, key)
    if file == "-" and (state or restart):
        raise typer.BadParameter("standard input cannot be resumed: leave out --state and --restart", param_hint="FILE")
    options = Options(
        url=f"{address}/v1/{'outcomes' if outcomes else 'mentions'}",
        key=api_key,
        batch=batch,
        rate=rate,
        concurrency=concurrency,
        retry_for=retry_for,
        state=state,
        restart=restart,
        rejects=rejects,
    )
    raise typer.Exit(send_stream(file, options))
