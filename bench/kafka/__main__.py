"""`python -m bench.kafka`: every benchmark on Kafka, one after the other, each in a process of its own."""

import subprocess
import sys
from typing import Final

BENCHMARKS: Final = ("stage", "scaling", "latency", "catching_up")


def main() -> None:
    """Run them; arguments (`--quick`) are passed on."""
    for name in BENCHMARKS:
        subprocess.run([sys.executable, "-m", f"bench.kafka.{name}", *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
