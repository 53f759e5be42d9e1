"""The topics: names, retention and clean-up in one table."""

from dataclasses import dataclass
from typing import Final, Literal

DAY_MS: Final = 24 * 3600 * 1000

MENTIONS: Final = "mentions.v1"
CLASSIFIED: Final = "classified.v1"
ROUTED: Final = "routed.v1"
OUTCOMES: Final = "outcomes.v1"
DEAD_LETTERS: Final = "dead-letters.v1"
SEEN: Final = "seen.v1"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic.

    `retention_ms`: age by record time beyond which a record may go. `cleanup`: `delete` by that age, or `compact` to
    the newest record of each key. `sheds`: what may go before that age when the log is full:
    nothing, what every group has read (and at no age what a group has yet to read), or simply the oldest.
    """

    name: str
    retention_ms: int
    cleanup: Literal["delete", "compact"]
    holds: str
    sheds: Literal["nothing", "read", "oldest"] = "nothing"


# Every topic has the same number of partitions: a stage writes each output to the partition number of its input.
TOPICS: Final[tuple[TopicSpec, ...]] = (
    TopicSpec(MENTIONS, 7 * DAY_MS, "delete", "mentions as ingest accepted them", sheds="read"),
    TopicSpec(CLASSIFIED, 7 * DAY_MS, "delete", "mentions with what the model says", sheds="read"),
    TopicSpec(ROUTED, 7 * DAY_MS, "delete", "mentions with the decision about them", sheds="oldest"),
    TopicSpec(OUTCOMES, 7 * DAY_MS, "delete", "what the contact center reports"),
    TopicSpec(DEAD_LETTERS, 30 * DAY_MS, "delete", "records that a stage gave up on"),
    # The mentions' retention plus the 48 hours in which a platform may still repeat a mention.
    TopicSpec(SEEN, 9 * DAY_MS, "delete", "state of classify: mentions already output"),
)
