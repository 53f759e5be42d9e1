"""A disk that can be full."""

import atexit
import shutil
import subprocess
from pathlib import Path
from typing import Final

GIGABYTES: Final = 8  # taken only as far as it is written to: it lies in memory
_SLACK_BYTES: Final = 256 << 10
_ATTEMPTS: Final = 50


class MountRefused(Exception):
    """This machine does not let us mount; the message says what to do."""


class SmallDisk:
    """A tmpfs. Always unmounted, at the latest at exit."""

    def __init__(self, folder: Path) -> None:
        """Mounts it. Raises `MountRefused`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        command = ["mount", "-t", "tmpfs", "-o", f"size={GIGABYTES}g", "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise MountRefused(f"a full disk needs Linux with `mount`: {error}") from None
        if done.returncode:
            raise MountRefused(f"a full disk needs the right to mount a tmpfs (run as root): {done.stderr.strip()}")
        atexit.register(self.close)

    def fill(self) -> None:
        """Leave next to nothing free."""
        # What lies there grows between the question and the answer, and a size below what is used is refused.
        for _ in range(_ATTEMPTS):
            done = self._resize(str(shutil.disk_usage(self.folder).used + _SLACK_BYTES))
            if not done.returncode:
                return
        raise AssertionError(f"the disk cannot be made smaller: {done.stderr.strip()}")

    def free(self) -> None:
        """Give the space back."""
        self._resize(f"{GIGABYTES}g").check_returncode()

    def close(self) -> None:
        """Unmount it, whoever still uses it."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False)
        atexit.unregister(self.close)

    def _resize(self, size: str) -> "subprocess.CompletedProcess[str]":
        command = ["mount", "-o", f"remount,size={size}", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False)
