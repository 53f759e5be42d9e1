"""`classify`: the service, or with FILE the labels of a JSONL file, offline."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

from typing import Annotated

import typer


def classify(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE|-", help="JSONL: mentions, or objects with `text`. Without it: run the service."),
    ] = None,
    as_json: Annotated[
        bool | None,
        typer.Option("--json/--table", help="JSON per line, or a table. Default: a table on a terminal, else JSON."),
    ] = None,
) -> None:
    """Run classify alone (CLASSIFY_PORT), or label a JSONL file offline.

    With FILE nothing is sent anywhere: the model runs here (CLASSIFY_MODEL, CLASSIFY_BACKEND, CLASSIFY_THREADS), and
    each line gets what the API would say about it. Lines that cannot be read are reported and left out; the exit code
    is then 1.
    """
    if file is None:
        import uvloop

        from services.stack import run_classify

        uvloop.run(run_classify())
        return
    from services.cli.labelling import label_file

    raise typer.Exit(label_file(file, as_json))
