import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.http.problems import Problem
from services.router.cursor import decode_cursor, encode_cursor

OFFSETS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=40)


@given(OFFSETS, st.integers(1, 300))
def test_what_was_encoded_is_decoded(offsets: list[int], generation: int) -> None:
    assert decode_cursor(encode_cursor(generation, offsets), generation, len(offsets)) == offsets


@given(st.text(max_size=40) | st.binary(max_size=30).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_text_is_refused_or_is_a_cursor_in_its_only_spelling(text: str) -> None:
    try:
        spelling = encode_cursor(1, decode_cursor(text, 1, 3))
    except Problem:
        return
    assert spelling == text


GOOD = encode_cursor(1, [1, 200, 70_000])


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD + "=",
        GOOD[:-1],
        GOOD + "A",
        f" {GOOD}",
        "?",
        "ñ",
        encode_cursor(2, [1, 200, 70_000]),  # another generation of the topic
        encode_cursor(1, [1, 200]),  # another number of partitions
        base64.urlsafe_b64encode(bytes([2, 1, 1, 1, 1])).decode().rstrip("="),  # another version
        base64.urlsafe_b64encode(bytes([1, 1, 0x81, 0x00, 1, 1])).decode().rstrip("="),  # 1 in two bytes
        base64.urlsafe_b64encode(bytes([1, 1, 1, 1, 0x81])).decode().rstrip("="),  # cut off
        base64.urlsafe_b64encode(bytes([1, 1, 1, 1, *[0xFF] * 40, 1])).decode().rstrip("="),  # longer than any offset
        "A" * 20_000,
    ],
)
def test_bad_cursors_say_how_to_go_on(text: str) -> None:
    with pytest.raises(Problem) as caught:
        decode_cursor(text, 1, 3)
    assert (caught.value.status, caught.value.code) == (400, "invalid_cursor")
    assert "start without a cursor" in caught.value.detail
    assert "last next_cursor" in caught.value.detail


def test_cursors_fit_any_url() -> None:
    assert len(encode_cursor(1, [1_000_000_000] * 12)) < 200
