"""Replays or drops: look, ask, act."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import typer

from services.cli.dead_letters.choosing import Choice
from services.cli.dead_letters.showing import letters_table
from services.cli.errors import CliError, print_error
from services.cli.terminal import stdout
from services.common.errors import TriageError
from services.common.log.opening import open_log, open_reader
from services.common.log.port import LogLocked, Reader
from services.common.settings import CommonSettings, load_settings
from services.common.stage.handling import Action, Handling, Letter, LetterId, read_letters, refusal
from services.common.telemetry.logging import configure_logging

_VERBS: Final[dict[Action, str]] = {"replayed": "Replay", "dropped": "Drop"}
_REFUSALS_SHOWN: Final = 10


def act(action: Action, wanted: Sequence[LetterId] | Choice, most: int, dry_run: bool, yes: bool) -> None:
    """Do it about these dead letters, or about the oldest `most` that match. Raises `CliError` where nothing was done.

    Ends with status 1 where some that were asked for could not be handled.
    """
    configure_logging("warning")  # what opening the log says does not belong among the results
    letters, matching = asyncio.run(_plan(action, wanted, most))
    if not letters:
        typer.echo(f"no open dead letter is to be {action}", err=True)
        return
    if dry_run:
        stdout().print(letters_table(letters))
        typer.echo(f"{len(letters):,} of {matching:,} would be {action}; nothing was done", err=True)
        return
    asyncio.run(_check_writable(action))
    if not yes:
        _ask(action, letters, matching)
    handling = asyncio.run(_run(action, letters))
    if handling.refused:
        _print_refused(handling.refused)
        raise typer.Exit(1)


async def _plan(action: Action, wanted: Sequence[LetterId] | Choice, most: int) -> tuple[list[Letter], int]:
    """The dead letters to handle, and how many there are that could be."""
    reader = await open_reader(load_settings(CommonSettings))
    try:
        known = {letter.id: letter for found in await read_letters(reader) for letter in found.letters.values()}
        if not isinstance(wanted, Choice):
            named = [_named(identifier, known, action, reader) for identifier in dict.fromkeys(wanted)]
            return named, len(named)
        chosen: list[Letter] = []
        refused: dict[LetterId, str] = {}
        for letter in wanted.select(known.values()):
            if reason := _refusal(letter, action, reader):
                refused[letter.id] = reason
            else:
                chosen.append(letter)
        _print_refused(refused)
        return chosen[:most], len(chosen)
    finally:
        await reader.close()


def _named(identifier: LetterId, known: dict[LetterId, Letter], action: Action, reader: Reader) -> Letter:
    letter = known.get(identifier)
    if letter is None:
        raise CliError(
            f"{identifier} is no dead letter in this log: see `mention-triage dead-letters list --state all`"
        )
    if reason := _refusal(letter, action, reader):
        raise CliError(f"{identifier} {reason}. Nothing was done")
    return letter


def _refusal(letter: Letter, action: Action, reader: Reader) -> str | None:
    return refusal(letter, action, reader, int(time.time() * 1000))


def _ask(action: Action, letters: Sequence[Letter], matching: int) -> None:
    kinds = Counter((letter.stage, letter.reason, letter.source_topic) for letter in letters)
    for (stage, reason, topic), count in sorted(kinds.items()):
        typer.echo(f"{count:6,}  {stage}: {reason}, of {topic}", err=True)
    if matching > len(letters):
        typer.echo(f"({matching - len(letters):,} more are left for the next time: --max)", err=True)
    try:
        agreed = typer.confirm(f"{_VERBS[action]} {len(letters):,}?", err=True)
    except typer.Abort:  # no terminal, or Ctrl-C
        agreed = False
    if not agreed:
        raise CliError("not confirmed, nothing was done: answer y, or give --yes")


async def _check_writable(action: Action) -> None:
    """Find out before anybody is asked. Raises `CliError` beside a stack that runs on an embedded log."""
    try:
        log = await open_log(load_settings(CommonSettings))
    except LogLocked:
        raise CliError(
            f"{_VERBS[action].lower()} writes to the log, and a running stack holds this one: an embedded log has one"
            " writer. Stop the stack, run this again, and start it. (list, show and --dry-run work beside it.)"
        ) from None
    await log.close()


async def _run(action: Action, letters: Sequence[Letter]) -> Handling:
    log = await open_log(load_settings(CommonSettings))
    handling = Handling(log, action, int(time.time() * 1000))
    try:
        await handling.run([letter.id for letter in letters])
    except TriageError as error:
        raise CliError(f"{len(handling.done):,} of {len(letters):,} {action}, then: {error}") from error
    finally:
        await log.close()
    typer.echo(f"{len(handling.done):,} of {len(letters):,} {action}", err=True)
    return handling


def _print_refused(refused: dict[LetterId, str]) -> None:
    for identifier, reason in list(refused.items())[:_REFUSALS_SHOWN]:
        print_error(f"{identifier} {reason}")
    if len(refused) > _REFUSALS_SHOWN:
        print_error(f"and {len(refused) - _REFUSALS_SHOWN:,} more like these")
