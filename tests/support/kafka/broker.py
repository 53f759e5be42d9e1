"""One node of a cluster: a broker and controller in a process of its own."""

import json
import shutil
import signal
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.support.kafka.runtime import KafkaRuntime

STOP_SECONDS: Final = 30
# The kernel ends a broker when the *thread* that started it ends, so all are started by one that lives as long as
# this process does.
_SPAWNER: Final = ThreadPoolExecutor(1, thread_name_prefix="kafka-spawner")


class Broker:
    """Starts and stops one node. Its folder and ports stay the same over restarts."""

    def __init__(
        self,
        runtime: KafkaRuntime,
        folder: Path,
        config: Mapping[str, str],
        *,
        heap: str = "256m",
        jvm_options: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.config = config
        self.log_dir = Path(config["log.dirs"])
        self._runtime = runtime
        self._heap = heap
        self._jvm_options = jvm_options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process is not None, "start the broker first"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process lives (a paused one does)."""
        return self._process is not None and self._process.poll() is None

    def format(self, cluster_id: str) -> "subprocess.Popen[bytes] | None":
        """Begin to write what a node must find in its log directory at the first start; None: it is there."""
        if (self.log_dir / "meta.properties").exists():
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_config()
        command = self._runtime.command(
            "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config", str(self._config_file)
        )
        return self._spawn(command)

    def start(self) -> None:
        """Start its process; it serves clients later."""
        assert not self.running, "the broker runs already"
        self._write_config()
        self._process = self._spawn(
            self._runtime.command("kafka.Kafka", str(self._config_file), heap=self._heap, options=self._jvm_options)
        )

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM: it hands its partitions over and ends."""
        if self._process is not None and self.running:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    def pause(self) -> None:
        """SIGSTOP: it stays connected and answers nothing."""
        assert self._process is not None, "start the broker first"
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None, "start the broker first"
        self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        """What it printed."""
        file = self.folder / "broker.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def quorum(self) -> tuple[int, int]:
        """(epoch, node that leads the controllers' quorum in it, -1: none), as this node last knew."""
        try:
            state = json.loads((self.log_dir / "__cluster_metadata-0" / "quorum-state").read_text())
        except FileNotFoundError:
            return -1, -1
        return int(state["leaderEpoch"]), int(state["leaderId"])

    @property
    def _config_file(self) -> Path:
        return self.folder / "server.properties"

    def _write_config(self) -> None:
        self._config_file.write_text("".join(f"{name}={value}\n" for name, value in self.config.items()))

    def _spawn(self, command: list[str]) -> "subprocess.Popen[bytes]":
        # A pytest that was killed must leave no broker behind; what Ctrl-C does is decided by this process alone.
        setpriv = shutil.which("setpriv")
        with (self.folder / "broker.log").open("ab") as log:
            return _SPAWNER.submit(
                subprocess.Popen[bytes],
                [setpriv, "--pdeathsig", "KILL", *command] if setpriv else command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            ).result()
