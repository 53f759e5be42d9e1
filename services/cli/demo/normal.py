"""What is normal at the pace of the demo, so that its stack can tell what is not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from services.cli.demo.feed import Delivery
from services.router.spikes.baselines import learn, store_baseline
from services.router.spikes.series import ALL, SeriesKey
from services.stack import DEMO_TENANT

VIRAL: Final = "viral"
_DAYS: Final = 7
_DAY: Final = 86_400
_MINUTE: Final = 60
_SEED: Final = 930


def is_viral(mention: Mapping[str, object]) -> bool:
    """Whether it is part of what the viral post set off, as the feed marks it."""
    attributes = mention.get("attributes")
    return isinstance(attributes, dict) and attributes.get("story") == VIRAL


def viral_brands(feed: Sequence[Delivery]) -> frozenset[str]:
    """The brands that have a viral story in this feed."""
    return frozenset(delivery.mention["brand"] for delivery in feed if is_viral(delivery.mention))


def write_baselines(path: Path, feed: Sequence[Delivery], speed: float, now: float) -> None:
    """Write a baseline for each brand with a viral story: a week at the pace of its other mentions, up to `now`.

    `speed`: seconds of the feed per second: a morning in a minute makes as many mentions in that minute.
    """
    random = np.random.default_rng(_SEED)
    start = int(now) // _MINUTE * _MINUTE - _DAYS * _DAY
    seconds = max(feed[-1].at - feed[0].at, 1.0) / speed
    for brand in sorted(viral_brands(feed)):
        ordinary = sum(each.mention["brand"] == brand and not is_viral(each.mention) for each in feed)
        counts = random.poisson(ordinary / seconds * _MINUTE, _DAYS * _DAY // _MINUTE).astype(np.float64)
        store_baseline(path, SeriesKey(DEMO_TENANT, brand, ALL), learn(start, _MINUTE, counts, _MINUTE))
