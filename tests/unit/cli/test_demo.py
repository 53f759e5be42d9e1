import json
from collections import Counter
from datetime import datetime, timedelta, timezone
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from services.cli.demo.board import Board, plain_line, reasons
from services.cli.demo.feed import DEFAULT_FEED, Delivery, load_feed, on_day
from services.cli.demo.playing import Played, Routed
from services.cli.demo.summary import print_summary
from services.cli.errors import CliError
from services.ingest.models import PostedMention
from tests.unit.cli.conftest import Run

NOON = datetime(2024, 5, 7, 12, 30, tzinfo=timezone(timedelta(hours=-6)))


@pytest.fixture(scope="module")
def feed() -> list[Delivery]:
    return list(load_feed(DEFAULT_FEED))


def feed_file(folder: Path, *rows: Any) -> Path:
    file = folder / "feed.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return file


def test_the_written_feed_is_what_ingest_accepts(feed: list[Delivery]) -> None:
    for _, mention in on_day(feed, NOON, "run-"):
        PostedMention.model_validate(mention)


def test_the_written_morning_has_all_that_it_promises(feed: list[Delivery]) -> None:
    rows = [delivery.mention for delivery in feed]
    assert feed[0].at >= 7 * 3600
    assert feed[-1].at < 12 * 3600
    assert {row["kind"] for row in rows} == {"post", "reply", "comment", "review", "direct_message"}
    assert {tag for row in rows for tag in row["author"].get("tags", ())} == {"press", "regulator"}
    assert {row["author"].get("tier") for row in rows} >= {"vip", "gold"}
    assert len({row["brand"] for row in rows}) == 3
    assert sum(count - 1 for count in Counter(row["id"] for row in rows).values()) == 2
    assert sum("copy" in row["id"] for row in rows) > 50


def test_repeats_name_the_same_author(feed: list[Delivery]) -> None:
    authors: dict[str, set[str]] = {}
    for delivery in feed:
        authors.setdefault(delivery.mention["id"], set()).add(delivery.mention["author"]["id"])
    assert all(len(ids) == 1 for ids in authors.values())


def test_copies_come_after_the_original_and_thin_out(tmp_path: Path) -> None:
    copies = {"count": 10, "until": "09:10:00", "texts": ["{text}", "RT: {text}"], "followers": [1, 2, 3]}
    row = {"at": "09:00:00", "id": "v", "brand": "B", "platform": "x", "kind": "post", "text": "hola"}
    original, *shared = load_feed(feed_file(tmp_path, row | {"attributes": {"story": "viral"}, "copies": copies}))
    assert original.at == 9 * 3600
    times = [delivery.at for delivery in shared]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses == sorted(pauses)
    assert times[-1] == 9 * 3600 + 600
    assert [delivery.mention["text"] for delivery in shared[:3]] == ["hola", "RT: hola", "hola"]
    assert len({delivery.mention["author"]["id"] for delivery in shared}) == 10


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("no json", "line 2: JSONDecodeError"),
        ({"id": "a"}, "line 2: KeyError: 'at'"),
        ({"at": "25:00:00", "id": "a"}, "no time of day"),
        ([], "line 2: TypeError"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: Any, told: str) -> None:
    with pytest.raises(CliError, match=told):
        load_feed(feed_file(tmp_path, {"at": "09:00:00", "id": "a"}, row))


def test_no_feed(tmp_path: Path, run: Run) -> None:
    done = run("demo", "--feed", str(tmp_path / "nothing.jsonl"))
    assert done.exit_code == 1
    assert "--feed" in done.stderr


def test_a_running_stack_needs_its_router(run: Run) -> None:
    done = run("demo", "--url", "http://127.0.0.1:1", "--key", "k")
    assert done.exit_code == 1
    assert "--router-url" in done.stderr


@pytest.mark.parametrize(("now", "day"), [(NOON, 7), (NOON.replace(hour=9, minute=0), 6)])
def test_no_mention_lies_in_the_future(now: datetime, day: int) -> None:
    delivery = Delivery(9.5 * 3600, {"id": "a", "conversation": "c", "in_reply_to": {"id": "p"}})
    ((at, mention),) = on_day([delivery], now, "r-")
    assert at == 9.5 * 3600
    assert mention == {
        "id": "r-a",
        "conversation": "r-c",
        "in_reply_to": {"id": "r-p"},
        "occurred_at": f"2024-05-0{day}T09:30:00-06:00",
    }
    assert delivery.mention["id"] == "a"


def item(priority: str = "P1", queue: str = "press", story: str | None = None) -> dict[str, Any]:
    return {
        "mention": {
            "id": "a",
            "text": "hola\x1b[2J",
            "occurred_at": datetime(2024, 5, 7, 9, 30).astimezone().isoformat(),
            "attributes": {"story": story} if story else {},
        },
        "classification": {
            "inquiry_type": {"label": "complaint"},
            "sentiment": {"label": "negative"},
            "language": "es",
        },
        "routing": {
            "priority": priority,
            "queue": queue,
            "reasons": [{"rule": "complaint", "points": 25}, {"rule": "nothing to do", "points": -40}],
        },
    }


def test_plain_lines() -> None:
    assert plain_line(item()) == "09:30 P1 press complaint/negative es [nothing to do -40, complaint +25] hola [2J"
    assert reasons(item(), 1) == "nothing to do -40"


def test_without_a_terminal_each_routed_mention_is_one_line() -> None:
    out = StringIO()
    played = Played(clock=0)
    with Board(Console(file=out, width=200)) as board:
        for _ in range(2):
            played.routed.append(Routed(item(), 0.1))
            board(played)
            board(played)
    assert out.getvalue().count("\n") == 2


def test_the_summary() -> None:
    out = StringIO()
    played = Played(clock=0, deliveries=5, mention_ids={"1", "2", "3", "4"})
    played.routed = [Routed(item(story="viral"), seconds) for seconds in (0.1, 0.2, 0.3)] + [
        Routed(item("P4", "ideas"), 9)
    ]
    print_summary(Console(file=out, width=200), played, Counter(hit=1, miss=3))
    text = out.getvalue()
    assert "3 of 4 mentions (75%); 3 to press" in text
    assert "Delivered twice, routed once: 1" in text
    assert "p50 0.30 s, p99 9.00 s" in text
    assert "without running the model again: 25%" in text
