"""API keys: stored as hashes, changed by rename, taken up while running."""

import stat
from pathlib import Path

import pytest

from services.common.http.keys import Authenticator, KeyFile, KeysError


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def test_a_key_belongs_to_its_tenant_and_only_its_hash_is_stored(file: KeyFile) -> None:
    key, other = file.add("acme"), file.add("globex")
    authenticator = Authenticator(file)
    assert (authenticator.tenant_of(key), authenticator.tenant_of(other)) == ("acme", "globex")
    assert key.rsplit("_", 1)[1] not in file.path.read_text()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("wrong", ["", "x", "mt_aaaaaaaa_" + "a" * 43, "mt_" + "é" * 52])
def test_a_wrong_key_has_no_tenant(file: KeyFile, wrong: str) -> None:
    file.add("acme")
    assert Authenticator(file).tenant_of(wrong) is None


def test_the_right_id_with_a_wrong_secret_has_no_tenant(file: KeyFile) -> None:
    key = file.add("acme")
    assert Authenticator(file).tenant_of(key[:-1] + ("a" if key[-1] != "a" else "b")) is None


def test_changes_are_taken_up_within_a_second(file: KeyFile) -> None:
    now = 0.0
    authenticator = Authenticator(file, lambda: now)
    key = file.add("acme")
    assert authenticator.tenant_of(key) is None  # not looked at again yet
    now = 1.0
    assert authenticator.tenant_of(key) == "acme"
    file.revoke(key.split("_")[1])
    now = 2.0
    assert authenticator.tenant_of(key) is None


def test_a_file_broken_while_running_leaves_the_old_keys_valid(file: KeyFile) -> None:
    now = 0.0
    key = file.add("acme")
    authenticator = Authenticator(file, lambda: now)
    file.path.write_text("{")
    now = 5.0
    assert authenticator.tenant_of(key) == "acme"


def test_a_broken_file_stops_the_start(file: KeyFile) -> None:
    file.path.write_text("{")
    with pytest.raises(KeysError, match="restore it"):
        Authenticator(file)


@pytest.mark.parametrize("tenant", ["", "Acme", "-a", "a/b", "a" * 64])
def test_a_bad_tenant_name_is_refused(file: KeyFile, tenant: str) -> None:
    with pytest.raises(KeysError, match="lower-case"):
        file.add(tenant)


def test_revoking_says_what_is_wrong(file: KeyFile) -> None:
    with pytest.raises(KeysError, match="keys list"):
        file.revoke("aaaaaaaa")
    identifier = file.add("acme").split("_")[1]
    file.revoke(identifier)
    with pytest.raises(KeysError, match="already"):
        file.revoke(identifier)
