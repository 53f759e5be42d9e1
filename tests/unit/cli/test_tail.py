import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import typer

from mention_triage.v1.classification_pb2 import ClassifiedMention
from mention_triage.v1.counts_pb2 import CountSource, MentionCounts, Mix, PartialCount, Sketches
from mention_triage.v1.dead_letter_pb2 import DeadLetter, DeadLetterAction, DeadLetterHandled
from mention_triage.v1.outcome_pb2 import Outcome, OutcomeType
from services.cli.tail import merging
from services.cli.tail.command import parse_start
from services.cli.tail.contents import rfc3339
from services.common.contracts.records import event_record, timestamp
from services.common.log import topics
from services.common.log.embedded.reader import EmbeddedReader
from services.common.log.port import NewRecord
from services.common.stage.ticks import tick_record
from tests.unit.cli.conftest import Run, WriteLog
from tests.unit.cli.records import START_MS, alert_record, mention, mention_record, routed_record


def texts(run: Run, *arguments: str) -> list[str]:
    """Texts of the records that `tail --json` shows."""
    done = run("tail", *arguments, "--no-follow", "--json")
    assert done.exit_code == 0, done.stderr
    rows = [json.loads(line)["value"] for line in done.stdout.splitlines()]
    return [row.get("mention", row)["text"] for row in rows]


@pytest.fixture
def routed(write_log: WriteLog) -> None:
    write_log(
        [
            routed_record(1, 0, 10, text="uno", priority="P1", queue="press"),
            routed_record(2, 1, 20, text="dos", inquiry_type="technical", sentiment="neutral", queue="support-es"),
            routed_record(3, 0, 30, text="três", language="pt", brand="Mercaviva"),
            routed_record(4, 2, 40, text="four", language="en", tenant="acme", priority="P4"),
        ]
    )


@pytest.mark.usefixtures("routed")
def test_partitions_are_merged_by_time(run: Run) -> None:
    assert texts(run, "routed") == ["uno", "dos", "três", "four"]
    assert texts(run, "routed.v1", "--from", "beginning") == ["uno", "dos", "três", "four"]


@pytest.mark.usefixtures("routed")
@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        (("--priority", "p1"), ["uno"]),
        (("--priority", "P1", "--priority", "P4"), ["uno", "four"]),
        (("--type", "technical"), ["dos"]),
        (("--sentiment", "negative", "--language", "pt"), ["três"]),
        (("--brand", "mercaviva"), ["três"]),
        (("--tenant", "acme"), ["four"]),
        (("--queue", "press"), ["uno"]),
        (("--platform", "facebook"), []),
    ],
)
def test_filters(run: Run, filters: tuple[str, ...], shown: list[str]) -> None:
    assert texts(run, "routed", *filters) == shown
    assert texts(run, "routed", "--from", "beginning", *filters) == shown


@pytest.mark.usefixtures("routed")
def test_wrong_filters_are_refused(run: Run) -> None:
    done = run("tail", "routed", "--type", "question")
    assert done.exit_code == 2
    assert "recommendation" in done.stderr
    done = run("tail", "mentions", "--queue", "press")
    assert done.exit_code == 2
    assert "routed.v1" in done.stderr


def test_the_last_records_and_counts(run: Run, write_log: WriteLog) -> None:
    write_log([mention_record(n, n % 3, n, text=str(n)) for n in range(50)])
    assert texts(run, "mentions") == [str(n) for n in range(40, 50)]
    assert texts(run, "mentions", "-n", "3") == ["47", "48", "49"]
    assert texts(run, "mentions", "-n", "0") == []
    assert texts(run, "mentions", "--from", "beginning", "-n", "2") == ["0", "1"]
    assert texts(run, "mentions", "--from", "end") == []


def test_a_rare_match_is_found_far_back(run: Run, write_log: WriteLog) -> None:
    rare = routed_record(0, 0, 0, text="rare", priority="P1")
    write_log([rare, *(routed_record(n, n % 3, n, text=str(n)) for n in range(1, 2_000))])
    assert texts(run, "routed", "--priority", "P1") == ["rare"]


def test_a_partition_keeps_its_order_where_times_do_not_rise(run: Run, write_log: WriteLog) -> None:
    write_log([mention_record(1, 0, 500, text="first"), mention_record(2, 0, 100, text="second")])
    assert texts(run, "mentions", "--from", "beginning") == ["first", "second"]


@pytest.mark.parametrize("since_ms", [0, 1, 333, 998, 999, 5_000])
def test_a_time_is_found_by_bisection(write_log: WriteLog, data_dir: Path, since_ms: int) -> None:
    write_log([mention_record(n, n % 3, n) for n in range(1_000)])

    async def first() -> list[int]:
        reader = EmbeddedReader(data_dir / "log.db")
        try:
            positions = await merging.since(reader, topics.MENTIONS, START_MS + since_ms)
            stream = merging.MergedReader(reader, topics.MENTIONS, positions)
            return [record.timestamp_ms - START_MS async for record in stream.sweep()]
        finally:
            await reader.close()

    assert asyncio.run(first()) == list(range(since_ms, 1_000))


