"""One readable line per record."""

from google.protobuf.message import Message
from rich.cells import cell_len
from rich.text import Text

from mention_triage.v1.classification_pb2 import ClassifiedMention
from mention_triage.v1.dead_letter_pb2 import DeadLetter, DeadLetterHandled
from mention_triage.v1.mention_pb2 import Mention
from mention_triage.v1.outcome_pb2 import Outcome
from mention_triage.v1.routing_pb2 import RoutedMention
from services.cli.tail.contents import facts_of, handled_action
from services.cli.terminal import PRIORITY_STYLES, SENTIMENT_STYLES, clock_time, cut, one_line
from services.common.contracts.views import CONFIDENCE_LEVELS, MENTION_KINDS, OUTCOME_TYPES
from services.common.log.port import Record

# Widths that hold nearly every value; a longer one shifts its own line only.
_BRAND, _QUEUE, _LABELS, _PLACE = 14, 18, 23, 18


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
            _columns(line, (confidence, 6, "dim"), (facts.language, 3, "cyan"), (facts.brand, _BRAND, "magenta"))
            line.append(one_line(message.mention.text))
        case RoutedMention():
            _columns(line, (facts.priority, 2, PRIORITY_STYLES.get(facts.priority, "")), (facts.queue, _QUEUE, "bold"))
            _labels(line, facts.inquiry_type, facts.sentiment)
            _columns(line, (facts.language, 3, "cyan"), (facts.brand, _BRAND, "magenta"))
            line.append(one_line(message.mention.text))
        case Outcome():
            what = OUTCOME_TYPES.get(message.type, "")
            _columns(line, (what, 14, "bold"), (message.mention_id, 32, ""), (message.channel, 12, "cyan"))
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


def _labels(line: Text, inquiry_type: str, sentiment: str) -> None:
    line.append(inquiry_type).append("/", style="dim").append(sentiment, style=SENTIMENT_STYLES.get(sentiment, ""))
    line.append(" " * max(0, _LABELS - len(inquiry_type) - len(sentiment) - 1) + "  ")


def _columns(line: Text, *columns: tuple[str, int, str]) -> None:
    """Append (value, width, style) columns, each filled up to its width."""
    for value, width, style in columns:
        shown = one_line(value)
        line.append(shown, style=style).append(" " * max(0, width - cell_len(shown)) + "  ")
