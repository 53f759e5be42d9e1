"""`keys`: the API keys. Running services take a change up within a second."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.common.http.keys import KeyFile

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys (API_KEYS_FILE, default var/keys.json).")


@app.command()
def add(
    tenant: Annotated[str, typer.Argument(help="Whose mentions the key sends and reads.")],
) -> None:
    """Make a key for a tenant and print it, once."""
    file = _file()
    typer.echo(file.add(tenant))  # alone on standard output: KEY=$(mention-triage keys add acme)
    typer.echo(
        f"This is the only time the key of {tenant} is shown: {file.path} holds a hash of it. Keep it safe.", err=True
    )


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="A JSON array.")] = False) -> None:
    """Show all keys, the revoked ones too (never the secret)."""
    from services.cli.terminal import stdout, table

    file = _file()
    stored = file.read()
    if as_json:
        typer.echo(json.dumps([key.model_dump(mode="json", exclude={"hash"}) for key in stored], indent=1))
        return
    if not stored:
        typer.echo(f"no keys in {file.path}; `mention-triage keys add TENANT` makes one", err=True)
        return
    shown = table("id", "tenant", "created", "revoked")
    for key in stored:
        revoked = key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else "–"
        shown.add_row(key.id, key.tenant, key.created_at.isoformat(timespec="seconds"), revoked)
    stdout().print(shown)


@app.command()
def revoke(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")],
) -> None:
    """Make a key useless, for good."""
    _file().revoke(identifier)
    typer.echo(f"key {identifier} is revoked; running services refuse it within a second")


def _file() -> "KeyFile":
    from services.common.http.keys import KeyFile
    from services.common.settings import CommonSettings, load_settings

    return KeyFile(load_settings(CommonSettings).path_of_keys)
