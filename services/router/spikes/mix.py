"""What the model said of some mentions, as counts that can be added, decayed and told as shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mention_triage.v1.alert_pb2 import SpikeMix
from mention_triage.v1.counts_pb2 import Mix
from mention_triage.v1.spike_state_pb2 import MixState

INQUIRY_TYPES: Final = 5
SENTIMENTS: Final = 3
MOST_LANGUAGES: Final = 16
"""Kept apart; the rarest beyond these are counted as `OTHER`."""
OTHER: Final = "other"


@dataclass(slots=True)
class MixCounts:
    """Counts by inquiry type and sentiment, in the order of the contract's enums, and by language."""

    inquiry_types: list[float] = field(default_factory=lambda: [0.0] * INQUIRY_TYPES)
    sentiments: list[float] = field(default_factory=lambda: [0.0] * SENTIMENTS)
    languages: dict[str, float] = field(default_factory=dict)

    @property
    def mentions(self) -> float:
        """Mentions whose sentiment is known."""
        return sum(self.sentiments)

    @property
    def negative(self) -> float:
        """Negative ones among them."""
        return self.sentiments[0]

    def add(self, mix: "Mix | MixState | MixCounts") -> None:
        """Count these, too."""
        _add(self.inquiry_types, mix.inquiry_types)
        _add(self.sentiments, mix.sentiments)
        for language in sorted(mix.languages):
            self.languages[language] = self.languages.get(language, 0.0) + mix.languages[language]
        while len(self.languages) > MOST_LANGUAGES + 1:
            rarest = min(self.languages.keys() - {OTHER}, key=lambda name: (self.languages[name], name))
            self.languages[OTHER] = self.languages.get(OTHER, 0.0) + self.languages.pop(rarest)

    def scale(self, factor: float) -> None:
        """Multiply all counts."""
        self.inquiry_types = [count * factor for count in self.inquiry_types]
        self.sentiments = [count * factor for count in self.sentiments]
        self.languages = {language: count * factor for language, count in self.languages.items()}

    def shares(self, least: float) -> SpikeMix | None:
        """The counts as shares; None where there are fewer than `least` mentions."""
        if self.mentions < least:
            return None
        return SpikeMix(
            mentions=self.mentions,
            inquiry_types=_shares(self.inquiry_types),
            negative=self.negative / self.mentions,
            languages=dict(zip(self.languages, _shares(list(self.languages.values())), strict=True)),
        )

    def dump(self) -> MixState:
        """For a snapshot; `add` to a blank one gives it back."""
        languages: Mapping[str, float] = self.languages
        return MixState(inquiry_types=self.inquiry_types, sentiments=self.sentiments, languages=languages)


def _add(counts: list[float], more: Sequence[float]) -> None:
    for i, count in enumerate(more[: len(counts)]):  # labels that a newer writer knows are none here
        counts[i] += count


def _shares(counts: list[float]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]
