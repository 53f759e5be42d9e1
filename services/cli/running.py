"""`up`, `ingest` and `router`: the services themselves."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.common.ready import Ready

# The id is made by the shell, so that a second paste is a second mention and not a repeat of the first.
_EXAMPLE = (
    '{"brand": "Telandia", "platform": "x", "id": "curl-\'$(date +%s)\'", "kind": "post",'
    ' "text": "@Telandia llevo tres días sin internet y nadie contesta. Es una vergüenza, devuélvanme mi dinero",'
    ' "author": {"id": "a-1042", "handle": "marisol_qro", "followers": 18400}}'
)


def up() -> None:
    """Run the whole pipeline here: ingest, classify and router on an embedded log.

    Data and keys are kept in TRIAGE_DATA_DIR (default: `var`). Ports: INGEST_PORT, CLASSIFY_PORT, ROUTER_PORT.
    """
    import uvloop

    from services.stack import run_up

    uvloop.run(run_up(_print_ready))


def ingest() -> None:
    """Run ingest alone: takes mentions and outcomes over HTTP (INGEST_PORT).

    An embedded log has one process: use `up` to run all three on one.
    """
    import uvloop

    from services.stack import run_ingest

    uvloop.run(run_ingest())


def router(
    check_policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Only validate this policy, print what it holds, and exit."),
    ] = None,
) -> None:
    """Run the router alone: priority, queue and deadlines; serves GET /v1/routed (ROUTER_PORT)."""
    if check_policy is not None:
        from services.router.policy import load

        for line in load.check_policy(check_policy):
            typer.echo(line)
        return
    import uvloop

    from services.stack import run_router

    uvloop.run(run_router())


def _print_ready(ready: "Ready") -> None:
    from services.common.settings import CommonSettings, load_settings

    key_file = load_settings(CommonSettings).data_dir / "demo.key"
    for line in ready_block(ready, key_file):
        typer.echo(line)


def ready_block(ready: "Ready", key_file: Path) -> list[str]:
    """What `up` prints once it is ready. The curl lines stand alone and whole, to be pasted."""
    header = f"Authorization: Bearer {ready.api_key}"
    post = (
        f"curl -sS {shlex.quote(f'{ready.ingest}/v1/mentions')} -H {shlex.quote(header)}"
        f" -H 'Content-Type: application/json' -d '{_EXAMPLE}'"
    )
    read = f"curl -sS {shlex.quote(f'{ready.router}/v1/routed?limit=100')} -H {shlex.quote(header)}"
    return [
        "mention-triage is ready.",
        "",
        f"  ingest    {ready.ingest}/docs",
        f"  classify  {ready.classify}/docs",
        f"  router    {ready.router}/docs",
        f"  API key   {ready.api_key}  (kept in {key_file})",
        "",
        "Post a mention (paste into another shell):",
        post,
        "",
        "Read what was routed, oldest first:",
        read,
        "",
        f"Watch it: {_program()} tail routed     Play a morning: {_program()} demo     Stop: Ctrl-C",
    ]


def _program() -> str:
    """How this program is called from a shell here."""
    name = "mention-triage"
    here = Path(sys.argv[0])
    return name if shutil.which(name) or here.name != name else os.path.relpath(here)
