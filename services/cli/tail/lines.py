"""One readable line per record."""

from collections import Counter

from google.protobuf.message import Message
from rich.cells import cell_len
from rich.text import Text

from mention_triage.v1.alert_pb2 import SpikeAlert
from mention_triage.v1.classification_pb2 import ClassifiedMention
from mention_triage.v1.correction_pb2 import Correction
from mention_triage.v1.counts_pb2 import MentionCounts
from mention_triage.v1.dead_letter_pb2 import DeadLetter, DeadLetterHandled
from mention_triage.v1.mention_pb2 import Mention
from mention_triage.v1.outcome_pb2 import Outcome
from mention_triage.v1.routing_pb2 import RoutedMention
from services.cli.tail.contents import COUNT_SOURCES, facts_of, handled_action
from services.cli.terminal import PRIORITY_STYLES, SENTIMENT_STYLES, clock_time, cut, one_line
from services.common.contracts.corrections import judgements
from services.common.contracts.views import (
    CONFIDENCE_LEVELS,
    MENTION_KINDS,
    OUTCOME_TYPES,
    SPIKE_CAUSES,
    SPIKE_EVENTS,
    spike_ratio,
)
from services.common.log.port import Record

# Widths that hold nearly every value; a longer one shifts its own line only.
_BRAND, _QUEUE, _LABELS, _PLACE, _TENANT = 14, 18, 23, 18, 8
_SEVERE = 7  # of 10


def readable(record: Record, message: Message | None, width: int | None) -> Text:
    """The record in one line of at most `width` columns; None: uncut."""
    line = Text(no_wrap=True)
    line.append(clock_time(record.timestamp_ms), style="dim").append("  ")
    facts = facts_of(message)
    match message:
        case Mention():
            place = f"{facts.platform}/{MENTION_KINDS.get(message.kind, '')}".rstrip("/")
            _columns(line, (place, _PLACE, "cyan"), (facts.brand, _BRAND, "magenta"))
            line.append(one_line(message.text))
        case ClassifiedMention(classification=said):
            confidence = CONFIDENCE_LEVELS.get(said.confidence.inquiry_type, "")
            _labels(line, facts.inquiry_type, facts.sentiment)
            _columns(line, (confidence, 7, "dim"), (facts.language, 3, "cyan"), (facts.brand, _BRAND, "magenta"))
            line.append(one_line(message.mention.text))
        case RoutedMention():
            _columns(line, (facts.priority, 2, PRIORITY_STYLES.get(facts.priority, "")), (facts.queue, _QUEUE, "bold"))
            _labels(line, facts.inquiry_type, facts.sentiment)
            _columns(line, (facts.language, 3, "cyan"), (facts.brand, _BRAND, "magenta"))
            line.append(one_line(message.mention.text))
        case Outcome():
            what = OUTCOME_TYPES.get(message.type, "")
            _columns(line, (what, 14, "bold"), (message.mention_id, 32, ""), (message.channel, 12, "cyan"))
        case Correction():
            _columns(line, (facts.language, 3, "cyan"), (facts.brand, _BRAND, "magenta"))
            line.append(one_line(f"{_judged(message)}: {message.mention.text}"))
        case SpikeAlert():
            _columns(line, *_alert_columns(message))
            line.append(one_line(_heaviest(message)))
        case MentionCounts():
            source = f"{COUNT_SOURCES.get(message.source, '')}[{message.source_partition}]"
            until = f"until {clock_time(message.until * 1000)}"
            _columns(line, (source, _PLACE, "cyan"), (until, 14, "dim"), (message.tenant, _BRAND, "magenta"))
            line.append(one_line(_sums(message)))
        case DeadLetter():
            place = f"{message.source_topic}[{message.source_partition}]@{message.source_offset}"
            _columns(line, (message.stage, 10, "bold"), (message.reason, 11, "red"), (place, 24, "cyan"))
            line.append(one_line(message.detail))
        case DeadLetterHandled():
            letter = f"{record.partition}-{message.dead_letter_offset}"
            _columns(line, (handled_action(message), 10, "bold"), ("", 11, ""), (letter, 24, "cyan"))
        case _:
            size = "no value" if record.value is None else f"{len(record.value):,} bytes"
            _columns(line, (f"[{record.partition}]@{record.offset}", _PLACE, "cyan"), (size, 12, ""))
    line.rstrip()
    return cut(line, width)


def _judged(correction: Correction) -> str:
    """What was confirmed and what was corrected, in words."""
    try:
        return ", ".join(
            f"{each.field} {each.predicted}" + ("" if each.agreed else f" → {each.judged}")
            for each in judgements(correction)
        )
    except KeyError:
        return "labels of a later version"


def _alert_columns(alert: SpikeAlert) -> list[tuple[str, int, str]]:
    ratio = spike_ratio(alert.series[0]) if alert.series else None  # the first is the one that stands out most
    return [
        (f"{alert.tenant}/{alert.brand}", _TENANT + _BRAND, "magenta"),
        (SPIKE_EVENTS.get(alert.event, ""), 9, "bold"),
        (f"severity {alert.severity}", 11, "bold red" if alert.severity >= _SEVERE else "yellow"),
        (f"×{ratio:.1f}" if ratio is not None else "new", 6, "bold"),
        (SPIKE_CAUSES.get(alert.cause, "") + (f" ({alert.planned})" if alert.planned else ""), 8, "cyan"),
        (f"{alert.mentions:,} by {alert.authors:,}", 14, ""),
    ]


def _heaviest(alert: SpikeAlert) -> str:
    """The post that weighs most, in words."""
    if not alert.posts:
        return ""
    post = alert.posts[0]
    return f"{post.mentions:,} {'copies of' if post.copies else 'on'} {post.platform}/{post.post_id}"


def _sums(message: MentionCounts) -> str:
    """Mentions by brand and platform, all buckets together; `old` are those that were written long before."""
    mentions: Counter[str] = Counter()
    old: Counter[str] = Counter()
    for count in message.counts:
        series = f"{count.brand}/{count.platform}"
        mentions[series] += count.mentions
        old[series] += count.old_mentions
    return ", ".join(
        f"{series} {number:,}" + (f" + {old[series]:,} old" if old[series] else "")
        for series, number in mentions.items()
    )


def _labels(line: Text, inquiry_type: str, sentiment: str) -> None:
    line.append(inquiry_type).append("/", style="dim").append(sentiment, style=SENTIMENT_STYLES.get(sentiment, ""))
    line.append(" " * max(0, _LABELS - len(inquiry_type) - len(sentiment) - 1) + "  ")


def _columns(line: Text, *columns: tuple[str, int, str]) -> None:
    """Append (value, width, style) columns, each filled up to its width."""
    for value, width, style in columns:
        shown = one_line(value)
        line.append(shown, style=style).append(" " * max(0, width - cell_len(shown)) + "  ")
