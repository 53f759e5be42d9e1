"""How well and how fast personal data is found: `python -m bench.personal_data [--misses]`.

`bench/data/personal-data.tsv` has one invented text a line, more than half of them with nothing to find: its part, the
language or the tag that a platform states, and the text, with what is to be found as `{kind:value}`. Check digits are
right, the numbers behind them made up. The rules were written with the part `tuned` in sight; the other parts were
written afterwards, and docs/personal-data.md says what was found in them at first sight.
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from bench.report import Row, report
from services.classify.personal_data.detect import find
from services.classify.personal_data.finding import Finding, Kind, redact
from services.classify.personal_data.regions import regions_of

_ROWS: Final = Path(__file__).parent / "data" / "personal-data.tsv"
_MENTIONS: Final = Path(__file__).parents[1] / "data" / "mentions"
_MARKED: Final = re.compile(r"\{([a-z_]+):([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text, where it comes from, and what is to be found in it."""

    part: str
    tag: str
    text: str
    expected: tuple[Finding, ...]

    def found(self, *, stated: bool = True) -> list[Finding]:
        """What is found; `stated`: the platform states the tag, else only its language is known."""
        return find(self.text, regions_of(self.tag if stated else "", self.tag[:2]))


def marked_texts() -> Iterator[MarkedText]:
    """The rows of the file."""
    for line in _ROWS.read_text("utf-8").splitlines():
        part, tag, marked = line.split("\t")
        text, end, expected = "", 0, []
        for match in _MARKED.finditer(marked):
            text += marked[end : match.start()]
            expected.append(Finding(Kind(match[1]), len(text), len(text) + len(match[2])))
            text, end = text + match[2], match.end()
        yield MarkedText(part, tag, text + marked[end:], tuple(expected))


@dataclass(slots=True)
class Score:
    """Counts by kind. A finding is right where one of its kind is expected and they overlap."""

    right: Counter[Kind]
    missed: Counter[Kind]
    false: Counter[Kind]

    def precision(self) -> float:
        """Share of the findings that are right."""
        return self.right.total() / (self.right.total() + self.false.total())

    def recall(self) -> float:
        """Share of what was to be found."""
        return self.right.total() / (self.right.total() + self.missed.total())


def score(rows: Sequence[MarkedText], *, stated: bool = True) -> Score:
    """The counts over these rows."""
    counts = Score(Counter(), Counter(), Counter())
    for row in rows:
        found = row.found(stated=stated)
        for expected in row.expected:
            (counts.right if _overlaps(expected, found) else counts.missed)[expected.kind] += 1
        counts.false.update(each.kind for each in found if not _overlaps(each, row.expected))
    return counts


def _overlaps(one: Finding, others: Sequence[Finding]) -> bool:
    return any(one.kind == other.kind and one.start < other.end and other.start < one.end for other in others)


def main() -> None:
    """Measure, print and write `bench/results/personal_data.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="print the rows that are not exactly as expected")
    parser.add_argument("--quick", action="store_true", help="changes nothing: it takes seconds")
    rows = list(marked_texts())
    if parser.parse_args().misses:
        for row in rows:
            if (found := row.found()) != list(row.expected):
                print(f"{row.tag:6} {row.text}\n    -> {redact(row.text, found)}")
    total, without_country = score(rows), score(rows, stated=False)
    figures = [
        Row("texts", len(rows), "texts"),
        Row("without anything to find", sum(not r.expected for r in rows), "texts"),
    ]
    for kind in Kind:
        right, missed, false = total.right[kind], total.missed[kind], total.false[kind]
        figures += [
            Row(f"{kind}: precision", 100 * right / (right + false), "%"),
            Row(f"{kind}: recall, of {right + missed}", 100 * right / (right + missed), "%"),
        ]
    for name, counts in (("all", total), ("all, only the language known", without_country)):
        figures += [
            Row(f"{name}: precision", 100 * counts.precision(), "%", 95),
            Row(f"{name}: recall", 100 * counts.recall(), "%", 95),
        ]
    report("personal_data", [*figures, *_on_mentions()])


def _on_mentions() -> list[Row]:
    """On the written mentions, which hold hardly any personal data: what is found, and how long it takes."""
    mentions = [
        orjson.loads(line) for path in sorted(_MENTIONS.glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]
    seconds, found = [], 0
    for mention in mentions:
        regions = regions_of("", mention["lang"])
        started = time.thread_time()
        found += bool(find(mention["text"], regions))
        seconds.append(time.thread_time() - started)
    seconds.sort()
    return [
        Row("written mentions", len(mentions), "texts"),
        Row("written mentions with a finding", found, "texts"),
        Row("time per text, mean", 1e6 * sum(seconds) / len(seconds), "µs"),
        Row("time per text, median", 1e6 * seconds[len(seconds) // 2], "µs"),
        Row("time per text, 99 in 100 below", 1e6 * seconds[len(seconds) * 99 // 100], "µs"),
    ]


if __name__ == "__main__":
    main()
