"""The command `tail`."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import asyncio
import re
import time
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

if TYPE_CHECKING:
    from services.cli.tail.following import Start

_PLACES: Final[dict[str, Literal["beginning", "end"]]] = {"beginning": "beginning", "end": "end"}
_MINUTES: Final = re.compile(r"(\d+(?:\.\d+)?)[- ]?(?:m|min|minutes?)")

_Values = list[str] | None


def _filter(name: str, help_text: str) -> object:
    return typer.Option(f"--{name}", metavar=name.upper(), help=f"{help_text} Repeat it for any of several.")


def tail(
    topic: Annotated[
        str,
        typer.Argument(
            metavar="TOPIC",
            help="mentions, classified, routed, outcomes, corrections, counts, alerts, dead-letters, seen, or a full"
            " name.",
        ),
    ],
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WHERE",
            help="beginning, end, or a time ago such as 15-minutes. Default: the last 10.",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option("-n", min=0, metavar="N", help="Show the last N first; with --from: end after N records."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", "-f/-F", help="Wait for more at the end.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, with all there is.")] = False,
    tenant: Annotated[_Values, _filter("tenant", "Only this tenant.")] = None,
    brand: Annotated[_Values, _filter("brand", "Only this brand.")] = None,
    platform: Annotated[_Values, _filter("platform", "Only this platform.")] = None,
    language: Annotated[_Values, _filter("language", "Only this language: es, pt, en, und, …")] = None,
    inquiry_type: Annotated[
        _Values, _filter("type", "Only complaint, feedback, recommendation, technical or answer.")
    ] = None,
    sentiment: Annotated[_Values, _filter("sentiment", "Only negative, neutral or positive.")] = None,
    queue: Annotated[_Values, _filter("queue", "Only this queue.")] = None,
    priority: Annotated[_Values, _filter("priority", "Only P1, P2, P3 or P4.")] = None,
) -> None:
    """Show the records of a topic as they come, one line each.

    Reads the log directly, beside a running stack or without one.
    """
    from services.cli.tail.filters import make_filter
    from services.cli.tail.following import Range, follow_topic

    name = full_name(topic)
    wanted = {
        "tenant": tenant or (),
        "brand": brand or (),
        "platform": platform or (),
        "language": language or (),
        "inquiry_type": inquiry_type or (),
        "sentiment": sentiment or (),
        "queue": queue or (),
        "priority": priority or (),
    }
    chosen = Range(parse_start(start, time.time()), count, follow)
    asyncio.run(follow_topic(name, chosen, make_filter(name, wanted), as_json))


def full_name(topic: str) -> str:
    """The topic's full name. Raises `BadParameter` for a topic that does not exist."""
    from services.common.log.topics import TOPICS

    names = {spec.name.partition(".")[0]: spec.name for spec in TOPICS}
    if topic in names.values():
        return topic
    if topic not in names:
        raise typer.BadParameter(f"there is no topic {topic!r}; there are {', '.join(names)}", param_hint="TOPIC")
    return names[topic]


def parse_start(start: str | None, now: float) -> "Start":
    """Where to start; a time is in milliseconds since the epoch. Raises `BadParameter` for what is no such place."""
    if start is None:
        return None
    if start in _PLACES:
        return _PLACES[start]
    minutes = _MINUTES.fullmatch(start)
    if not minutes:
        raise typer.BadParameter(
            f"{start!r}: use beginning, end, or a number of minutes such as 15-minutes", param_hint="--from"
        )
    return int((now - 60 * float(minutes[1])) * 1000)
