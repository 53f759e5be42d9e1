"""One hop from `classified.v1` to `routed.v1` in a process of its own: `python -m bench.kafka.hop` for the benchmarks.

Prints a line when the measured stretch begins and one with what was measured when it ends.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

import structlog
import uvloop

from bench.kafka.bare import bare_at_least_once, bare_transactional
from bench.kafka.faststream import faststream_batch, faststream_single
from bench.kafka.meter import Meter
from bench.kafka.peer import Peer
from bench.kafka.work import Work, stage_of
from services.common.log.kafka.opening import open_kafka_log
from services.common.log.kafka.settings import KafkaSettings
from services.common.log.port import Record
from services.common.log.topics import TOPICS
from services.common.service import tune_interpreter
from services.common.stage.runner import StageRunner
from services.common.stage.stage import Result
from services.common.telemetry.health import Health
from services.common.telemetry.metrics import Metrics

Kind = Literal[
    "stage, exactly once",
    "stage, at least once",
    "bare transactional",
    "bare at least once",
    "FastStream batch",
    "FastStream single",
]


async def _stage(peer: Peer, delivery: Literal["exactly_once", "at_least_once"]) -> None:
    """The stage through the real runner. Its group is the run's, so that each run starts at the first record."""
    settings = KafkaSettings(delivery=delivery)
    log = await open_kafka_log(f"kafka://{peer.bootstrap}", settings, [spec.name for spec in TOPICS])
    metrics = Metrics("router")
    stage = stage_of(peer.work, metrics)

    async def measured(state: None, records: Sequence[Record]) -> Result:
        result = await stage.process(state, records)

        def committed() -> None:
            result.committed()
            peer.meter.done(len(records))

        return replace(result, committed=committed)

    runner = StageRunner(log, replace(stage, name=peer.group, process=measured), metrics, Health())
    running = asyncio.create_task(runner.run())
    finished = asyncio.create_task(peer.meter.finished.wait())
    await asyncio.wait({running, finished}, return_when=asyncio.FIRST_COMPLETED)
    log.stop_consuming()
    await running
    await log.close()


async def _exactly_once(peer: Peer) -> None:
    await _stage(peer, "exactly_once")


async def _at_least_once(peer: Peer) -> None:
    await _stage(peer, "at_least_once")


HOPS: Final[dict[Kind, Callable[[Peer], Awaitable[None]]]] = {
    "stage, exactly once": _exactly_once,
    "stage, at least once": _at_least_once,
    "bare transactional": bare_transactional,
    "bare at least once": bare_at_least_once,
    "FastStream batch": faststream_batch,
    "FastStream single": faststream_single,
}


@dataclass(frozen=True, slots=True)
class Arguments:
    """Of the process."""

    kind: Kind
    work: Work
    bootstrap: str
    group: str
    count: int

    def command(self) -> list[str]:
        """The command line that runs it."""
        module = [sys.executable, "-m", "bench.kafka.hop"]
        return [*module, self.kind, self.work, self.bootstrap, self.group, str(self.count)]


async def main(arguments: Arguments) -> None:
    """Run a hop until `count` records are done."""
    tune_interpreter()
    stage = stage_of(arguments.work, Metrics("router"))
    peer = Peer(arguments.bootstrap, arguments.group, arguments.work, stage, Meter(arguments.count))
    await HOPS[arguments.kind](peer)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output is the parent's
    kind, work, bootstrap, group, count = sys.argv[1:]
    uvloop.run(main(Arguments(cast(Kind, kind), cast(Work, work), bootstrap, group, int(count))))
