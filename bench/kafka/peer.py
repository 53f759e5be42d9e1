"""What every implementation of the hop is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.kafka.meter import Meter
from bench.kafka.work import Work
from services.common.log.port import NewRecord, Record
from services.common.stage.stage import Stage

# Committed together at most: what Kafka's own consumers take by default (max.poll.records). The stages take 256 of one
# partition at most.
UNIT_RECORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Peer:
    """Brokers, the consumer group of this run, the work and the meter."""

    bootstrap: str
    group: str
    work: Work
    stage: Stage[None]
    meter: Meter

    async def outputs(self, records: Sequence[Record]) -> Sequence[NewRecord]:
        """What the stage gives for a batch."""
        return (await self.stage.process(None, records)).outputs
