"""The one setting of the detector, for every series and every step."""

from dataclasses import dataclass
from typing import Final

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400
RECENT: Final = 5 * MINUTE
"""What tells that a rise is over: windows of hours still stand out hours after it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How the detector weighs what it sees: for every series, and in wall time, so that it serves every step."""

    # The ratio: residual = log((observed + pseudo_count) / (expected + pseudo_count)) over a window.
    pseudo_count: float = 5.0
    """Mentions added to both sides: one instead of none is no ratio."""
    least_mentions: float = 12.0
    """A window up to four hours must hold so many more than expected: three in a minute are no news, fifteen in ten
    minutes are. (A burst within a minute fills a longer window up to twice.)"""

    least_ratio: float = 1.2
    """...and such a multiple of what was expected: a series that hardly moves must not be announced for a hundredth."""
    least_age: int = 5 * MINUTE
    """Before, a series has shown nothing that something could be more than."""

    # The season: a level for each hour of the day, a factor for each day of the week.
    level_rate: float = 0.08
    """How far an hour's level moves toward what that hour brought, once a few days are known."""
    level_clip: float = 0.4
    """The furthest that one hour can pull its level (natural log): a burst must not become normal."""
    week_rate: float = 0.15
    """The same for the factor of a day of the week."""
    week_clip: float = 0.5
    local_span: int = HOUR
    """Memory of the local level, which stands in for hours not seen yet."""
    local_ratio: float = 2.0
    """The most that one row pulls the local level to, as a multiple of it."""

    drift_window: int = 12 * HOUR
    """Windows up to an hour are judged against the level of this one, where it differs from the season's..."""
    drift_limit: float = 0.3
    """...upward, by at most so much (natural log). Not downward: the end of a quiet day is no rise."""

    # Calibration: a residual is judged against the series' own daily maxima.
    prior_days: float = 2.0
    """What the prior spread weighs, in days."""
    prior_center_days: float = 0.5
    """What the prior center weighs, in days."""
    prior_center: float = 0.5
    """An ordinary day's maximum of the residual over one hour; it falls with the cube root of the window."""
    prior_center_limit: float = 0.65
    prior_spread: float = 0.2
    spread_factor: float = 1.3
    """Of the median absolute deviation of the daily maxima."""

    # Spike: mean excess over all windows from `spike_shortest`, and how long the counts were not as high.
    spike_shortest: int = 5 * MINUTE
    excess_unit: float = 3.0
    """From here on a single window's excess adds less and less (logarithm)."""
    record_weight: float = 0.25
    """What a doubling of the days since the counts were last as high adds to the score."""
    record_prior_days: float = 14.0
    """A new series' highest count is worth as many days."""
    spike_threshold: float = 1.65
    sudden_rise: float = 4.0
    """A rise score of this height is a spike by itself: what is sudden need not fill the long windows first."""
    instant_excess: float = 2.5
    """A mean excess of this height in the windows shorter than `spike_shortest` is a spike by itself as well..."""
    instant_ratio: float = 4.0
    """...where one of them holds so many times what was expected."""
    spike_end: int = 2 * HOUR
    """A spike has ended when for so long no window up to an hour was above its ordinary maximum with the score over
    the threshold: the long windows stay high for days."""
    spike_quiet: int = 12 * HOUR
    """For so long after the score was over the threshold the next one is an echo, unless the first has ended and this
    one is sudden."""

    # Rise: root mean square excess over the windows up to `rise_longest`.
    rise_longest: int = HOUR
    rise_threshold: float = 1.05
    rise_end: int = HOUR
    """A rise has ended when its score stayed under the threshold for so long."""
    moving_longest: int = 4 * HOUR
    """What rises began to move when a window up to this one first was above an ordinary day's maximum."""

    # Evidence beside the count: shares of negatives and of copies.
    share_weight: float = 0.4
    """What one unit of excess share adds to what the count shows, relative to it."""
    share_limit: float = 4.0
    share_rate: float = 0.02
    flood_power: float = 0.25
    """Of a count beyond what so many authors usually write, only this power counts: ten times as much is 1.8 times."""

    gap_limit: int = DAY
    """The longest gap whose mentions are expected to come in late."""


SETTING: Final = Setting()
