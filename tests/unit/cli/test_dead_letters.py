"""`dead-letters`: what is shown and what is not, what is asked, and what is refused."""

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog

from services.cli.dead_letters.choosing import parse_since
from services.common.log import topics
from services.common.log.embedded.log import EmbeddedLog
from services.common.log.port import NewRecord, Record
from services.common.stage.dead_letters import dead_letter
from services.common.stage.stage import Reason, Rejected
from tests.unit.cli.conftest import PARTITIONS, Run, WriteLog
from tests.unit.cli.records import START_MS, mention_record
from tests.unit.cli.test_app import HEAVY, without

SECRET = "Marisol no tiene internet"


def letter(
    number: int, partition: int = 0, stage: str = "classify", reason: Reason = "failed", at_ms: int = 0
) -> NewRecord:
    """A dead letter of a mention whose text is `SECRET`."""
    new = mention_record(number, partition, at_ms, SECRET)
    record = Record(new.topic, partition, 40 + number, new.key, new.value, new.timestamp_ms, new.headers)
    return dead_letter(stage, Rejected(record, reason, "KeyError at stage.py:71", 5))


@pytest.fixture(autouse=True)
def partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """`replay` and `drop` open the log to write."""
    monkeypatch.setenv("LOG_PARTITIONS", str(PARTITIONS))


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    """`replay` and `drop` send what is logged to standard error, which is another one for the next test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def letters(write_log: WriteLog) -> None:
    """0-0 and 0-1 of classify, 1-0 of route."""
    write_log([letter(0), letter(1, reason="invalid", at_ms=60_000), letter(2, 1, "route", at_ms=120_000)])


def ids(done: Any) -> list[str]:
    return [found["id"] for found in json.loads(done.stdout)]


def in_log(data_dir: Path, topic: str) -> list[Record]:
    async def read() -> list[Record]:
        log = EmbeddedLog(data_dir / "log.db", PARTITIONS)
        try:
            return [r for p in range(PARTITIONS) for r in await log.read(topic, p, 0, 1_000, 1 << 20)]
        finally:
            await log.close()

    return asyncio.run(read())


@pytest.mark.parametrize("command", ["list", "show", "replay", "drop"])
def test_help_needs_no_extra(command: str) -> None:
    done = without(HEAVY, "dead-letters", command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: mention-triage dead-letters" in done.stdout


@pytest.mark.usefixtures("letters")
def test_the_list_shows_where_from_and_why_and_no_content(run: Run) -> None:
    done = run("dead-letters", "list")
    assert done.exit_code == 0
    for shown in ("0-0", "open", "classify", "failed", "mentions.v1[0]@40", "KeyError at stage.py:71"):
        assert shown in done.stdout
    assert "3 of 3 shown" in done.stderr
    for output in (
        done.stdout,
        run("dead-letters", "list", "--json").stdout,
        run("dead-letters", "show", "0-0").stdout,
    ):
        assert "Marisol" not in output
        assert "a-0" not in output  # the author, in the key


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), ["0-0", "0-1", "1-0"]),
        (("--stage", "route"), ["1-0"]),
        (("--reason", "invalid", "--reason", "undecodable"), ["0-1"]),
        (("--topic", "mentions"), ["0-0", "0-1", "1-0"]),
        (("--topic", "classified.v1"), []),
        (("--limit", "1"), ["1-0"]),
        (("--since", "30-minutes"), []),
        (("--since", "2h", "--stage", "classify"), ["0-0", "0-1"]),
        (("--state", "dropped"), []),
        (("--state", "all"), ["0-0", "0-1", "1-0"]),
    ],
)
def test_filters(run: Run, filters: Sequence[str], found: list[str]) -> None:
    assert ids(run("dead-letters", "list", "--json", *filters)) == found


def test_times() -> None:
    now = 1_800_000_000.0
    assert parse_since("90-minutes", now) == 1_799_994_600_000
    assert parse_since("3d", now) == 1_799_740_800_000
    assert parse_since("2027-01-15T08:00:00Z", now) == 1_800_000_000_000


@pytest.mark.usefixtures("letters")
def test_show_gives_the_content_only_when_asked(run: Run) -> None:
    shown = json.loads(run("dead-letters", "show", "1-0").stdout)
    assert (shown["stage"], shown["attempts"], shown["source_offset"]) == ("route", 5, 42)
    assert shown["event"] == f"{2:032x}"
    assert "original" not in shown
    original = json.loads(run("dead-letters", "show", "1-0", "--content").stdout)["original"]
    assert original["value"]["text"] == SECRET
    assert original["key"] == "demo/x/a-2"
    assert original["headers"]["ce_type"] == "mention_triage.v1.Mention"


@pytest.mark.usefixtures("letters")
def test_content_cannot_move_the_cursor(run: Run, write_log: WriteLog) -> None:
    new = mention_record(9, 2, 0, "a\x1b[2Jb\u202ec")
    record = Record(new.topic, 2, 1, new.key, new.value, new.timestamp_ms, new.headers)
    write_log([dead_letter("classify", Rejected(record, "failed", "", 1))])
    shown = run("dead-letters", "show", "2-0", "--content").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.usefixtures("letters")
def test_a_replay_appends_the_originals_and_is_refused_a_second_time(run: Run, data_dir: Path) -> None:
    done = run("dead-letters", "replay", "0-0", "1-0", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "2 of 2 replayed" in done.stderr
    first, second = in_log(data_dir, topics.MENTIONS)
    assert (first.partition, second.partition) == (0, 1)
    assert (dict(first.headers)["replay_for"], dict(second.headers)["replay_for"]) == (b"classify", b"route")
    assert first.timestamp_ms == START_MS
    assert ids(run("dead-letters", "list", "--json")) == ["0-1"]
    assert ids(run("dead-letters", "list", "--json", "--state", "replayed")) == ["0-0", "1-0"]
    again = run("dead-letters", "replay", "0-1", "0-0", "--yes")
    assert again.exit_code == 1
    assert "error: 0-0 was replayed at" in again.stderr
    assert len(in_log(data_dir, topics.MENTIONS)) == 2


@pytest.mark.usefixtures("letters")
def test_all_takes_the_oldest_that_match(run: Run) -> None:
    done = run("dead-letters", "replay", "--all", "--stage", "classify", "--max", "1", "--yes")
    assert done.exit_code == 0
    assert ids(run("dead-letters", "list", "--json", "--state", "replayed")) == ["0-0"]
    assert run("dead-letters", "drop", "--all", "--yes").exit_code == 0
    assert ids(run("dead-letters", "list", "--json", "--state", "dropped")) == ["0-1", "1-0"]


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("command", ["replay", "drop"])
def test_nothing_happens_in_a_dry_run_or_unless_confirmed(run: Run, data_dir: Path, command: str) -> None:
    dry = run("dead-letters", command, "--all", "--dry-run")
    assert dry.exit_code == 0
    assert "0-1" in dry.stdout
    assert "nothing was done" in dry.stderr
    unanswered = run("dead-letters", command, "--all")
    assert unanswered.exit_code == 1
    assert "1  classify: invalid, of mentions.v1" in unanswered.stderr
    assert "not confirmed" in unanswered.stderr
    assert ids(run("dead-letters", "list", "--json")) == ["0-0", "0-1", "1-0"]
    assert len(in_log(data_dir, topics.DEAD_LETTERS)) == 3


@pytest.mark.usefixtures("letters")
def test_beside_a_running_stack_it_looks_but_does_not_touch(run: Run, data_dir: Path) -> None:
    async def beside() -> list[Any]:
        log = EmbeddedLog(data_dir / "log.db", PARTITIONS)
        try:
            commands = (("list",), ("show", "0-0"), ("replay", "0-0", "--dry-run"), ("replay", "0-0", "--yes"))
            return [await asyncio.to_thread(run, "dead-letters", *command) for command in commands]
        finally:
            await log.close()

    *looking, touching = asyncio.run(beside())
    assert [done.exit_code for done in looking] == [0, 0, 0]
    assert touching.exit_code == 1
    assert "Stop the stack, run this again, and start it" in touching.stderr
    assert in_log(data_dir, topics.MENTIONS) == []


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("replay",), 2, "give ids, or --all"),
        (("replay", "0-0", "--all"), 2, "give ids, or --all"),
        (("drop", "0-0", "--stage", "route"), 2, "filters go with --all"),
        (("replay", "first"), 2, "is no id"),
        (("list", "--since", "yesterday"), 2, "use a time ago"),
        (("replay", "2-7"), 1, "2-7 is no dead letter in this log"),
        (("show", "2-7"), 1, "2-7 is no dead letter in this log"),
    ],
)
def test_mistakes(run: Run, arguments: Sequence[str], exit_code: int, message: str) -> None:
    done = run("dead-letters", *arguments)
    assert done.exit_code == exit_code
    assert message in " ".join(done.stderr.replace("│", " ").split())


def test_too_old_ones_are_left_out_of_all_and_refused_by_id(run: Run, write_log: WriteLog, data_dir: Path) -> None:
    write_log([letter(0), letter(1, at_ms=-8 * topics.DAY_MS)])
    done = run("dead-letters", "replay", "--all", "--yes")
    assert done.exit_code == 0
    assert "0-1 is of" in done.stderr
    assert len(in_log(data_dir, topics.MENTIONS)) == 1
    assert run("dead-letters", "replay", "0-1", "--yes").exit_code == 1
    assert run("dead-letters", "drop", "0-1", "--yes").exit_code == 0
