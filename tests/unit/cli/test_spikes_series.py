from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.cli.spikes.series import Series, SeriesError, parse_series, read_series

HEAD = "timestamp,value"
NOON = 1_772_366_400  # 2026-03-01 12:00:00 UTC


def parse(*rows: str, head: str = HEAD) -> Series:
    return parse_series([line + "\n" for line in (head, *rows)], "history.csv")


def epochs(*offsets: int) -> Sequence[str]:
    return [f"{NOON + offset},1" for offset in offsets]


@pytest.mark.parametrize(
    "first",
    [
        "2026-03-01 12:00:00",
        "2026-03-01 12:00:00.000000",
        "2026-03-01T12:00:00Z",
        "2026-03-01T13:00:00+01:00",
        "2026-03-01T06:00-06:00",
        f"{NOON}",
        f"{NOON}.0",
    ],
)
def test_ways_to_write_a_time(first: str) -> None:
    series = parse(f"{first},3", f"{NOON + 300},4")
    assert series.at.tolist() == [NOON, NOON + 300]
    assert series.step_seconds == 300
    assert series.timestamps == [first, f"{NOON + 300}"]
    assert series.values.tolist() == [3, 4]


def test_fractions_of_a_second_are_all_the_same() -> None:
    assert parse("2026-03-01 12:00:00.750000,1", "2026-03-01 12:01:00.750000,2").at.tolist() == [NOON, NOON + 60]


def test_what_is_missing_or_empty_is_no_data_and_not_zero() -> None:
    series = parse("2026-03-01 12:00,5", "2026-03-01 12:05,", "2026-03-01 12:20,0", "2026-03-01 12:25,7")
    assert series.step_seconds == 300
    assert series.missing == 2
    np.testing.assert_array_equal(series.on_grid(series.values), [5, np.nan, np.nan, np.nan, 0, 7])


@pytest.mark.parametrize("text", ["", " ", "NaN", "nan", "null", "NA"])
def test_other_tools_spellings_of_no_data(text: str) -> None:
    assert np.isnan(parse(f"{NOON},5", f"{NOON + 60},{text}").values).tolist() == [False, True]


def test_most_rows_may_be_missing() -> None:
    assert parse(*epochs(0, 120, 180, 300, 420, 540)).step_seconds == 60


def test_columns_are_found_by_their_names_and_blank_lines_skipped() -> None:
    lines = ["\ufeff value , label,timestamp\r\n".lstrip("\ufeff"), f'7,"a, b",{NOON}\r\n', "\r\n", f"8,,{NOON + 60}"]
    series = parse_series(lines, "x")
    assert series.values.tolist() == [7, 8]


@pytest.mark.parametrize("month", [3, 10])
def test_clocks_that_change_with_their_offsets_written(month: int) -> None:
    day = datetime(2026, month, 29 if month == 3 else 25, tzinfo=ZoneInfo("UTC"))
    moments = [(day + timedelta(minutes=15 * n)).astimezone(ZoneInfo("Europe/Madrid")) for n in range(12)]
    series = parse(*(f"{moment.isoformat()},1" for moment in moments))
    assert len({moment.utcoffset() for moment in moments}) == 2
    assert (series.step_seconds, series.missing) == (900, 0)


def test_a_clock_that_is_put_forward_leaves_an_hour_without_data() -> None:
    series = parse("2026-03-29 01:00,1", "2026-03-29 01:30,1", "2026-03-29 03:00,1", "2026-03-29 03:30,1")
    assert (series.step_seconds, series.missing) == (1800, 2)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["2026-10-25 02:00,1", "2026-10-25 02:30,1", "2026-10-25 02:00,1"], "line 4: earlier than line 3: sort"),
        (["2026-10-25 02:00,1", "2026-10-25 02:30,1", "2026-10-25 02:30,1"], "line 4: the same time as line 3: keep"),
        ([f"{NOON},-1", f"{NOON + 60},1"], "line 2: the value is negative"),
        ([f"{NOON},1", f"{NOON + 60},secret"], "line 3: the value is no number"),
        ([f"{NOON},1", f"{NOON + 60},inf"], "line 3: the value is no number"),
        ([f"{NOON},1", f"{NOON + 60},1_0"], "line 3: the value is no number"),
        ([f"{NOON},1e13"], "line 2: the value is above"),
        (["secret,1"], "line 2: the timestamp is none: write 2026-"),
        ([",1"], "line 2: the timestamp is none"),
        ([f"{NOON}000,1"], "line 2: the timestamp is no number of seconds since the epoch: divide milliseconds"),
        (["1969-12-31 23:00,1"], "line 2: the timestamp lies before 1970"),
        ([f"{NOON},1,000"], "line 2: 3 columns where the first line has 2"),
        ([f"{NOON}"], "line 2: 1 columns where the first line has 2"),
        (epochs(0, 300, 600, 901, 1201), "line 5: 301 s after the row before, while most rows are 300 s apart"),
        (epochs(0, 299, 600, 900, 1200, 1500), "line 3: 299 s after"),
        ([f"{NOON},1", f"{NOON}.5,1"], "rows 0.5 s apart: sum them up"),
        (epochs(0, 172_800), "rows 2 days apart: the longest step is a day"),
        (epochs(0, 1, 2, 9_000_000), "more than 5,000,000 rows of 1 s"),
        (epochs(0), "1 rows: the step between rows shows from two on"),
        ([], "0 rows"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_to_do(rows: Sequence[str], told: str) -> None:
    with pytest.raises(SeriesError) as raised:
        parse(*rows)
    assert str(raised.value).startswith("history.csv")
    assert told in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("head", ["", "time,count", "2026-03-01 12:00,1", "value"])
def test_columns_without_names(head: str) -> None:
    with pytest.raises(SeriesError, match="line 1: the columns are not named: write `timestamp,value`"):
        parse(*epochs(0, 60), head=head)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], str]:
    def write(content: bytes) -> str:
        path = tmp_path / "history.csv"
        path.write_bytes(content)
        return str(path)

    return write


def test_a_file_with_a_byte_order_mark(file: Callable[[bytes], str]) -> None:
    assert read_series(file(b"\xef\xbb\xbftimestamp,value\r\n60,1\r\n120,2\r\n")).values.tolist() == [1, 2]


def test_a_file_that_is_not_text(file: Callable[[bytes], str]) -> None:
    with pytest.raises(SeriesError, match="line 3: the value is no number"):
        read_series(file(b"timestamp,value\n60,1\n120,\xff\xfe\n"))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_series(str(tmp_path / "nothing.csv"))
