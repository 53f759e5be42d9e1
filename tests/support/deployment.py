"""The services as they run beyond one machine: each in a process of its own, as many as wanted, on a Kafka."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final, Literal

from services.common.http.keys import KeyFile
from tests.support.stack import free_ports

ServiceName = Literal["ingest", "classify", "router"]

READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 60.0


class ServiceProcess:
    """One process of one service. Its port stays the same over restarts.

    `environment`: of the next start.
    """

    def __init__(self, service: ServiceName, folder: Path, environment: dict[str, str]) -> None:
        (port,) = free_ports(1)
        self.service = service
        self.url = f"http://127.0.0.1:{port}"
        self.log_file = folder / f"{service}-{port}.log"
        self.environment = environment | {f"{service.upper()}_PORT": str(port)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The running process."""
        assert self._process is not None, "start it first"
        return self._process

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start, without waiting until it is ready."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", self.service], env=self.environment, stdout=log, stderr=log
            )

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait for `/readyz`. Raises `AssertionError` with what it printed if it ends or is not ready in time."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if not self.running or time.monotonic() > deadline:
                raise AssertionError(f"{self.service} is not ready:\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether `/readyz` says so now."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def metrics(self) -> str:
        """What `/metrics` says."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        """kill -9."""
        if self.running:
            self.process.kill()
        if self._process is not None:
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """SIGTERM, and wait for the drain. Returns the exit status."""
        self.process.terminate()
        return self.process.wait(seconds)

    def log(self) -> str:
        """What it printed."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


class Deployment:
    """Processes of the three services on one Kafka, in a folder; ended at the end of the `with` block."""

    def __init__(self, folder: Path, bootstrap: str, **environment: str) -> None:
        """`environment`: of every process, such as `KAFKA_DELIVERY`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.environment = (
            os.environ | {"LOG_URL": f"kafka://{bootstrap}", "TRIAGE_DATA_DIR": str(folder)} | environment
        )
        self.processes: list[ServiceProcess] = []
        self.api_key = KeyFile(folder / "keys.json").add("demo")

    @property
    def headers(self) -> dict[str, str]:
        """The request header that authenticates."""
        return {"Authorization": f"Bearer {self.api_key}"}

    def add(self, service: ServiceName, count: int = 1, **environment: str) -> list[ServiceProcess]:
        """Start processes of a service; `wait_ready` waits for them. `environment`: of these alone."""
        added = [ServiceProcess(service, self.folder, self.environment | environment) for _ in range(count)]
        for process in added:
            process.start()
        self.processes += added
        return added

    def of(self, service: ServiceName) -> list[ServiceProcess]:
        """The processes of a service that run."""
        return [process for process in self.processes if process.service == service and process.running]

    def wait_ready(self) -> None:
        """Wait until every running process is ready."""
        for process in self.processes:
            if process.running:
                process.wait_ready()

    def __enter__(self) -> "Deployment":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
