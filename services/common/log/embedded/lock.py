"""One writer per embedded log, enforced by the operating system: the lock goes with the process, even by kill -9."""

import fcntl
import os
from pathlib import Path

from services.common.log.port import LogLocked


class FileLock:
    """An exclusive lock beside the log file, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises `LogLocked` if another process holds it."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._fd, 32).decode(errors="replace").strip()
            os.close(self._fd)
            raise LogLocked(
                f"{path} is held by process {holder or 'unknown'}: an embedded log has one writer. `mention-triage up`"
                " runs all services on one. Stop that process, or give this one a log of its own (TRIAGE_DATA_DIR)."
                " (`mention-triage tail` and `topics` read beside a running stack.)"
            ) from error
        os.ftruncate(self._fd, 0)
        os.write(self._fd, str(os.getpid()).encode())

    def release(self) -> None:
        """Give the lock up."""
        os.close(self._fd)