def test_following_shows_what_comes(write_log: WriteLog, data_dir: Path) -> None:
    write_log([mention_record(1, 0, 1, text="before")])

    async def follow() -> list[int]:
        reader = EmbeddedReader(data_dir / "log.db")
        try:
            stream = merging.MergedReader(reader, topics.MENTIONS, await merging.ends(reader, topics.MENTIONS))
            seen = [record.offset async for record in stream.sweep()]
            await asyncio.to_thread(write_log, [mention_record(2, 0, 2), mention_record(3, 2, 3)])
            seen += [record.timestamp_ms - START_MS async for record in stream.sweep()]
            seen += [record.offset async for record in stream.sweep()]
            return seen
        finally:
            await reader.close()

    assert asyncio.run(follow()) == [2, 3]


def test_where_to_start() -> None:
    assert parse_start(None, 0) is None
    assert parse_start("beginning", 0) == "beginning"
    for text in ("15-minutes", "15m", "15 min", "15minutes"):
        assert parse_start(text, 1_000) == 100_000
    with pytest.raises(typer.BadParameter, match="15-minutes"):
        parse_start("yesterday", 0)


@pytest.mark.usefixtures("routed")
def test_json_has_all_of_a_record(run: Run) -> None:
    record = json.loads(run("tail", "routed", "--priority", "P1", "--json", "--no-follow").stdout)
    assert {name: record[name] for name in ("topic", "partition", "offset", "timestamp", "key")} == {
        "topic": "routed.v1",
        "partition": 0,
        "offset": 0,
        "timestamp": rfc3339(START_MS + 10),
        "key": "demo/x/a-1",
    }
    assert record["headers"]["ce_type"] == "mention_triage.v1.RoutedMention"
    assert record["value"]["routing"]["queue"] == "press"
    assert set(record["value"]) == {"mention", "classification", "routing", "customer_key"}


def test_bytes_that_are_no_message_are_shown_as_base64(run: Run, write_log: WriteLog) -> None:
    write_log(
        [
            NewRecord(topics.MENTIONS, 0, b"\xff", b"\xff\xff", START_MS, (("h", b"\xfe"),)),
            NewRecord(topics.SEEN, 0, None, bytes(32), START_MS),
            NewRecord(topics.SEEN, 0, b"k", None, START_MS),
        ]
    )
    record = json.loads(run("tail", "mentions", "--json", "--no-follow").stdout)
    assert record["value"] == {"base64": "//8="}
    assert record["key"] == {"base64": "/w=="}
    assert record["headers"] == {"h": {"base64": "/g=="}}
    seen = [json.loads(line)["value"] for line in run("tail", "seen", "--json", "--no-follow").stdout.splitlines()]
    assert seen == [{"base64": "A" * 42 + "A="}, None]
    assert run("tail", "seen", "--no-follow").stdout.count("\n") == 2


@pytest.mark.usefixtures("routed")
def test_readable_lines(run: Run) -> None:
    lines = run("tail", "routed", "--no-follow").stdout.splitlines()
    assert [line.partition("  ")[2].split()[:4] for line in lines[:2]] == [
        ["P1", "press", "complaint/negative", "es"],
        ["P3", "support-es", "technical/neutral", "es"],
    ]
    assert lines[0].endswith("uno")


def test_every_topic_has_a_readable_line(run: Run, write_log: WriteLog) -> None:
    messages = {
        topics.MENTIONS: mention(1, text="queja\x1b[2J").SerializeToString(),
        topics.CLASSIFIED: ClassifiedMention(mention=mention(1, text="queja")).SerializeToString(),
        topics.OUTCOMES: Outcome(
            type=OutcomeType.OUTCOME_TYPE_MOVED, mention_id="a" * 32, channel="whatsapp"
        ).SerializeToString(),
        topics.DEAD_LETTERS: DeadLetter(
            source_topic="mentions.v1", stage="classify", reason="failed", detail="ValueError", source_time=timestamp(1)
        ).SerializeToString(),
    }
    write_log([NewRecord(topic, 0, b"k", value, START_MS) for topic, value in messages.items()])
    for topic, shown in {
        "mentions": "queja",
        "classified": "queja",
        "outcomes": "moved",
        "dead-letters": "ValueError",
    }.items():
        done = run("tail", topic, "--no-follow")
        assert done.exit_code == 0, done.stderr
        assert shown in done.stdout
        assert "\x1b" not in done.stdout
        assert json.loads(run("tail", topic, "--no-follow", "--json").stdout)["value"]


