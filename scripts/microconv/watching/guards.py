"""Guard pairs: a micro-conversion that rises while what it should bring does not (M18).

A banner that pushes visitors into the cart makes the cart rate rise and nothing else. The guard is
per visitor as well, such as checkouts per visitor or revenue per visitor, not per cart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from microconv.evidence.quantities import UNDEFINED, Estimate, log_estimate

LEAST_RISE = 0.05
"""A micro-conversion that rises by less is no news that needs a guard."""

_FOLLOWS_SHARE = 0.5


class GuardVerdict(StrEnum):
    """What the guard says."""

    NO_RISE = "no rise"
    FOLLOWS = "follows"
    FLAT = "flat"
    DOWN = "down"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class GuardPair:
    """A micro-conversion and its guard, as relative changes such as 0.12.

    Args:
        micro: Of the micro-conversion per visitor.
        guard: Of the next step or of revenue per visitor.
        verdict: What to make of the two.
    """

    micro: Estimate
    guard: Estimate
    verdict: GuardVerdict

    @property
    def warns(self) -> bool:
        """Whether the rise should not be celebrated."""
        return self.verdict in (GuardVerdict.FLAT, GuardVerdict.DOWN)


def guard_pair(micro: Estimate, guard: Estimate) -> GuardPair:
    """Hold a rise against what should follow it.

    Flat means that even the upper limit of the guard is under half of the rise: no clear rise of
    the guard is not enough, since too few visitors show none either.

    Args:
        micro: Relative change with its interval, as `rate_change` gives it.
        guard: The same of the next step, or of revenue as `mean_change` gives it.
    """
    return GuardPair(micro, guard, _verdict(micro, guard))


def _verdict(micro: Estimate, guard: Estimate) -> GuardVerdict:
    if not (micro.low > 0 and micro.value >= LEAST_RISE):
        return GuardVerdict.NO_RISE
    if guard.high < 0:
        return GuardVerdict.DOWN
    if guard.low > 0:
        return GuardVerdict.FOLLOWS
    if guard.high < _FOLLOWS_SHARE * micro.value:
        return GuardVerdict.FLAT
    return GuardVerdict.UNCLEAR


def rate_change(
    successes_before: float,
    trials_before: float,
    successes_after: float,
    trials_after: float,
    dispersion: float = 1.0,
) -> Estimate:
    """The relative change of a rate, such as 0.12, with Katz's log interval.

    Args:
        dispersion: How much further than chance the rate swings on ordinary days, as `watch` says.

    Returns:
        No interval where nothing succeeded in a period.
    """
    if not (trials_before > 0 and trials_after > 0 and successes_before > 0):
        return UNDEFINED
    change = (successes_after / trials_after) / (successes_before / trials_before)
    if not successes_after > 0:
        return Estimate(-1.0, math.nan, math.nan)
    variance = 1 / successes_after - 1 / trials_after + 1 / successes_before - 1 / trials_before
    return _less_one(log_estimate(math.log(change), dispersion * math.sqrt(max(variance, 0.0))))


def mean_change(
    before: tuple[float, float, float], after: tuple[float, float, float], dispersion: float = 1.0
) -> Estimate:
    """The relative change of a mean, such as revenue per visit, with a log-delta interval.

    Args:
        before: The sum, what it is over, and the variance of the sum, in the earlier period.
        after: The same of the later period.
        dispersion: How much further than chance the mean swings on ordinary days.
    """
    if not all(
        total > 0 and size > 0 and variance > 0 for total, size, variance in (before, after)
    ):
        return UNDEFINED
    change = (after[0] / after[1]) / (before[0] / before[1])
    error = math.hypot(*(math.sqrt(variance) / total for total, _, variance in (before, after)))
    return _less_one(log_estimate(math.log(change), dispersion * error))


def _less_one(ratio: Estimate) -> Estimate:
    return Estimate(ratio.value - 1, ratio.low - 1, ratio.high - 1)
