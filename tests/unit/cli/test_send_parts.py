import io
import os
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.send.delivery import _retry_after
from services.cli.send.lines import read_batches
from services.cli.send.state import default_state_path


class Pieces(io.RawIOBase):
    """A stream whose reads give these pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def read(self, size: int = -1, /) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


@given(st.lists(st.binary(max_size=12) | st.just(b"\n") | st.just(b"a\n\nb\n")), st.integers(1, 4), st.booleans())
def test_batches_are_the_lines_however_they_arrive(pieces: list[bytes], size: int, live: bool) -> None:
    content = b"".join(pieces)
    batches = list(read_batches(Pieces(pieces), size, live=live))
    assert b"".join(batch.raw for batch in batches) == content
    expected = [(n, line.strip()) for n, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    assert [pair for batch in batches for pair in zip(batch.numbers, batch.events, strict=True)] == expected
    assert all(len(batch.events) <= size for batch in batches)


def test_a_batch_is_bounded_in_bytes() -> None:
    line = b"x" * (1 << 20) + b"\n"
    batches = list(read_batches(Pieces([line * 9]), 1_000))
    assert [len(batch.events) for batch in batches] == [3, 3, 3]


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", 0.0), ("", 0.0)])
def test_retry_after_in_seconds(value: str, seconds: float) -> None:
    assert _retry_after(httpx.Response(429, headers={"Retry-After": value})) == seconds


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < _retry_after(httpx.Response(503, headers={"Retry-After": later})) <= 90
    assert _retry_after(httpx.Response(503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})) == 0


def test_the_state_lies_beside_the_file(tmp_path: Path) -> None:
    assert default_state_path(tmp_path / "a.jsonl", tmp_path / "var") == tmp_path / "a.jsonl.sent"


def test_the_state_of_a_file_in_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    state = default_state_path(Path("/data/of/others.jsonl"), tmp_path)
    assert state == tmp_path / "sent" / "data_of_others.jsonl.sent"
