"""Which stack a command talks to: what was asked for, else what `up` left in the data folder."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli.errors import CliError
from services.common import ready
from services.common.ready import Ready

DEFAULT_INGEST_URL: Final = "http://127.0.0.1:8080"

UrlOption = Annotated[
    str | None,
    typer.Option(
        envvar="INGEST_URL",
        metavar="URL",
        help=f"Ingest's address. Default: that of the stack running here, else {DEFAULT_INGEST_URL}.",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        envvar="TRIAGE_API_KEY",
        metavar="KEY",
        help="API key; in the environment `ps` does not show it. Default: that of the stack running here.",
    ),
]


def ready_file() -> Path:
    """Where `up` writes it, by the settings of this shell."""
    from services.common.settings import CommonSettings, load_settings

    return load_settings(CommonSettings).data_dir / ready.FILE_NAME


def read_ready(path: Path) -> Ready | None:
    """What the stack running here says; None if there is none. Raises `CliError` for a file that is something else."""
    try:
        return ready.read_ready(path)
    except FileNotFoundError:
        return None
    except ValueError:
        raise CliError(f"{path} is not what `up` writes: start it again, or give --url and --key") from None


def ingest_and_key(url: str | None, key: str | None) -> tuple[str, str]:
    """Address of ingest and the key for it. Raises `CliError` if no key is known for that address."""
    running = None if url and key else read_ready(ready_file())
    address = checked_url(url or (running.ingest if running else DEFAULT_INGEST_URL))
    # The demo key goes to that stack only, never to another address.
    if key is None and running is not None and address == running.ingest:
        key = running.api_key
    if not key:
        raise CliError(
            f"no API key for {address}: give --key or TRIAGE_API_KEY (`mention-triage keys add TENANT` makes one)"
            + ("" if running else ", or start a stack here (`mention-triage up`)")
        )
    return address, key


def checked_url(url: str) -> str:
    """The address without a trailing slash. Raises `CliError` if it is no HTTP address."""
    if not url.startswith(("http://", "https://")):
        raise CliError(f"{url} is no address: write http://host:port")
    return url.rstrip("/")
