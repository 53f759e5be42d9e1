"""A stack for the demo alone: a process of its own, in a temporary data folder, on free ports."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from services.cli.connection import read_ready
from services.cli.errors import CliError
from services.common.ready import Ready
from services.common.settings import CommonSettings

_START_SECONDS: Final = 180.0
_STOP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1
_PORTS: Final = ("INGEST_PORT", "CLASSIFY_PORT", "ROUTER_PORT")
# These would lead it to another stack's data.
_NOT_INHERITED: Final = ("LOG_URL", "API_KEYS_FILE", "TRIAGE_HOST", "SPIKES_BASELINE_FILE", "SPIKES_CALENDAR_FILE")
_ROOT: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class OwnStack:
    """A running stack: its addresses and key, and where its log is."""

    ready: Ready
    settings: CommonSettings


@contextmanager
def own_stack(more_settings: Callable[[Path], Mapping[str, str]]) -> Iterator[OwnStack]:
    """Start it, and stop it. `more_settings`: variables for it, by its data folder, where files may be put before.

    Raises `CliError` with its last words if it does not start.
    """
    with TemporaryDirectory(prefix="mention-triage-demo-") as folder:
        data_dir, log_file = Path(folder), Path(folder) / "stack.log"
        environment = {**_environment(data_dir), **more_settings(data_dir)}
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", "up"], env=environment, stdout=log, stderr=log
            )
        try:
            ready = _wait_ready(process, data_dir / "ready.json", log_file)
            yield OwnStack(ready, CommonSettings(data_dir=data_dir, log_url=""))
        finally:
            _stop(process)


def _environment(data_dir: Path) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    environment["TRIAGE_DATA_DIR"] = str(data_dir)
    # The package that runs here, and not what may lie in the working directory.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    environment["PYTHONSAFEPATH"] = "1"
    return environment | dict(zip(_PORTS, map(str, _free_ports(len(_PORTS))), strict=True))


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses now; held all at once, so that they differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for held in sockets:
            held.bind(("127.0.0.1", 0))
        return [int(held.getsockname()[1]) for held in sockets]


def _wait_ready(process: "subprocess.Popen[bytes]", ready_file: Path, log_file: Path) -> Ready:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        ready = read_ready(ready_file)
        if ready is not None:
            return ready
        if process.poll() is not None:
            words = log_file.read_text(errors="replace").strip().splitlines()[-5:]
            raise CliError("\n".join(["the demo's stack did not start:", *words]))
        time.sleep(_POLL_SECONDS)
    raise CliError(f"the demo's stack is not ready after {_START_SECONDS:.0f} s")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
