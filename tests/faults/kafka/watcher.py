"""Reads mentions, classified and routed ones with a client that is not aiokafka, and only what is committed."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from mention_triage.v1.classification_pb2 import ClassifiedMention
from mention_triage.v1.counts_pb2 import MentionCounts
from mention_triage.v1.mention_pb2 import Mention
from mention_triage.v1.routing_pb2 import RoutedMention
from services.common.log.topics import CLASSIFIED, COUNTS, DEAD_LETTERS, MENTIONS, ROUTED
from services.common.stage.ticks import TICK_KEY
from tests.faults.clients import Sighting

_POLL_SECONDS: Final = 0.05
_MENTION_IN: Final[Mapping[str, Callable[[bytes], Mention]]] = {
    MENTIONS: Mention.FromString,
    CLASSIFIED: lambda value: ClassifiedMention.FromString(value).mention,
    ROUTED: lambda value: RoutedMention.FromString(value).mention,
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mention came out of a topic. `at`: monotonic seconds."""

    at: float
    partition: int
    sighting: Sighting


class Watcher:
    """Follows the topics in a thread of its own, over whatever happens to the brokers."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self.arrivals: Final[dict[str, list[Arrival]]] = {topic: [] for topic in _MENTION_IN}
        self.counted: Counter[int] = Counter()  # mentions that the router has counted, by what it counts
        self.dead_letters = 0
        self.failure: str | None = None  # of the reading itself: the arrivals are not to be trusted
        self._next: dict[tuple[str, int], int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "watcher",  # librdkafka wants one; nothing is committed
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 100,
                "reconnect.backoff.max.ms": 200,
                "topic.metadata.refresh.interval.ms": 2_000,
                "log_level": 0,
            }
        )
        topics = [*_MENTION_IN, COUNTS, DEAD_LETTERS]
        self._consumer.assign([TopicPartition(t, n, OFFSET_BEGINNING) for t in topics for n in range(partitions)])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            message = self._consumer.poll(_POLL_SECONDS)
            if message is None:
                continue
            if error := message.error():
                if error.code() == KafkaError._AUTO_OFFSET_RESET or error.fatal():
                    self.failure = str(error)
                continue
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            assert topic is not None
            assert partition is not None
            assert offset is not None
            if topic == DEAD_LETTERS:
                self.dead_letters += 1
                continue
            if offset < self._next.get((topic, partition), 0):
                self.failure = f"{topic}[{partition}] went back to offset {offset}"
            self._next[topic, partition] = offset + 1
            if message.key() == TICK_KEY:
                continue
            if topic == COUNTS:
                counts = MentionCounts.FromString(message.value() or b"")
                self.counted[counts.source] += sum(count.mentions for count in counts.counts)
                continue
            mention = _MENTION_IN[topic](message.value() or b"")
            number = int(mention.attributes.fields["n"].number_value)
            self.arrivals[topic].append(
                Arrival(time.monotonic(), partition, Sighting(mention.mention_id, mention.customer_key, number))
            )
