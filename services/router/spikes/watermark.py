"""How far the counts of one source topic are complete: the least that its partitions' progress marks say."""

from typing import Final

_BEHIND_SECONDS: Final = 60
_SILENT_ADVANCES: Final = 6
_LEAP_SECONDS: Final = 30


class Watermark:
    """The watermark of one source topic, from marks in the order of the counts topic: no clock.

    A partition is left out once it is 60 s behind the furthest mark and was silent while that moved on six times. By
    the marks alone a partition that works off a backlog would be left out, too: it is behind, but not silent. Where the
    furthest mark leaps, a backlog is worked off there, in no time; that tells nothing of the silent ones.
    """

    def __init__(self, partitions: int) -> None:
        self._until: list[int | None] = [None] * partitions
        self._heard_at = [
            1
        ] * partitions  # value of `_advances` when the partition's last mark came, or the first of all
        self._advances = 0  # how often the furthest mark has moved
        self._furthest: int | None = None
        self._value: int | None = None

    @property
    def partitions(self) -> int:
        """How many the topic has."""
        return len(self._until)

    @property
    def value(self) -> int | None:
        """Everything received before this is counted: seconds since the epoch. None before anything is known."""
        return self._value

    def left_out(self) -> list[int]:
        """Partitions that the watermark does not wait for."""
        return [partition for partition in range(len(self._until)) if self._is_left_out(partition)]

    def mark(self, partition: int, until: int) -> None:
        """A partition has come up to `until`. Marks that say less than an earlier one change nothing but that."""
        before = self._until[partition]
        self._until[partition] = until if before is None else max(before, until)
        if self._furthest is None or until > self._furthest:
            self._advances += self._furthest is None or until - self._furthest <= _LEAP_SECONDS
            self._furthest = until
        self._heard_at[partition] = self._advances
        waited_for = [self._until[p] for p in range(len(self._until)) if not self._is_left_out(p)]
        known = [each for each in waited_for if each is not None]
        if len(known) == len(waited_for):  # a partition of which nothing was heard yet is waited for, too
            self._value = min(known) if self._value is None else max(self._value, min(known))

    def _is_left_out(self, partition: int) -> bool:
        until = self._until[partition]
        behind = until is None or (self._furthest is not None and self._furthest - until >= _BEHIND_SECONDS)
        return behind and self._advances - self._heard_at[partition] >= _SILENT_ADVANCES

    def dump(self) -> list[int]:
        """Everything it remembers, as numbers, for `load`."""
        pairs = [number for p, until in enumerate(self._until) for number in (_or(until), self._heard_at[p])]
        return [self._advances, _or(self._furthest), _or(self._value), *pairs]

    @classmethod
    def load(cls, numbers: "list[int]") -> "Watermark":
        """The one that was dumped."""
        advances, furthest, value, *pairs = numbers
        loaded = cls(len(pairs) // 2)
        loaded._advances, loaded._furthest, loaded._value = advances, _none(furthest), _none(value)
        loaded._until, loaded._heard_at = [_none(until) for until in pairs[::2]], pairs[1::2]
        return loaded


def _or(number: int | None) -> int:
    return -1 if number is None else number


def _none(number: int) -> int | None:
    return None if number == -1 else number
