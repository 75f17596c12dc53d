"""A small shop in numpy: visitors, page views, micro-conversions and purchases, for simulations.

Visitors have a segment (mobile or not), a number of pages and per-page chances; a micro-conversion
that is done raises the odds of buying on every later page by its planted odds ratio. From it come
the same tables that the warehouse would count, by the rules of the decision points: "done" means
done before this step, a trial is a step on which it is done for the first time, and both arms are
unconverted at the end of the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from microconv.evidence.matched import Trials
from microconv.evidence.naive import NaiveCounts
from microconv.evidence.quantities import Bools, Floats, Ints
from microconv.evidence.stratified import Tables

MOST_PAGES = 24
BUCKETS = 20
DEPTH_EDGES = (1, 2, 3, 4, 6, 9, 13, 19)


@dataclass(frozen=True)
class Shop:
    """Simulated visitors; arrays are visitor × page.

    Args:
        is_mobile: Per visitor.
        is_viewed: Whether the page was viewed; later ones than the purchase are not.
        is_first: Whether the micro-conversion was first done on this page.
        is_done: Whether it was done before this page.
        buys: Whether the visitor buys on this page.
        revenue: Of the purchase, per visitor; 0 without one.
    """

    is_mobile: Bools
    is_viewed: Bools
    is_first: Bools
    is_done: Bools
    buys: Bools
    revenue: Floats

    @property
    def depth(self) -> Ints:
        """Bin of the page's number, per page."""
        pages = np.arange(1, MOST_PAGES + 1)
        return np.searchsorted(DEPTH_EDGES, pages, side="right").astype(np.int64)

    @property
    def stratum(self) -> Ints:
        """Depth bin × device, visitor × page."""
        return self.depth[None, :] * 2 + self.is_mobile[:, None]

    def trials(self) -> Trials:
        """Headline tables: everybody is followed to the end of the visit."""
        survives = self.is_viewed & ~self.buys
        later = self.buys[:, ::-1].cumsum(axis=1)[:, ::-1] - self.buys > 0
        arms = (survives & self.is_first, survives & ~self.is_first & ~self.is_done)
        visitor = np.broadcast_to(np.arange(len(self.revenue))[:, None], self.is_viewed.shape)
        parts = []
        for is_treated, mask in ((True, arms[0]), (False, arms[1])):
            who = visitor[mask]
            converted = later[mask]
            parts.append(
                (
                    self.stratum[mask],
                    # A hash that does not follow the order of visitors.
                    (who * 7919 + 13) % BUCKETS,
                    np.full(len(who), is_treated),
                    np.ones(len(who)),
                    converted.astype(float),
                    np.where(converted, self.revenue[who], 0.0),
                )
            )
        return Trials.from_columns(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def step_tables(self) -> Tables:
        """Next-step tables."""
        mask = self.is_viewed
        return Tables.from_rows(
            self.stratum[mask], self.is_done[mask], np.ones(int(mask.sum())), self.buys[mask]
        )

    def naive(self) -> NaiveCounts:
        """Ever did it against never, ever bought."""
        did, bought = self.is_first.any(axis=1), self.buys.any(axis=1)
        return NaiveCounts(
            float(did.sum()),
            float((did & bought).sum()),
            float((~did).sum()),
            float((~did & bought).sum()),
        )


def simulate(
    seed: int,
    visitors: int = 4000,
    odds_ratio: float = 1.0,
    rate: float = 0.05,
    mobile_rate_ratio: float = 1.0,
    mobile_log_odds: float = -1.1,
    base_rate: float = 0.02,
) -> Shop:
    """A shop.

    Args:
        odds_ratio: Planted; 1 for a micro-conversion that means nothing.
        rate: Chance per page of doing it, on desktop.
        mobile_rate_ratio: How much commoner it is on mobile.
        mobile_log_odds: How much less mobile buys per page.
        base_rate: Chance per page of buying, on desktop, without it.
    """
    random = np.random.default_rng(seed)
    shape = (visitors, MOST_PAGES)
    is_mobile = random.random(visitors) < 0.6
    # Half look at a page or two, half stay: who stays does more of everything, and buys more.
    stays = random.random(visitors) < 0.5
    pages = np.minimum(random.geometric(np.where(stays, 0.1, 0.7)), MOST_PAGES)
    is_open = np.arange(MOST_PAGES) < pages[:, None]
    chance = np.where(is_mobile, rate * mobile_rate_ratio, rate)[:, None]
    does = is_open & (random.random(shape) < chance)
    is_first = does & (does.cumsum(axis=1) == 1)
    is_done = is_first.cumsum(axis=1) - is_first > 0
    log_odds = np.log(base_rate / (1 - base_rate)) + mobile_log_odds * is_mobile[:, None]
    odds = np.exp(log_odds + np.log(odds_ratio) * is_done)
    wants = is_open & (random.random(shape) < odds / (1 + odds))
    buys = wants & (wants.cumsum(axis=1) == 1)
    is_viewed = is_open & (wants.cumsum(axis=1) - wants == 0)
    # What happens on the page of the purchase may come before or after it: here before.
    is_first &= is_viewed
    revenue = np.where(buys.any(axis=1), 60 * random.lognormal(0, 0.6, visitors), 0.0)
    return Shop(is_mobile, is_viewed, is_first, is_done, buys, revenue)
