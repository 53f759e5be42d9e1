"""Which stack a command talks to: what was asked for, else what `up` left in the data folder."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli.errors import CliError

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


@dataclass(frozen=True, slots=True)
class Ready:
    """What `up` says about itself once it is ready: three addresses and the demo key."""

    ingest: str
    classify: str
    router: str
    api_key: str


def ready_file() -> Path:
    """Where `up` writes it, by the settings of this shell."""
    from services.common.settings import CommonSettings, load_settings

    return load_settings(CommonSettings).data_dir / "ready.json"


def read_ready(path: Path) -> Ready | None:
    """What the stack running here says; None if there is none. Raises `CliError` for a file that is something else."""
    try:
        content = json.loads(path.read_bytes())
        return Ready(**{name: str(content[name]).rstrip("/") for name in Ready.__slots__})
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise CliError(f"{path} is not what `up` writes: start it again, or give --url and --key") from None


def ingest_and_key(url: str | None, key: str | None) -> tuple[str, str]:
    """Address of ingest and the key for it. Raises `CliError` if no key is known for that address."""
    ready = None if url and key else read_ready(ready_file())
    address = checked_url(url or (ready.ingest if ready else DEFAULT_INGEST_URL))
    # The demo key goes to that stack only, never to another address.
    if key is None and ready is not None and address == ready.ingest:
        key = ready.api_key
    if not key:
        raise CliError(
            f"no API key for {address}: give --key or TRIAGE_API_KEY (`mention-triage keys add TENANT` makes one)"
            + ("" if ready else ", or start a stack here (`mention-triage up`)")
        )
    return address, key


def checked_url(url: str) -> str:
    """The address without a trailing slash. Raises `CliError` if it is no HTTP address."""
    if not url.startswith(("http://", "https://")):
        raise CliError(f"{url} is no address: write http://host:port")
    return url.rstrip("/")
