import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.http.problems import Problem
from services.router.cursor import decode_cursor, encode_cursor

OFFSETS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=40)


LOG = "0123456789abcdef"


@given(OFFSETS, st.integers(1, 300))
def test_what_was_encoded_is_decoded(offsets: list[int], generation: int) -> None:
    assert decode_cursor(encode_cursor(generation, LOG, offsets), LOG) == (generation, offsets)


@given(st.text(max_size=40) | st.binary(max_size=30).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_text_is_refused_or_is_a_cursor_in_its_only_spelling(text: str) -> None:
    try:
        generation, offsets = decode_cursor(text, LOG)
    except Problem:
        return
    assert encode_cursor(generation, LOG, offsets) == text


def spelled(raw: str) -> str:
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


GOOD = encode_cursor(1, LOG, [1, 200, 70_000])


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
        encode_cursor(0, LOG, [1, 200, 70_000]),  # of no generation
        encode_cursor(-1, LOG, [1, 200, 70_000]),
        spelled(f'[2,true,"{LOG}",1,200,70000]'),
        encode_cursor(1, "fedcba9876543210", [1, 200, 70_000]),  # another log
        spelled(f'[1,1,"{LOG}",1,200,70000]'),  # another version
        spelled("[2,1,1,200,70000]"),  # of no log
        spelled(f'[2,1,"{LOG}",1, 200,70000]'),  # another spelling
        spelled(f'[2,1,"{LOG}",1,200,7e4]'),
        spelled(f'[2,1,"{LOG}",1,200,true]'),
        spelled(f'[2,1,"{LOG}",1,200,7'),  # cut off
        spelled(f'[2,1,"{LOG}",1,200,{10**40}]'),  # longer than any offset
        "A" * 20_000,
    ],
)
def test_bad_cursors_say_how_to_go_on(text: str) -> None:
    with pytest.raises(Problem) as caught:
        decode_cursor(text, LOG)
    assert (caught.value.status, caught.value.code) == (400, "invalid_cursor")
    assert "start without a cursor" in caught.value.detail
    assert "last next_cursor" in caught.value.detail


def test_cursors_fit_any_url() -> None:
    assert len(encode_cursor(1, LOG, [1_000_000_000] * 12)) < 250
