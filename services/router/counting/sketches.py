"""What the mentions of a series have in common, in bounded memory: sketches that merge."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Final, Literal, get_args

import datasketches as ds  # type: ignore[import-untyped]

from mention_triage.v1.counts_pb2 import Sketches
from services.router.counting.reach import ReachSample
from services.router.counting.texts import Features

_HLL_LG_K: Final = 11  # relative standard error 1.04 / sqrt(2^11) = 2.3 %; exact up to a few hundred authors
_ITEMS_LG_SIZE: Final = 8  # a count is too low by at most 3.5 / 2^8 = 1.4 % of all that was counted
# Of the items of one kind, and of the examples, as they are written. A full sketch of hashes takes less; one of the
# long links that a flood invents would take 40 KB and more. The heaviest that fit are written, with the lower bounds
# of their counts.
_ITEMS_BYTES: Final = 5_500
_SKETCH_BYTES: Final = 32  # before the items, as the library writes them
_ITEM_BYTES: Final = 12  # beside each item: its count and its length
_EXAMPLES: Final = 32
_EXAMPLES_BOUND: Final = 8 * _EXAMPLES


_Kind = Literal["texts", "roots", "links", "tags", "author_tags"]
_KINDS: Final[tuple[_Kind, ...]] = get_args(_Kind)


class Summary:
    """Sketches of the mentions of one series, bounded: docs/episodes.md says how much memory they take.

    Libraries hash with fixed seeds: the same mentions in the same order give the same bytes in every process.
    """

    __slots__ = ("_authors", "_examples", "_items", "_reach")

    def __init__(self) -> None:
        self._authors = ds.hll_union(_HLL_LG_K)
        self._reach = ReachSample()
        self._items: dict[_Kind, ds.frequent_strings_sketch] = {}  # made when the first item comes
        self._examples: dict[str, str] = {}

    def add_author(self, customer_key: str, tags: Iterable[str]) -> None:
        """Count who wrote a mention, and the tenant's marks on them."""
        self._authors.update(customer_key)
        for tag in tags:
            self._of("author_tags").update(tag)

    def add_reach(self, customer_key: str, followers: int) -> None:
        """Count the followers, more than 0, of a public mention's author."""
        self._reach.add(customer_key, followers)

    def add_text(self, found: Features, post: str) -> None:
        """Count the text of a public mention. `post` names the mention over all platforms: `platform/identifier`."""
        if found.copy:
            self._of("texts").update(found.copy)
            self._examples.setdefault(found.copy, post)
        for link in found.links:
            self._of("links").update(link)
        for tag in found.tags:
            self._of("tags").update(tag)

    def add_root(self, root: str) -> None:
        """Count a public mention to the post that it answers or belongs to, named likewise."""
        self._of("roots").update(root)

    def merge(self, sketches: Sketches) -> None:
        """Add what others have counted: `to_proto` of theirs."""
        if sketches.authors:
            self._authors.update(ds.hll_sketch.deserialize(sketches.authors))
        if sketches.HasField("reach"):
            self._reach.merge(sketches.reach.authors, sketches.reach.followers)
        for kind in _KINDS:
            if serialised := getattr(sketches, kind):
                self._of(kind).merge(ds.frequent_strings_sketch.deserialize(serialised))
        for text, post in sketches.examples.items():
            self._examples.setdefault(f"{text:016x}", post)
        if len(self._examples) > _EXAMPLES_BOUND:
            self._examples = self._kept_examples()

    def dump(self) -> Sketches:
        """`to_proto`, to be kept: from here on this summary goes on exactly as one into which the dump was merged.

        What the sketches hold in memory has another order than what they write, and what they drop when full depends
        on it: a summary that was restored would differ a little from one that never stopped.
        """
        kept = self.to_proto()
        fresh = Summary()
        fresh.merge(kept)
        self._authors, self._reach, self._items, self._examples = (
            fresh._authors,
            fresh._reach,
            fresh._items,
            fresh._examples,
        )
        return kept

    def to_proto(self) -> Sketches:
        """All of it, for `merge`."""
        return Sketches(
            authors=self._authors.get_result(ds.tgt_hll_type.HLL_4).serialize_compact(),
            reach=self._reach.to_proto() if self._reach else None,
            examples={int(text, 16): post for text, post in self._kept_examples().items()},
            **{kind: self._written(kind) for kind in self._items},
        )

    def authors(self) -> float:
        """Distinct customers, about."""
        return float(self._authors.get_estimate())

    def reach(self) -> float:
        """Followers of the distinct authors of public mentions, about."""
        return self._reach.estimate()

    def texts(self, most: int) -> list[tuple[int, int]]:
        """Hashes of the texts that were written most, with lower bounds of how often, heaviest first."""
        return [(int(text, 16), count) for text, count in self._heaviest("texts", most)]

    def example(self, text: int) -> str | None:
        """A mention with the text of this hash, as `add_text` got it, if that text is heavy."""
        return self._examples.get(f"{text:016x}")

    def roots(self, most: int) -> list[tuple[str, int]]:
        """Posts that most public mentions answer or belong to, as `add_root` got them, likewise."""
        return self._heaviest("roots", most)

    def links(self, most: int) -> list[tuple[str, int]]:
        """Links shared most, without their query, likewise."""
        return self._heaviest("links", most)

    def tags(self, most: int) -> list[tuple[str, int]]:
        """Hashtags used most, casefolded, likewise."""
        return self._heaviest("tags", most)

    def author_tags(self, most: int) -> list[tuple[str, int]]:
        """The tenant's marks on the authors of most mentions, likewise."""
        return self._heaviest("author_tags", most)

    def _of(self, kind: _Kind) -> "ds.frequent_strings_sketch":
        if (sketch := self._items.get(kind)) is None:
            sketch = self._items[kind] = ds.frequent_strings_sketch(_ITEMS_LG_SIZE)
        return sketch

    def _written(self, kind: _Kind) -> bytes:
        sketch = self._items[kind]
        if sketch.get_serialized_size_bytes() > _ITEMS_BYTES:
            heaviest, sketch = self._heaviest(kind), ds.frequent_strings_sketch(_ITEMS_LG_SIZE)
            for item, count in heaviest[: _fitting((item for item, _ in heaviest), _ITEMS_BYTES - _SKETCH_BYTES)]:
                sketch.update(item, count)
        return bytes(sketch.serialize())

    def _heaviest(self, kind: _Kind, most: int | None = None) -> list[tuple[str, int]]:
        """The items counted most, with lower bounds of their counts; equal ones in alphabetical order."""
        if (sketch := self._items.get(kind)) is None:
            return []
        # Each row is an item, its estimate, its lower and its upper bound.
        rows = sketch.get_frequent_items(ds.frequent_items_error_type.NO_FALSE_NEGATIVES)
        return sorted(((row[0], row[2]) for row in rows), key=lambda item: (-item[1], item[0]))[:most]

    def _kept_examples(self) -> dict[str, str]:
        known = self._examples
        if len(known) <= _EXAMPLES and _fitting(known.values(), _ITEMS_BYTES) == len(known):
            return known
        kept = [text for text, _ in self._heaviest("texts") if text in known][:_EXAMPLES]
        return {text: known[text] for text in kept[: _fitting(map(known.__getitem__, kept), _ITEMS_BYTES)]}


def _fitting(items: Iterable[str], most_bytes: int) -> int:
    """How many of these, from the first on, may be written in so many bytes."""
    return sum(size <= most_bytes for size in accumulate(len(item.encode()) + _ITEM_BYTES for item in items))
