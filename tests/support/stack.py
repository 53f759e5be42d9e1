"""A real stack in a process of its own: `mention-triage up` in a folder, on free ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from services.common.ready import Ready, read_ready

READY_SECONDS: Final = 60


class Stack:
    """Starts, kills and restarts a stack. Its ports stay the same over restarts."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        ports = dict(zip(("INGEST_PORT", "CLASSIFY_PORT", "ROUTER_PORT"), map(str, free_ports(3)), strict=True))
        self.environment = os.environ | {"TRIAGE_DATA_DIR": str(folder)} | ports | environment
        self._process: subprocess.Popen[bytes] | None = None
        self.ready: Ready

    @property
    def headers(self) -> dict[str, str]:
        """The request header that authenticates."""
        return {"Authorization": f"Bearer {self.ready.api_key}"}

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process."""
        assert self._process is not None, "start the stack first"
        return self._process

    def start(self) -> Ready:
        """Start and wait until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ready_file = self.folder / "ready.json"
        ready_file.unlink(missing_ok=True)
        with (self.folder / "stack.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", "up"], env=self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + READY_SECONDS
        while not ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the stack is not ready:\n{self.log()[-3000:]}")
            time.sleep(0.02)
        self.ready = read_ready(ready_file)
        return self.ready

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM, and wait for the drain. Returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def log(self) -> str:
        """What it printed."""
        return (self.folder / "stack.log").read_text(errors="replace")


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()
