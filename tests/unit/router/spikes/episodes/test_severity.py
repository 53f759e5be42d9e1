import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.spikes.episodes.policy import SeverityPolicy
from services.router.spikes.episodes.severity import distance, severity

POLICY = SeverityPolicy()
DOCS = Path(__file__).parents[5] / "docs/episodes.md"

COUNTS = st.floats(0, 1e7)
SECONDS = st.floats(0, 1e6)
NEGATIVES = st.floats(-1, 1)
REACH = st.floats(0, 1e10)


def severity_of(observed: float, normal: float, seconds: float, negative: float | None, reach: float) -> int:
    return severity(POLICY, distance(POLICY, observed, normal), seconds, negative, reach)


@given(COUNTS, COUNTS, COUNTS, SECONDS, NEGATIVES, REACH)
def test_more_mentions_are_never_milder(a: float, b: float, normal: float, s: float, n: float, r: float) -> None:
    assert severity_of(min(a, b), normal, s, n, r) <= severity_of(max(a, b), normal, s, n, r)


@given(COUNTS, COUNTS, COUNTS, SECONDS, NEGATIVES, REACH)
def test_more_that_is_normal_is_never_worse(observed: float, a: float, b: float, s: float, n: float, r: float) -> None:
    assert severity_of(observed, min(a, b), s, n, r) >= severity_of(observed, max(a, b), s, n, r)


@given(COUNTS, COUNTS, SECONDS, SECONDS, NEGATIVES, REACH)
def test_longer_is_never_milder(observed: float, normal: float, a: float, b: float, n: float, r: float) -> None:
    assert severity_of(observed, normal, min(a, b), n, r) <= severity_of(observed, normal, max(a, b), n, r)


@given(COUNTS, COUNTS, SECONDS, NEGATIVES, NEGATIVES, REACH)
def test_angrier_is_never_milder(observed: float, normal: float, s: float, a: float, b: float, r: float) -> None:
    assert severity_of(observed, normal, s, min(a, b), r) <= severity_of(observed, normal, s, max(a, b), r)


@given(COUNTS, COUNTS, SECONDS, NEGATIVES, REACH, REACH)
def test_farther_reach_is_never_milder(observed: float, normal: float, s: float, n: float, a: float, b: float) -> None:
    assert severity_of(observed, normal, s, n, min(a, b)) <= severity_of(observed, normal, s, n, max(a, b))


@given(COUNTS, COUNTS, SECONDS, st.none() | NEGATIVES, REACH)
def test_it_is_from_1_to_10(observed: float, normal: float, s: float, n: float | None, r: float) -> None:
    assert 1 <= severity_of(observed, normal, s, n, r) <= 10


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        ((1e9, 0, 0, 0, 0), 6),
        ((1e9, 0, 1e9, 0, 0), 8),  # 1 + 5 + 1.5, rounded
        ((1e9, 0, 1e9, 1, 0), 9),
        ((1e9, 0, 1e9, 1, 1e9), 10),
        ((10, 10, 1e9, 1, 1e9), 1),  # nothing is above normal
    ],
)
def test_each_term_has_its_range(most: tuple[float, float, float, float, float], expected: int) -> None:
    assert severity_of(*most) == expected


def test_three_mentions_instead_of_none_are_mild() -> None:
    assert severity_of(3, 0, 60, None, 0) == 2
    assert severity_of(300, 30, 60, None, 0) == 4


def test_the_examples_in_the_docs_are_right() -> None:
    rows = re.findall(r"^\| [^|]+ \| ([\d,]+) \| ([\d,]+) \| (\d+) min \| ([^|]+) \| ([\d,]+) \| (\d+) \|$",
                      DOCS.read_text(), re.M)  # fmt: skip
    assert len(rows) >= 7
    for observed, normal, minutes, above, reach, expected in rows:
        negative = None if above == "not known" else float(above.strip("+ %")) / 100
        far = distance(POLICY, number(observed), number(normal))
        found = severity(POLICY, far, int(minutes) * 60, negative, number(reach))
        assert (observed, normal, found) == (observed, normal, int(expected))


def number(text: str) -> float:
    return float(text.replace(",", ""))
