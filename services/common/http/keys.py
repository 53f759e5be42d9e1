"""API keys: random secrets, stored as hashes in a file, each belonging to one tenant."""

import base64
import fcntl
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from services.common.errors import TriageError
from services.common.files import replace_file

log = structlog.get_logger()

TENANT_PATTERN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_KEY_PATTERN: Final = re.compile(r"mt_([a-z2-7]{8})_([A-Za-z0-9_-]{43})")
_CHECK_SECONDS: Final = 1.0  # how long a change of the file may stay unseen


class KeysError(TriageError):
    """The keys file or a request to change it is wrong; the message says what to do."""


class ApiKey(BaseModel):
    """One stored key. The secret itself is nowhere: 256 random bits need no slow hash, SHA-256 is enough."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    tenant: str
    hash: str  # SHA-256 of the whole key, hexadecimal
    created_at: datetime
    revoked_at: datetime | None = None


class _KeysFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[ApiKey] = []


class KeyFile:
    """Reads and changes the keys file. A change is renamed over it, so that readers never see half."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Sequence[ApiKey]:
        """All keys, revoked ones too; none if there is no file. Raises `KeysError` for a file that cannot be read."""
        try:
            return _KeysFile.model_validate_json(self.path.read_bytes()).keys
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            raise KeysError(
                f"{self.path} cannot be read as a keys file ({type(error).__name__});"
                " restore it, or move it away and add keys anew"
            ) from None

    def add(self, tenant: str) -> str:
        """Make a key for this tenant and return it: the only time it is seen. Raises `KeysError` for a bad name."""
        if not TENANT_PATTERN.fullmatch(tenant):
            raise KeysError(
                f"tenant {tenant!r}: use 1 to 63 lower-case letters, digits, - and _, not starting with - or _"
            )
        identifier = base64.b32encode(secrets.token_bytes(5)).decode().lower()
        key = f"mt_{identifier}_{secrets.token_urlsafe(32)}"
        added = ApiKey(id=identifier, tenant=tenant, hash=_hash(key), created_at=_now())
        self._change(lambda keys: [*keys, added])
        return key

    def revoke(self, identifier: str) -> None:
        """Make a key useless from now on. Raises `KeysError` if there is none, or it is revoked already."""
        found = [key for key in self.read() if key.id == identifier]
        if not found:
            raise KeysError(f"no key with id {identifier!r}; `mention-triage keys list` shows them")
        if found[0].revoked_at is not None:
            raise KeysError(
                f"key {identifier} was revoked at {found[0].revoked_at.isoformat(timespec='seconds')} already"
            )
        self._change(
            lambda keys: [k.model_copy(update={"revoked_at": _now()}) if k.id == identifier else k for k in keys]
        )

    def _change(self, change: Callable[[Sequence[ApiKey]], list[ApiKey]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two commands at once must not lose each other's key
            # Durable: a revocation must not come back after a power loss.
            replace_file(self.path, _KeysFile(keys=change(self.read())).model_dump_json(indent=1))
        finally:
            os.close(lock)


class Authenticator:
    """Tells the tenant of a key, and takes up changes of the file within a second."""

    def __init__(self, file: KeyFile, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file. Raises `KeysError` if it is there and cannot be read."""
        self._file = file
        self._clock = clock
        self._keys: dict[str, ApiKey] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._reload()
        self._checked = clock()

    def tenant_of(self, key: str) -> str | None:
        """The tenant that this key belongs to; None if the key is unknown or revoked."""
        now = self._clock()
        if now - self._checked >= _CHECK_SECONDS:
            self._checked = now
            try:
                self._reload()
            except KeysError as error:
                log.error("keys file not taken up, the old keys stay valid", error=str(error))
        match = _KEY_PATTERN.fullmatch(key)
        stored = self._keys.get(match[1]) if match else None
        # Compared in constant time, and also for an unknown id: the answer's time tells nothing.
        equal = hmac.compare_digest(_hash(key), stored.hash if stored else "0" * 64)
        return stored.tenant if stored and equal and stored.revoked_at is None else None

    def _reload(self) -> None:
        try:
            stat = self._file.path.stat()
        except FileNotFoundError:
            stamp = None
        except OSError as error:
            raise KeysError(f"{self._file.path} cannot be read ({error.strerror})") from None
        else:
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if stamp != self._stamp:
            self._keys = {key.id: key for key in self._file.read()}
            self._stamp = stamp


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