def test_an_alert_is_one_readable_line(run: Run, write_log: WriteLog) -> None:
    write_log([alert_record("Telandia", 1, planned="launch"), alert_record("Mercaviva", 2, expected=0.0)])
    first, second = run("tail", "alerts", "--no-follow").stdout.splitlines()
    for shown in (
        "demo/Telandia",
        "started",
        "severity 8",
        "×6.2",
        "virality (launch)",
        "1,240 by 900",
        "310 copies of x/77",
    ):
        assert shown in first
    assert " new " in second
    assert run("tail", "alerts", "--no-follow", "--brand", "mercaviva").stdout.splitlines() == [second]


def test_the_json_of_an_alert_is_readable(run: Run, write_log: WriteLog) -> None:
    write_log([alert_record("Telandia", 1)])
    shown = json.loads(run("tail", "alerts", "--no-follow", "--json").stdout)["value"]
    assert (shown["event"], shown["cause"], shown["tenant"], shown["severity"]) == ("started", "virality", "demo", 8)
    assert shown["at"] == rfc3339(START_MS).replace(".000Z", "Z")
    assert shown["evidence"] == [
        {"name": "top_texts_share", "value": 0.5, "normal": 0.125},
        {"name": "x", "value": 2.0},
    ]
    assert shown["series"] == [
        {"observed_per_minute": 62.0, "expected_per_minute": 10.0, "ratio": 6.2},
        {"platform": "x", "observed_per_minute": 50.0, "expected_per_minute": 0.0, "ratio": None},
    ]
    assert shown["posts"] == [{"id": "77", "platform": "x", "mentions": 310, "copies": True}]
    assert shown["mix"]["inquiry_types"]["complaint"] == 0.5
    assert shown["mix"]["languages"] == {"es": 0.75, "pt": 0.25}
    assert "normal_mix" not in shown
    assert "planned" not in shown


def test_counts_are_summed_up_and_progress_marks_are_short(run: Run, write_log: WriteLog) -> None:
    def count(platform: str, bucket: int, mentions: int, old: int = 0, **more: Any) -> PartialCount:
        return PartialCount(
            brand="Telandia", platform=platform, bucket=bucket, mentions=mentions, old_mentions=old, **more
        )

    source = CountSource.COUNT_SOURCE_MENTIONS
    sketches = Sketches(authors=b"\x01", examples={5: "77"})
    counts = MentionCounts(
        source=source,
        source_partition=2,
        until=START_MS // 1000,
        tenant="demo",
        counts=[count("x", 0, 3, sketches=sketches), count("x", 10, 4, old=2), count("instagram", 0, 1)],
    )
    mix = MentionCounts(
        source=CountSource.COUNT_SOURCE_CLASSIFIED,
        tenant="acme",
        counts=[count("x", 0, 1, mix=Mix(inquiry_types=[1, 0, 0, 0, 0], sentiments=[0, 1, 0], languages={"es": 1}))],
    )
    mark = MentionCounts(source=source, source_partition=11, until=START_MS // 1000)
    messages = [counts, mix, mark]
    write_log([NewRecord(topics.COUNTS, 0, b"", each.SerializeToString(), START_MS) for each in messages])
    lines = run("tail", "counts", "--no-follow").stdout.splitlines()
    assert lines[0].endswith("Telandia/x 7 + 2 old, Telandia/instagram 1")
    assert "mentions[2]" in lines[0]
    assert lines[2].split("  ")[1] == "mentions[11]"
    assert len(lines[2].split("until")[1].split()) <= 2  # a time, perhaps with its date
    assert run("tail", "counts", "--no-follow", "--tenant", "acme").stdout.splitlines() == [lines[1]]
    shown = [json.loads(line)["value"] for line in run("tail", "counts", "--no-follow", "--json").stdout.splitlines()]
    assert shown[0]["counts"][0]["sketches"] == {"authors": "AQ==", "examples": {"5": "77"}}
    assert shown[1]["counts"][0]["mix"]["sentiments"] == {"negative": 0, "neutral": 1, "positive": 0}
    assert shown[2]["counts"] == []


def test_ticks_are_not_shown(run: Run, write_log: WriteLog) -> None:
    ticks = [tick_record(topics.MENTIONS, 0, START_MS + 10_000 * n) for n in range(100)]
    write_log([mention_record(1, 0, 1, text="queja"), *ticks])
    assert texts(run, "mentions") == ["queja"]
    assert texts(run, "mentions", "--from", "beginning") == ["queja"]
    assert run("tail", "mentions", "--no-follow").stdout.count("\n") == 1


def test_what_was_done_about_a_dead_letter_is_told_apart_from_one(run: Run, write_log: WriteLog) -> None:
    handled = DeadLetterHandled(dead_letter_offset=7, action=DeadLetterAction.DEAD_LETTER_ACTION_REPLAYED)
    record = event_record(
        topics.DEAD_LETTERS, 0, "k", handled, event_id="0/7", source="dead-letters", timestamp_ms=START_MS
    )
    write_log([record])
    assert "replayed" in run("tail", "dead-letters", "--no-follow").stdout
    shown = json.loads(run("tail", "dead-letters", "--no-follow", "--json").stdout)["value"]
    assert (shown["dead_letter_offset"], shown["action"]) == (7, "replayed")
