"""How bad it is, from 1 to 10.

    severity = floor(1 + d + min(d, duration + negativity + reach) + 0.5)

| term | formula | range |
|---|---|---|
| d, distance from normal | log2((observed + 5) / (normal + 5)), counts of the window that moves most | 0 to 5 |
| duration | 1.5 × log(1 + t / 15 min) / log(1 + 4 h / 15 min), t since the rise began | 0 to 1.5 |
| negativity | 1.5 × (share of negatives - its normal) / 0.5 | 0 to 1.5 |
| reach | (log10(reach) - 4) / 3, reach in followers | 0 to 1 |

Each term is cut off at its range, and never falls when what it is made of grows. The 5 added to both counts makes a
distance significant: few mentions are never far from normal. What aggravates counts at most as much as the distance:
a rise that is hardly there is not severe, however negative. While nothing is classified, negativity adds nothing.
docs/episodes.md
has examples.
"""

from math import floor, log2, log10

from services.router.spikes.episodes.policy import SeverityPolicy


def distance(policy: SeverityPolicy, observed: float, normal: float) -> float:
    """How often the normal count must be doubled to give the observed one; 0 where it is not above."""
    ratio = (max(observed, 0.0) + policy.pseudo_count) / (max(normal, 0.0) + policy.pseudo_count)
    return max(log2(ratio), 0.0)


def severity(
    policy: SeverityPolicy, doublings: float, seconds: float, negative_above_normal: float | None, reach: float
) -> int:
    """1 to 10. `doublings`: a `distance`; `seconds` since the rise began; `negative_above_normal`: None = not known."""
    far = _cut(doublings, policy.most_doublings)
    lasting = log2(1 + max(seconds, 0.0) / policy.duration_start)
    longest = log2(1 + policy.duration_full / policy.duration_start)
    wide = log10(max(reach, 1.0) / policy.reach_start) / log10(policy.reach_full / policy.reach_start)
    aggravating = (
        policy.duration_points * _cut(lasting / longest)
        + policy.negativity_points * _cut((negative_above_normal or 0.0) / policy.negativity_full)
        + policy.reach_points * _cut(wide)
    )
    return floor(1 + far + min(far, aggravating) + 0.5)


def _cut(value: float, most: float = 1.0) -> float:
    return min(max(value, 0.0), most)
