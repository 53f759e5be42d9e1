"""When people are told, how bad it is called, and what is taken for the cause: every threshold, with its reason."""

from dataclasses import dataclass, field
from typing import Final

MINUTE: Final = 60
HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class LifecyclePolicy:
    """When an episode's events are announced. Seconds, and points of severity."""

    step: int = 2
    """Severity must differ so much from what was announced last: one point is what rounding alone can make."""
    worse_held: int = MINUTE
    """For so long it must be worse: long enough to be no outlier of a few rows, short enough to act on."""
    milder_held: int = 10 * MINUTE
    """For so long it must be milder: a lull is no relief, and nobody suffers from hearing of one late."""
    calm_below: float = 0.5
    """Doublings of the last five minutes over their normal, 1.4 times, under which a series no longer rises, though
    longer windows still stand out: as far as chance alone takes five minutes of ten mentions each."""
    end_after: int = 15 * MINUTE
    """No series has risen for so long: the platforms' own waves, such as a repost, come within minutes."""
    settled_after: int = 10 * MINUTE
    """From so long after its beginning on a rise is as far from normal as its last five minutes are at most: they are
    full of it by then."""
    reopen_within: int = 10 * MINUTE
    """What rises again so soon after the end is the same episode, not news."""
    reopen_above: float = 1.0
    """Doublings of the last five minutes that it must rise by: twice normal, which is no chance any more."""
    unknown_at_most: int = 24 * HOUR
    """An episode of a brand of which nothing has been known for so long is over: what feeds it does not come back."""
    most_doublings: int = 4
    """Each time an episode begins again it must be calm twice as long to end, up to 16 times: flapping is told less."""


@dataclass(frozen=True, slots=True)
class SeverityPolicy:
    """The severity formula's constants; `severity.py` states the formula."""

    pseudo_count: float = 5.0
    """Added to both counts, so that three mentions instead of none are no distance: the detector's own value."""
    most_doublings: float = 5.0
    """32 times normal is as far as it goes: beyond, the number of mentions no longer changes what is to be done."""
    duration_points: float = 1.5
    duration_start: float = 15 * MINUTE
    duration_full: float = 4 * HOUR
    """A shift's half: who was to be called in is there by then."""
    negativity_points: float = 1.5
    negativity_full: float = 0.5
    """Half of the mentions more than normal are negative: what a viral complaint looks like, from 20 % to 70 %."""
    reach_points: float = 1.0
    reach_start: float = 1e4
    reach_full: float = 1e7
    """From a local account's followers to a national medium's."""


@dataclass(frozen=True, slots=True)
class CausePolicy:
    """What is taken for which cause. Shares from 0 to 1."""

    least_mentions: int = 10
    """Of fewer, no share says anything."""
    flood_authors: float = 0.2
    """Authors per mention: five mentions each. Between two and three is a heated discussion."""
    flood_below_normal: float = 0.5
    """And at most half of what is normal: some brands' customers always write five times."""
    press_tags: frozenset[str] = frozenset(
        {"press", "journalist", "media", "regulator", "consumer-agency", "government"}
    )
    """The marks that the default policy routes to the press desk."""
    press_mentions: int = 3
    """One reporter who asks is work for the press desk, no wave."""
    press_share: float = 0.02
    """Press and regulators write far less than one in a hundred of a brand's mentions on an ordinary day."""
    press_above_normal: float = 3.0
    """And so many times their normal share: some brands are followed by press every day."""
    campaign_tag_share: float = 0.2
    """One mention in five carries a tag of the calendar: people copy a tag only if they take part."""
    technical_share: float = 0.4
    """The inquiry type that stands out, not merely more of it."""
    technical_above_normal: float = 0.25
    technical_without_normal: float = 0.6
    """A brand whose normal mix is not known yet may be a help desk."""
    dominant_share: float = 0.35
    """The three heaviest texts, or posts answered, make up a third: without an event the heaviest three have less than
    a tenth."""
    copies_share: float = 0.5
    copies_above_normal: float = 0.25
    negative_above_normal: float = 0.2
    """A planned campaign whose mentions turn negative by so much does not explain them."""
    cause_held: int = MINUTE
    """A known cause is replaced only by what held for so long (seconds)."""


@dataclass(frozen=True, slots=True)
class EpisodePolicy:
    """The policy of episodes."""

    lifecycle: LifecyclePolicy = field(default_factory=LifecyclePolicy)
    severity: SeverityPolicy = field(default_factory=SeverityPolicy)
    cause: CausePolicy = field(default_factory=CausePolicy)


EPISODES: Final = EpisodePolicy()
