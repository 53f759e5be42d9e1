"""Checks that what is generated and committed is in sync with its source: `python -m tests.check_generated`."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def stale_contracts() -> list[str]:
    """Generated modules under `mention_triage/v1` that differ from what `proto/` gives, and a stale baseline."""
    protos = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "proto/mention_triage/v1").glob("*.proto"))
    stale = []
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", "-Iproto", f"--python_out={out}", f"--pyi_out={out}", *protos],
            cwd=ROOT,
            check=True,
        )
        made = {p.name: p.read_bytes() for p in Path(out, "mention_triage/v1").iterdir()}
        committed = {p.name: p.read_bytes() for p in (ROOT / "mention_triage/v1").glob("*_pb2.py*")}
        stale += [f"mention_triage/v1/{n}" for n in made.keys() | committed if made.get(n) != committed.get(n)]
        baseline = Path(out, "baseline.binpb")
        subprocess.run([Path(sys.executable).with_name("buf"), "build", "-o", baseline], cwd=ROOT / "proto", check=True)
        if baseline.read_bytes() != (ROOT / "proto/baseline.binpb").read_bytes():
            stale.append("proto/baseline.binpb")
    return stale


def main() -> None:
    """Print what is stale and exit with 1, or say nothing."""
    stale = stale_contracts()
    if stale:
        sys.exit(f"out of sync with proto/, run `make proto`: {', '.join(sorted(stale))}")


if __name__ == "__main__":
    main()
