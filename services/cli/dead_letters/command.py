"""The commands `dead-letters list`, `show`, `replay` and `drop`."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import asyncio
import json
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mention_triage.v1.dead_letter_pb2 import DeadLetter
    from services.common.stage.handling import Action, Letter, LetterId, PartitionLetters

app = typer.Typer(no_args_is_help=True, help="Records that a stage gave up on: list, show, replay or drop them.")


class ShownState(StrEnum):
    """Which dead letters `list` shows."""

    OPEN = "open"
    REPLAYED = "replayed"
    DROPPED = "dropped"
    ALL = "all"


_Stage = Annotated[list[str] | None, typer.Option("--stage", help="Only of this stage. Repeat it for any of several.")]
_Reason = Annotated[
    list[str] | None,
    typer.Option("--reason", help="Only undecodable, invalid, failed or too_large. Repeat it likewise."),
]
_Topic = Annotated[list[str] | None, typer.Option("--topic", help="Only from this topic. Repeat it likewise.")]
_Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="Only if received since: 90-minutes, 12h, 3d ago, or a time."),
]
_Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="As `list` shows them.")]
_All = Annotated[bool, typer.Option("--all", help="All open ones that match the filters, instead of ids.")]
_Most = Annotated[int, typer.Option("--max", min=1, metavar="N", help="With --all: at most N, the oldest first.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def list_letters(
    stage: _Stage = None,
    reason: _Reason = None,
    topic: _Topic = None,
    since: _Since = None,
    state: Annotated[ShownState, typer.Option("--state", help="Which ones.")] = ShownState.OPEN,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most the newest N.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array.")] = False,
) -> None:
    """Show dead letters, without the content of the originals. Reads beside a running stack."""
    from services.cli.dead_letters.choosing import make_choice
    from services.cli.dead_letters.showing import letter_view, letters_table
    from services.cli.terminal import stdout

    wanted = make_choice(stage, reason, topic, since, "" if state is ShownState.ALL else state.value, time.time())
    partitions = asyncio.run(_read())
    matching = wanted.select(letter for found in partitions for letter in found.letters.values())
    shown = matching[-limit:]
    if as_json:
        typer.echo(json.dumps([letter_view(letter) for letter in shown], indent=1))
    else:
        stdout().print(letters_table(shown))
    typer.echo(f"{len(shown):,} of {len(matching):,} shown", err=True)
    if unreadable := sum(found.unreadable for found in partitions):
        typer.echo(
            f"{unreadable:,} records of the topic cannot be read: a later version may have written them", err=True
        )


@app.command()
def show(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    content: Annotated[
        bool, typer.Option("--content", help="The original record too, decoded. It holds personal data.")
    ] = False,
) -> None:
    """Show one dead letter as JSON. Reads beside a running stack."""
    from services.cli.dead_letters.choosing import parse_id
    from services.cli.dead_letters.showing import letter_view, original_view, print_view

    letter, original = asyncio.run(_read_one(parse_id(identifier)))
    view = letter_view(letter)
    if content:
        view["original"] = original_view(original)
    print_view(view)


@app.command()
def replay(
    ids: _Ids = None,
    everything: _All = False,
    stage: _Stage = None,
    reason: _Reason = None,
    topic: _Topic = None,
    since: _Since = None,
    most: _Most = 1_000,
    dry_run: _DryRun = False,
    yes: _Yes = False,
) -> None:
    """Give the original records to the stage that gave up on them once more, each exactly once.

    Put right first what made the stage give up. On an embedded log, stop the stack first.
    """
    _act("replayed", ids, everything, (stage, reason, topic), since, most, dry_run, yes)


@app.command()
def drop(
    ids: _Ids = None,
    everything: _All = False,
    stage: _Stage = None,
    reason: _Reason = None,
    topic: _Topic = None,
    since: _Since = None,
    most: _Most = 1_000,
    dry_run: _DryRun = False,
    yes: _Yes = False,
) -> None:
    """Mark dead letters as done with: they can no longer be replayed. What they hold goes with the topic's retention.

    On an embedded log, stop the stack first.
    """
    _act("dropped", ids, everything, (stage, reason, topic), since, most, dry_run, yes)


def _act(
    action: "Action",
    ids: list[str] | None,
    everything: bool,
    filters: tuple[list[str] | None, list[str] | None, list[str] | None],
    since: str | None,
    most: int,
    dry_run: bool,
    yes: bool,
) -> None:
    from services.cli.dead_letters.acting import act
    from services.cli.dead_letters.choosing import make_choice, parse_id

    if bool(ids) == everything:
        raise typer.BadParameter("give ids, or --all with filters: one of the two", param_hint="ID")
    if ids and (since or any(filters)):
        raise typer.BadParameter("filters go with --all, not with ids", param_hint="ID")
    if ids:
        act(action, [parse_id(identifier) for identifier in ids], len(ids), dry_run, yes)
    else:
        act(action, make_choice(*filters, since, "open", time.time()), most, dry_run, yes)


async def _read() -> "list[PartitionLetters]":
    from services.common.log.opening import open_reader
    from services.common.settings import CommonSettings, load_settings
    from services.common.stage.handling import read_letters

    reader = await open_reader(load_settings(CommonSettings))
    try:
        return await read_letters(reader)
    finally:
        await reader.close()


async def _read_one(identifier: "LetterId") -> "tuple[Letter, DeadLetter]":
    """Raises `CliError` if there is no such dead letter."""
    from services.cli.errors import CliError
    from services.common.log.opening import open_reader
    from services.common.settings import CommonSettings, load_settings
    from services.common.stage.handling import read_letters, read_original

    reader = await open_reader(load_settings(CommonSettings))
    try:
        known = {letter.id: letter for found in await read_letters(reader) for letter in found.letters.values()}
        original = await read_original(reader, identifier) if identifier in known else None
    finally:
        await reader.close()
    if original is None:
        raise CliError(
            f"{identifier} is no dead letter in this log: see `mention-triage dead-letters list --state all`"
        )
    return known[identifier], original
