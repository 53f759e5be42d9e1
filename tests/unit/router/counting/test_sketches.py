"""Summaries: exact while little was counted, within their bounds when much was, and the same in every process."""

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable

import pytest

from mention_triage.v1.counts_pb2 import Sketches
from services.router.counting.reach import SAMPLED_AUTHORS, ReachSample
from services.router.counting.sketches import Summary
from services.router.counting.texts import Features


def text(number: int) -> Features:
    return Features(f"{number:016x}", (), ())


def merged(summaries: Iterable[Summary]) -> Summary:
    total = Summary()
    for summary in summaries:
        total.merge(summary.to_proto())
    return total


def test_an_empty_summary_says_nothing() -> None:
    for summary in (Summary(), merged([Summary()])):
        assert (summary.authors(), summary.reach(), summary.texts(9), summary.example(1)) == (0, 0, [], None)
        assert summary.roots(9) == summary.links(9) == summary.tags(9) == summary.author_tags(9) == []


def test_little_is_exact_and_survives_merging() -> None:
    first, second = Summary(), Summary()
    for summary, author in ((first, "a"), (second, "a"), (second, "b")):
        summary.add_author(author, ["press"])
        summary.add_reach(author, 100)
        summary.add_root("root")
        summary.add_text(Features("00000000000000ff", ("https://example.com",), ("tag",)), f"by-{author}")
    total = merged([first, second])
    assert (round(total.authors(), 3), total.reach()) == (2, 200)
    assert total.texts(9) == [(255, 3)]
    assert total.example(255) == "by-a"
    assert total.author_tags(9) == [("press", 3)]
    assert (total.roots(9), total.links(9), total.tags(9)) == (
        [("root", 3)],
        [("https://example.com", 3)],
        [("tag", 3)],
    )


def test_the_heaviest_come_first_and_equal_ones_in_order() -> None:
    summary = Summary()
    for root in ("b", "a", "c", "c"):
        summary.add_root(root)
    assert summary.roots(2) == [("c", 2), ("a", 1)]


def test_distinct_authors_are_within_the_error() -> None:
    parts = [Summary() for _ in range(12)]
    for n in range(30_000):
        parts[n % 12].add_author(f"acme/x/{n % 10_000}", ())
    assert merged(parts).authors() == pytest.approx(10_000, rel=3 * 0.023)


def test_heavy_items_are_found_within_the_bound_among_many_light_ones() -> None:
    draw, true = random.Random(7), Counter[int]()
    parts = [Summary() for _ in range(24)]
    for n in range(24_000):
        number = n if draw.random() < 0.7 else int(draw.paretovariate(1.0)) % 40 + 1_000_000
        true[number] += 1
        parts[n % 24].add_text(text(number), f"{number}")
    total = merged(parts)
    bound = 2 * 3.5 / 256 * 24_000  # of the parts and of their sum
    heavy = {number: count for number, count in true.items() if count > bound}
    found = dict(total.texts(100))
    assert len(heavy) >= 2
    for number, count in heavy.items():
        assert count - bound <= found[number] <= count
        assert total.example(number) == f"{number}"


def test_reach_is_exact_while_the_authors_are_few() -> None:
    sample = ReachSample()
    for n in range(SAMPLED_AUTHORS):
        sample.add(f"{n}", 10**9 if n == 0 else n)
        sample.add(f"{n}", 10**9 if n == 0 else n)  # again: counts once
    assert sample.estimate() == 10**9 + sum(range(SAMPLED_AUTHORS))


def test_the_newer_number_of_followers_holds() -> None:
    sample = ReachSample()
    sample.add("a", 10)
    sample.add("a", 12)
    assert sample.estimate() == 12


@pytest.mark.parametrize("shape", [0.8, 1.1, 2.0])
def test_reach_is_within_its_error_whatever_the_followers_are_like(shape: float) -> None:
    squares: list[float] = []
    for trial in range(40):
        draw, parts = random.Random(trial), [ReachSample() for _ in range(6)]
        followers = {f"{trial}/{n}": 1 + int(50 * draw.paretovariate(shape)) for n in range(2_000)}
        for n, (author, count) in enumerate(followers.items()):
            parts[n % 6].add(author, count)
            parts[(n + 1) % 6].add(author, count)  # seen in two places
        total = ReachSample()
        for part in parts:
            reach = part.to_proto()
            total.merge(reach.authors, reach.followers)
        squares.append((total.estimate() / sum(followers.values()) - 1) ** 2)
    standard_error = (sum(squares) / len(squares)) ** 0.5
    assert standard_error <= (SAMPLED_AUTHORS - 1) ** -0.5


def test_memory_is_bounded() -> None:
    summary = Summary()
    sizes: list[int] = []
    for n in range(20_000):
        summary.add_author(f"{n}", [f"tag-{n}"])
        summary.add_reach(f"{n}", n + 1)
        summary.add_text(text(n * 7919), f"{n}")
        summary.add_root(f"{n}")
        if n in (4_999, 19_999):
            sizes.append(summary.to_proto().ByteSize())
    assert sizes[1] < 1.5 * sizes[0] < 60_000


def test_long_items_take_no_more_than_short_ones_and_the_heaviest_are_kept() -> None:
    summary = Summary()
    for n in range(300):
        long = f"{n:03}".ljust(200, "x")
        summary.add_text(Features(f"{n:016x}", (long, "often"), (long, "often")), long)
        summary.add_root(long)
        for _ in range(3):
            summary.add_root("often")
    written = summary.to_proto()
    assert written.ByteSize() < 32_000
    again = merged([summary])
    assert again.links(1) == again.tags(1) == summary.links(1)
    assert again.roots(1) == summary.roots(1)
    assert 20 < len(again.links(300)) < 40
    heaviest, _ = again.texts(1)[0]
    assert again.example(heaviest) == summary.example(heaviest) is not None


def test_a_restored_summary_goes_on_as_one_that_never_stopped() -> None:
    draw, kept = random.Random(3), Summary()
    for _ in range(30):
        part = Summary()
        for n in (int(draw.paretovariate(0.6)) % 50_000 for _ in range(300)):
            part.add_author(f"{n % 9_000}", [f"tag-{n % 300}"])
            part.add_reach(f"{n % 9_000}", n + 1)
            part.add_text(text(n), f"{n}")
            part.add_root(f"{n % 3_000}")
        restored = Summary()
        restored.merge(Sketches.FromString(kept.dump().SerializeToString()))
        for summary in (kept, restored):
            summary.merge(part.to_proto())
        assert restored.to_proto() == kept.to_proto()
        assert (restored.authors(), restored.reach()) == (kept.authors(), kept.reach())


_SCRIPT = """
from services.router.counting.sketches import Summary
from services.router.counting.texts import features
summary = Summary()
for n in range(3_000):
    summary.add_author(f"acme/x/{n}", ["press"] * (n % 2))
    summary.add_reach(f"acme/x/{n}", n + 1)
    text = f"the same words as always, number {n % 700} #tag{n % 300} https://example.com/{n}"
    summary.add_text(features(text), f"{n}")
    summary.add_root(f"{n % 400}")
print(summary.to_proto().SerializeToString(deterministic=True).hex())
"""


def test_no_hash_depends_on_the_process() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _SCRIPT], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 10_000
