import json
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from mention_triage.v1.alert_pb2 import SpikeAlert, SpikeCause, SpikeEvent, SpikeEvidence, SpikePost, SpikeSeries
from services.cli.demo.alerts import Announced, alert_line, alerts_from_now, new_alerts
from services.cli.demo.board import Board, plain_line, reasons
from services.cli.demo.feed import DEFAULT_FEED, Delivery, load_feed, on_day
from services.cli.demo.normal import viral_brands, write_baselines
from services.cli.demo.playing import Played, Routed
from services.cli.demo.summary import print_summary
from services.cli.errors import CliError
from services.common.contracts.records import event_record
from services.common.contracts.views import alert_view
from services.common.log.port import NewRecord
from services.common.log.topics import ALERTS
from services.common.settings import CommonSettings
from services.ingest.models import PostedMention
from services.router.spikes.baselines import load_baselines
from services.router.spikes.detector import advance
from tests.unit.cli.conftest import Run, WriteLog
from tests.unit.cli.records import START_MS

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


def alert(brand: str = "Telandia", normal: float = 36) -> SpikeAlert:
    return SpikeAlert(
        alert_id="a1",
        episode_id="e1",
        event=SpikeEvent.SPIKE_EVENT_STARTED,
        tenant="demo",
        brand=brand,
        severity=6,
        cause=SpikeCause.SPIKE_CAUSE_VIRALITY,
        evidence=[
            SpikeEvidence(name="top_texts_share", value=0.8213, normal=0.05),
            SpikeEvidence(name="press_mentions", value=2),
        ],
        series=[SpikeSeries(observed_per_minute=270, expected_per_minute=normal)],
        mentions=1_096,
        authors=1_094,
        posts=[SpikePost(post_id="p\x1b1", platform="x", mentions=72, copies=True)],
    )


def alert_record(number: int, brand: str) -> NewRecord:
    made = alert(brand)
    return event_record(
        ALERTS, number % 3, made.tenant, made, event_id=str(number), source="router", timestamp_ms=START_MS + number
    )


def test_an_alert_in_one_line() -> None:
    assert alert_line(alert_view(alert())) == (
        "SPIKE started: Telandia, severity 6 of 10, ×7.5, 270 a minute where 36 are normal; cause: virality"
        " (top texts share 0.82, normally 0.05, press mentions 2); 1,096 mentions by 1,094 authors"
    )
    assert "×" not in alert_line(alert_view(alert(normal=0)))


async def test_alerts_of_the_feeds_brands_are_read_as_they_come(write_log: WriteLog, data_dir: Path) -> None:
    def write(*records: NewRecord) -> None:
        thread = Thread(target=write_log, args=(records,))  # it has an event loop of its own
        thread.start()
        thread.join()

    write(alert_record(1, "Telandia"))
    async with alerts_from_now(CommonSettings(data_dir=data_dir)) as stream:
        brands = frozenset(["Telandia"])
        assert await new_alerts(stream, brands, 5.0) == []
        write(alert_record(2, "Telandia"), alert_record(3, "Mercaviva"))
        assert await new_alerts(stream, brands, 6.0) == [Announced(alert_view(alert()), 6.0)]
        assert await new_alerts(stream, brands, 7.0) == []


def test_the_brand_of_the_viral_story_has_a_baseline_at_the_pace_of_the_demo(
    feed: list[Delivery], tmp_path: Path
) -> None:
    now, speed = 1_772_366_407.0, 240
    write_baselines(tmp_path / "b.json", feed, speed, now)
    assert viral_brands(feed) == {"Telandia"}
    ((key, baseline),) = load_baselines(tmp_path / "b.json").items()
    assert key == ("demo", "Telandia", "")
    assert baseline.until == 1_772_366_400
    normal = [each for each in feed if each.mention["brand"] == "Telandia" and "attributes" not in each.mention]
    each_row = len(normal) / (feed[-1].at - feed[0].at) * speed * 10
    rows = [advance(baseline.state, baseline.until + 10 * n, np.array([each_row])) for n in range(60)]
    assert np.mean([said.expected[0] for said in rows]) == pytest.approx(each_row, rel=0.2)
    assert not any(said.spiking[0] for said in rows)


def item(priority: str = "P1", queue: str = "press", story: str | None = None) -> dict[str, Any]:
    return {
        "mention": {
            "id": "a",
            "text": "hola\x1b[2J",
            "received_at": "2024-05-07T16:00:00Z",
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


def test_without_a_terminal_each_alert_is_one_line() -> None:
    out = StringIO()
    played = Played(clock=0, announced=[])
    with Board(Console(file=out, width=200)) as board:
        board(played)
        played.announced = [Announced(alert_view(alert()), 5.0)]
        board(played)
        board(played)
    assert out.getvalue() == alert_line(alert_view(alert())) + "\n"


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
    assert "pike" not in text


def summary_lines(announced: list[Announced]) -> list[str]:
    out = StringIO()
    played = Played(clock=0, routed=[Routed(item(story="viral"), 0.1)], announced=announced)
    print_summary(Console(file=out, width=300), played, None)
    return [line.strip() for line in out.getvalue().splitlines()]


def test_the_summary_tells_the_spike_and_what_is_behind_it() -> None:
    received = datetime(2024, 5, 7, 16, tzinfo=UTC).timestamp()
    view = alert_view(alert())
    lines = summary_lines([Announced(view, received + 14.2)])
    assert f"{alert_line(view)}; announced 14 s after the first of them was received" in lines
    assert "Behind it: 72 copies of x/p 1" in lines


def test_the_summary_of_a_spike_that_was_not_seen() -> None:
    assert "No spike was announced" in summary_lines([])
