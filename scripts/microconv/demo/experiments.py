"""Randomised experiments in the demo shop, on request: who sees what, and what that changes.

Variants are drawn by a hash of cookie and experiment, as a testing tool does it, so that whoever
comes on two devices may see two. No random number is taken from anybody else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from microconv.demo import settings, shop
from microconv.demo.arrays import Bools, Floats, Ints, mixed
from microconv.demo.local_time import day_number, local_day_numbers
from microconv.demo.settings import DemoError, DemoOptions
from microconv.demo.site import Choice, Site

if TYPE_CHECKING:
    from microconv.demo.happenings import Happenings
    from microconv.demo.page_views import PageViews
    from microconv.demo.visitors import Sessions, Visitors

MOST_EXPERIMENTS = 40
EVENT = "experience_impression"
VARIANTS = ("control", "new")
_SALT = 400
_FOLLOWED_DAYS = 14
_LOST_SHARE = 0.3


@dataclass(frozen=True)
class Kind:
    """What the new variant changes.

    Args:
        name: Of the experiment, followed by its number.
        mechanism: In words, for the truth file.
        guide_ratio: On the rate at which the size guide is opened.
        purchase_odds_ratio: On the odds that a page leads to a purchase.
        lost_share: Of cookies with the new variant whose exposure is never sent.
    """

    name: str
    mechanism: str
    guide_ratio: float = 1.0
    purchase_odds_ratio: float = 1.0
    lost_share: float = 0.0


KINDS = (
    Kind("guide_button", "the size guide is opened three times as often", guide_ratio=3.0),
    Kind("headline", "nothing"),
    Kind("free_returns", "the odds of buying are doubled on every page", purchase_odds_ratio=2.0),
    Kind("slow_page", "nothing, but three in ten exposures get lost", lost_share=_LOST_SHARE),
)
"""Each is planted in turn."""


@dataclass(frozen=True)
class Planted:
    """One experiment; days are local day numbers, the last one included."""

    number: int
    kind: Kind
    first_day: int
    last_day: int

    @property
    def name(self) -> str:
        """As GA4's parameter says it, tool first, without the variant."""
        return f"demo-{self.kind.name}_{self.number + 1}"

    @property
    def events(self) -> tuple[str, ...]:
        """A code of its own for each variant; what stands before the slash is exported."""
        return tuple(f"{EVENT}/{self.number}/{variant}" for variant in VARIANTS)

    def is_new(self, cookie: Ints) -> Bools:
        """Who sees the new variant."""
        return mixed(cookie, _SALT + self.number) % np.uint64(2) == 1

    def is_on(self, start: Ints) -> Bools:
        """What happens while the experiment runs; microseconds."""
        day = local_day_numbers(start)
        return (day >= self.first_day) & (day <= self.last_day)


def planted_experiments(options: DemoOptions, count: int) -> tuple[Planted, ...]:
    """So many experiments, which end two weeks before the export where it is that long.

    Raises:
        DemoError: There cannot be so many.
    """
    if not 0 <= count <= MOST_EXPERIMENTS:
        raise DemoError(f"--experiments must lie between 0 and {MOST_EXPERIMENTS} (got {count}).")
    days = options.days - _FOLLOWED_DAYS - 1
    last = options.first_day + timedelta(days=days - 1) if days > 0 else options.until
    return tuple(
        Planted(number, KINDS[number % len(KINDS)], day_number(options.first_day), day_number(last))
        for number in range(count)
    )


@cache
def site_with(experiments: tuple[Planted, ...]) -> Site:
    """The shop, with the events of these experiments."""
    if not experiments:
        return shop.SITE
    choices = [
        Choice("exp_variant_string", (event,), (f"{one.name}-{variant}",))
        for one in experiments
        for event, variant in zip(one.events, VARIANTS, strict=True)
    ]
    events = [event for one in experiments for event in one.events]
    return replace(
        shop.SITE,
        event_names=(*shop.SITE.event_names, *events),
        choices=(*shop.SITE.choices, *choices),
    )


def guide_rate(experiments: tuple[Planted, ...], cookie: Ints, start: Ints) -> Floats:
    """The rate at which the size guide is opened on each page."""
    factor = np.ones(len(cookie))
    for one in experiments:
        if one.kind.guide_ratio != 1:
            changed = one.is_new(cookie) & one.is_on(start)
            factor[changed] *= one.kind.guide_ratio
    return settings.SIZE_GUIDE_RATE * factor


def purchase_log_odds(experiments: tuple[Planted, ...], cookie: Ints, start: Ints) -> Floats:
    """What is added to the log odds of each page."""
    added = np.zeros(len(cookie))
    for one in experiments:
        if one.kind.purchase_odds_ratio != 1:
            changed = one.is_new(cookie) & one.is_on(start)
            added[changed] += math.log(one.kind.purchase_odds_ratio)
    return added


def add_exposures(
    out: Happenings,
    experiments: tuple[Planted, ...],
    visitors: Visitors,
    sessions: Sessions,
    views: PageViews,
) -> None:
    """Each visit tells with its first page, in one request with it, which variants it shows."""
    cookie = cookies(visitors, sessions)[views.session]
    for one in experiments:
        is_new = one.is_new(cookie)
        shown = views.is_first & one.is_on(views.start)
        lost = mixed(cookie, _SALT + MOST_EXPERIMENTS + one.number) % np.uint64(1000)
        shown &= ~(is_new & (lost < np.uint64(1000 * one.kind.lost_share)))
        for event, mask in zip(one.events, (~is_new, is_new), strict=True):
            out.add(event, np.flatnonzero(shown & mask), batch_index=10 + one.number)


def cookies(visitors: Visitors, sessions: Sessions) -> Ints:
    """The number behind each session's `user_pseudo_id`."""
    return visitors.person[sessions.visitor] * 2 + sessions.slot


def experiments_truth(experiments: tuple[Planted, ...]) -> list[dict[str, Any]]:
    """The planted experiments for the truth file."""
    return [
        {
            "experiment_name": one.name,
            "variants": list(VARIANTS),
            "mechanism": one.kind.mechanism,
            "size_guide_rate_ratio": one.kind.guide_ratio,
            "purchase_odds_ratio": one.kind.purchase_odds_ratio,
            "lost_share_of_new": one.kind.lost_share,
        }
        for one in experiments
    ]
