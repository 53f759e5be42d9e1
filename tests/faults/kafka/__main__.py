"""Faults in random order for as long as wanted: `python -m tests.faults.kafka --minutes 30 --seed 1`.

Prints the table, and ends with 1 if anything was lost, repeated, out of order, or needed a hand.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.kafka.arena import open_arena
from tests.faults.kafka.disk import MountRefused
from tests.faults.kafka.faults import FAULTS, FULL_DISK, MORE_FAULTS, VIRAL_POST, Fault
from tests.faults.kafka.load import STEADY, VIRAL
from tests.faults.kafka.rounds import Outcome, play
from tests.faults.kafka.table import table

MENTIONS = 3_000


def soak(folder: Path, minutes: float, seed: int, outcomes: list[Outcome]) -> None:
    """Every fault in turn, each time in another order, until the time is up or the first that was not survived."""
    chance, end = random.Random(seed), time.monotonic() + minutes * 60
    order: list[Fault] = []
    with open_arena(folder) as arena:
        faults = [*FAULTS, *MORE_FAULTS, VIRAL_POST]
        if isinstance(arena.disk, MountRefused):
            print(f"without {FULL_DISK.name}: {arena.disk}")
            faults.remove(FULL_DISK)
        while time.monotonic() < end:
            order = order or chance.sample(faults, len(faults))
            fault = order.pop()
            outcome = asyncio.run(play(arena, fault, MENTIONS, chance, VIRAL if fault is VIRAL_POST else STEADY))
            outcomes.append(outcome)
            print(f"{time.strftime('%H:%M:%S')} {fault.name}: {'ok' if outcome.good else outcome}", flush=True)
            if not outcome.good:
                print(f"what the processes printed lies in {folder}")
                break


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    outcomes: list[Outcome] = []
    try:
        soak(Path(tempfile.mkdtemp(prefix="faults-")), arguments.minutes, arguments.seed, outcomes)
    finally:
        print(table(outcomes))
    sys.exit(0 if all(outcome.good for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
