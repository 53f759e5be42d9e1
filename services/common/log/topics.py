"""The topics: names, retention, clean-up and readers in one table.

A topic's name ends in its generation: `mentions.v1`. All topics of the pipeline belong to one generation and have equal
partition counts, which never change in place: more partitions mean a new generation, and a switch to it.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.common.settings import load_settings

DAY_MS: Final = 24 * 3600 * 1000
_READ_BACK: Final = 8  # generations; within one retention nobody switches more often


class GenerationSettings(BaseSettings):
    """Which generation of the topics this process works on."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    log_generation: int = Field(1, ge=1, le=9_999, validation_alias="LOG_GENERATION")


# Fixed for the life of a process: a switch to another generation needs its processes to be started anew.
GENERATION: Final = load_settings(GenerationSettings).log_generation


def topic_name(base: str, generation: int = GENERATION) -> str:
    """The topic of this kind in a generation: `mentions`, 2 gives `mentions.v2`."""
    return f"{base}.v{generation}"


def generation_of(topic: str) -> tuple[str, int] | None:
    """Kind and generation of one of our topics, `topic_name` backwards; None for the name of another topic."""
    found = re.fullmatch(r"(.+)\.v([1-9][0-9]{0,3})", topic)
    return (found[1], int(found[2])) if found and found[1] in BASES else None


def earlier_topics(base: str, generation: int = GENERATION) -> list[str]:
    """Topics of this kind in earlier generations, oldest first, as far as they may still exist."""
    return [topic_name(base, each) for each in range(max(1, generation - _READ_BACK), generation)]


def earlier_routed(generation: int = GENERATION) -> list[str]:
    """Topics of earlier generations whose routed mentions readers may have yet to get."""
    return earlier_topics("routed", generation)


MENTIONS: Final = topic_name("mentions")
CLASSIFIED: Final = topic_name("classified")
ROUTED: Final = topic_name("routed")
OUTCOMES: Final = topic_name("outcomes")
CORRECTIONS: Final = topic_name("corrections")
DEAD_LETTERS: Final = topic_name("dead-letters")
COUNTS: Final = topic_name("counts")
ALERTS: Final = topic_name("alerts")
SEEN: Final = topic_name("seen")
SEEN_VOLUME: Final = topic_name("seen-volume")
SPIKE_STATE: Final = topic_name("spike-state")

REPLAY_GROUP: Final = "dead-letters"  # whoever claims dead letters for it handles them, alone

# A stage's output holds its input and more. With a smaller limit for what ingest may write, no later step finds a
# record too large to hand on, nor too large to be a dead letter.
MAX_INGESTED_BYTES: Final = 1 << 20
MAX_RECORD_BYTES: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic.

    `retention_ms`: age by record time beyond which a record may go. `cleanup`: `delete` by that age, or `compact` to
    the newest record of each key. `sheds`: what may go before that age when the log is full:
    nothing, what every group has read (and at no age what a group has yet to read), or simply the oldest.
    `groups`: the consumer groups that work on every record. `state`: a stage rebuilds its state from all that is there.
    `waits`: on the embedded log, a record stays until every group has read it, whatever its age.
    """

    name: str
    retention_ms: int
    cleanup: Literal["delete", "compact"]
    holds: str
    sheds: Literal["nothing", "read", "oldest"] = "nothing"
    groups: tuple[str, ...] = ()
    max_bytes: int = MAX_RECORD_BYTES
    state: bool = False
    waits: bool = True


def topics_of(generation: int) -> tuple[TopicSpec, ...]:
    """The table, with the names of a generation.

    Every topic has the same number of partitions: a stage writes each output to the partition number of its input.
    """
    return (
        TopicSpec(
            topic_name("mentions", generation),
            7 * DAY_MS,
            "delete",
            "mentions as ingest accepted them",
            sheds="read",
            groups=("classify", "volume"),
            max_bytes=MAX_INGESTED_BYTES,
        ),
        TopicSpec(
            topic_name("classified", generation),
            7 * DAY_MS,
            "delete",
            "mentions with what the model says",
            sheds="read",
            groups=("route", "mix"),
        ),
        TopicSpec(
            topic_name("routed", generation),
            7 * DAY_MS,
            "delete",
            "mentions with the decision about them",
            sheds="oldest",
        ),
        TopicSpec(
            topic_name("outcomes", generation),
            7 * DAY_MS,
            "delete",
            "what the contact center reports",
            max_bytes=MAX_INGESTED_BYTES,
        ),
        # Training data: a year of them, so that nobody has to fetch them in a hurry.
        TopicSpec(
            topic_name("corrections", generation),
            365 * DAY_MS,
            "delete",
            "what agents say that mentions really were",
            groups=("agreement",),
            max_bytes=MAX_INGESTED_BYTES,
        ),
        TopicSpec(
            topic_name("counts", generation),
            2 * DAY_MS,
            "delete",
            "partial counts of mentions, and how far each partition has come",
            sheds="read",
            groups=("spikes",),
        ),
        TopicSpec(
            topic_name("alerts", generation),
            30 * DAY_MS,
            "delete",
            "spikes: started, escalated, eased, ended",
            waits=False,
        ),
        TopicSpec(
            topic_name("dead-letters", generation),
            30 * DAY_MS,
            "delete",
            "records that a stage gave up on",
            waits=False,  # whoever replays some claims it as a group, and personal data must go in time all the same
        ),
        # The mentions' retention plus the 48 hours in which a platform may still repeat a mention.
        TopicSpec(
            topic_name("seen", generation),
            9 * DAY_MS,
            "delete",
            "state of classify: mentions already output",
            state=True,
        ),
        TopicSpec(
            topic_name("seen-volume", generation),
            9 * DAY_MS,
            "delete",
            "state of volume: mentions already counted",
            state=True,
        ),
        TopicSpec(
            topic_name("spike-state", generation),
            2 * DAY_MS,
            "compact",
            "state of spikes: what is normal for each series, and open episodes",
            state=True,
        ),
    )


TOPICS: Final[tuple[TopicSpec, ...]] = topics_of(GENERATION)
BASES: Final = tuple(spec.name.rpartition(".v")[0] for spec in TOPICS)
