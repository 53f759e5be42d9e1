"""The topics that routed mentions are read from: one for each generation, the earlier ones while the log has them."""

from collections.abc import Sequence

from services.common.log.port import Reader
from services.common.log.topics import generation_of, topic_name
from services.router.cursor import encode_cursor

_KIND = "routed"


def routed_topic(generation: int) -> str:
    """The topic of a generation."""
    return topic_name(_KIND, generation)


def kept_generations(reader: Reader, newest: int) -> list[int]:
    """Generations up to `newest` whose topic the log has, oldest first; `newest`, this process's own, is the last."""
    found = (generation_of(topic) for topic in reader.topics())
    return [*sorted(each[1] for each in found if each and each[0] == _KIND and each[1] < newest), newest]


async def start_cursor(reader: Reader, generation: int) -> str:
    """The cursor at the oldest record that a generation's topic retains."""
    bounds = await reader.bounds(routed_topic(generation))
    return encode_cursor(generation, reader.identity, [partition.start for partition in bounds])


async def written(reader: Reader, generations: Sequence[int]) -> bool:
    """Whether anything was ever written to one of these.

    Then every generation before it is final: workers write only after the switch to their generation is finished, and
    it finishes only when those before are through and fenced. What is asked for from then on is the last of it.
    """
    for generation in generations:
        if any(partition.end for partition in await reader.bounds(routed_topic(generation))):
            return True
    return False
