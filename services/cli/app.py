"""All commands."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

from typing import Annotated

import typer

from services.cli import keys
from services.cli.acls import acls
from services.cli.classify import classify
from services.cli.corrections import command as corrections
from services.cli.dead_letters import command as dead_letters
from services.cli.demo.command import demo
from services.cli.errors import Commands
from services.cli.running import ingest, router, up
from services.cli.send.command import send
from services.cli.spikes import command as spikes
from services.cli.tail.command import tail
from services.cli.topics import command as topics

_RUN, _USE, _LOOK = "Run", "Use", "Look"


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("mention-triage"))
        raise typer.Exit


app = typer.Typer(
    name="mention-triage",
    cls=Commands,
    rich_markup_mode="markdown",
    no_args_is_help=True,
    # A traceback with local variables could show a key or a message.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Takes every mention of a brand, says what it is, and decides who answers it and by when.

    Settings come from the environment: TRIAGE_DATA_DIR (default `var`), LOG_URL, API_KEYS_FILE, POLICY_FILE,
    CLASSIFY_MODEL and others; the documentation lists them.
    """


app.command("up", rich_help_panel=_RUN)(up)
app.command("ingest", rich_help_panel=_RUN)(ingest)
app.command("classify", rich_help_panel=_RUN)(classify)
app.command("router", rich_help_panel=_RUN)(router)
app.command("demo", rich_help_panel=_USE)(demo)
app.command("send", rich_help_panel=_USE)(send)
app.add_typer(keys.app, name="keys", rich_help_panel=_USE)
app.command("tail", rich_help_panel=_LOOK)(tail)
app.add_typer(topics.app, name="topics", rich_help_panel=_LOOK)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=_LOOK)
app.add_typer(corrections.app, name="corrections", rich_help_panel=_LOOK)
app.add_typer(spikes.app, name="spikes", rich_help_panel=_LOOK)
app.command("acls", rich_help_panel=_LOOK)(acls)


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="mention-triage")
