import json
from pathlib import Path

from services.common.http.keys import Authenticator, KeyFile
from tests.unit.cli.conftest import Run


def test_the_key_alone_is_on_standard_output(run: Run, data_dir: Path) -> None:
    done = run("keys", "add", "acme")
    assert done.exit_code == 0
    assert "only time" in done.stderr
    assert Authenticator(KeyFile(data_dir / "keys.json")).tenant_of(done.stdout.strip()) == "acme"


def test_list_shows_keys_and_never_a_secret(run: Run, data_dir: Path) -> None:
    key = run("keys", "add", "acme").stdout.strip()
    identifier = key.split("_")[1]
    run("keys", "revoke", identifier)
    (listed,) = json.loads(run("keys", "list", "--json").stdout)
    assert listed["id"] == identifier
    assert listed["tenant"] == "acme"
    assert listed["revoked_at"] is not None
    assert "hash" not in listed
    shown = run("keys", "list").stdout
    assert identifier in shown
    assert key not in shown


def test_list_without_keys_says_how_to_make_one(run: Run) -> None:
    done = run("keys", "list")
    assert done.exit_code == 0
    assert "keys add" in done.stderr


def test_wrong_requests(run: Run) -> None:
    assert "lower-case" in run("keys", "add", "Not A Tenant").stderr
    done = run("keys", "revoke", "nothing")
    assert done.exit_code == 1
    assert "keys list" in done.stderr
