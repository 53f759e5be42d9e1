"""The command `demo`."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.connection import checked_url, ingest_and_key, read_ready, ready_file
from services.cli.errors import CliError

if TYPE_CHECKING:
    from services.cli.demo.feed import Delivery
    from services.common.ready import Ready
    from services.common.settings import CommonSettings


def demo(
    speed: Annotated[
        float, typer.Option(min=0, metavar="N", help="Seconds of the morning per second; 0: all at once.")
    ] = 240,
    feed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Another feed. Default: demo/morning.jsonl of the checkout.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ingest of a running stack to play into, instead of one of its own."),
    ] = None,
    router_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Its router. Default: that of the stack running here.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(envvar="TRIAGE_API_KEY", metavar="KEY", help="API key for --url. Default: likewise.")
    ] = None,
) -> None:
    """Play a written morning, with one viral complaint, and watch what is routed where and why, and the spike seen.

    Starts a stack of its own in a temporary folder, and takes it down again. It first learns what is normal at the pace
    of the demo; at --speed 0 there is none, and no spike is looked for.
    """
    from services.cli.demo.board import Board
    from services.cli.demo.feed import DEFAULT_FEED, load_feed
    from services.cli.demo.playing import play
    from services.cli.demo.summary import print_summary, read_cache_counts
    from services.cli.terminal import stderr, stdout

    deliveries = load_feed(feed or DEFAULT_FEED)
    console = stdout()
    with ExitStack() as stack:
        if url is None:
            from services.cli.demo.own_stack import own_stack

            with stderr().status("starting a stack of its own") if console.is_terminal else ExitStack():
                started = stack.enter_context(own_stack(lambda folder: _settings(folder, deliveries, speed)))
            ready, log = started.ready, started.settings if speed else None
        else:
            ready, log = _running(url, router_url, key)
        before = read_cache_counts(ready.classify) if ready.classify else None
        with Board(console) as board:
            played = asyncio.run(play(deliveries, ready, log, speed, board))
        cache = None if before is None else read_cache_counts(ready.classify) - before
        print_summary(console, played, cache)


def _settings(folder: Path, feed: "Sequence[Delivery]", speed: float) -> Mapping[str, str]:
    """Variables for the demo's own stack."""
    if not speed:
        return {}
    from services.cli.demo.normal import write_baselines

    baselines = folder / "baselines.json"
    write_baselines(baselines, feed, speed, time.time())
    # The feed's times of day may have been yesterday's: it is news all the same.
    return {"SPIKES_BASELINE_FILE": str(baselines), "SPIKES_OLD_AFTER_SECONDS": str(3 * 86_400)}


def _running(url: str, router_url: str | None, key: str | None) -> "tuple[Ready, CommonSettings | None]":
    """The stack to play into, and the settings of its log if it runs here; `classify` is "" where it is not known.

    Raises `CliError` if something is missing.
    """
    from services.common.ready import Ready
    from services.common.settings import CommonSettings, load_settings

    ingest, api_key = ingest_and_key(url, key)
    here = read_ready(ready_file())
    if here is not None and here.ingest == ingest:
        ready = Ready(ingest, here.classify, checked_url(router_url or here.router), api_key)
        return ready, load_settings(CommonSettings)
    if router_url is None:
        raise CliError(f"give --router-url too: where the router of {ingest} listens is not known here")
    return Ready(ingest, "", checked_url(router_url), api_key), None
