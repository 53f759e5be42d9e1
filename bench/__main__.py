"""`python -m bench`: every benchmark but the soak, one after the other, each in a process of its own."""

import subprocess
import sys

BENCHMARKS = ("dedupe", "counting", "classify", "personal_data", "ingest", "pipeline", "kafka")


def main() -> None:
    """Run them; arguments (`--quick`) are passed on."""
    for name in BENCHMARKS:
        subprocess.run([sys.executable, "-m", f"bench.{name}", *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
