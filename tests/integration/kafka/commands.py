"""Runs `mention-triage` in a process of its own: a generation is fixed for the life of one."""

import os
import random
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commands:
    """The command line for one cluster and one generation of topics."""

    bootstrap: str
    generation: int
    partitions: int = 3

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._command(arguments),
            env=self._environment(environment),
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(self._command(arguments), env=self._environment({}), text=True, stdout=subprocess.PIPE)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "services.cli", *arguments]

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "LOG_"))}
        return {
            **kept,
            "LOG_URL": f"kafka://{self.bootstrap}",
            "LOG_GENERATION": str(self.generation),
            "LOG_PARTITIONS": str(self.partitions),
            "KAFKA_REPLICATION_FACTOR": "1",
            **more,
        }


def own_generation() -> int:
    """A generation that no other test on the broker uses, and so topics of one's own."""
    return random.randrange(10, 9_000)
