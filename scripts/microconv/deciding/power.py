"""How many visitors an experiment needs, how long that takes, and what repeated looks do to it.

Sources: Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions, chapter 4;
Armitage, McPherson and Rowe 1969, JRSS A 132:235 (looks); Pocock 1977, Biometrika 64:191.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from microconv.evidence.refusal import Refusal

ALPHA = 0.05
POWER = 0.80
DAYS_PER_WEEK = 7

_GRID = 400  # points of the density of the running sum between the limits


@dataclass(frozen=True)
class SampleSize:
    """What an experiment with two equal arms needs.

    Args:
        rate: Of the control, in 0..1.
        lift: Relative, such as 0.10.
        per_arm: Visitors per arm.
        days: Until both arms are full; infinite without visitors.
        weeks: The same in weeks, not rounded: whole weeks should be run.
    """

    rate: float
    lift: float
    per_arm: float
    days: float
    weeks: float


def sample_size(
    rate: float,
    lift: float,
    visitors_per_week: float,
    alpha: float = ALPHA,
    power: float = POWER,
) -> SampleSize | Refusal:
    """The sample-size question, of any conversion.

    Args:
        rate: Usual rate, in 0..1.
        lift: Relative change to be found, such as 0.10 or -0.10.
        visitors_per_week: Who can enter the experiment, in both arms together.
        alpha: Two-sided level.
        power: Chance of finding a true change of this size.
    """
    reasons = []
    if not 0 < rate < 1:
        reasons.append("The usual rate must lie between 0 and 1.")
    elif not 0 < rate * (1 + lift) < 1:
        reasons.append("The changed rate would not lie between 0 and 1.")
    if not abs(lift) > 0:
        reasons.append("A change of nothing cannot be found.")
    if not visitors_per_week > 0:
        reasons.append("Nobody can enter the experiment.")
    if reasons:
        return Refusal(tuple(reasons))
    n = per_arm(rate, rate * (1 + lift), alpha, power)
    weeks = 2 * n / visitors_per_week
    return SampleSize(rate, lift, n, DAYS_PER_WEEK * weeks, weeks)


def per_arm(control: float, treated: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """Visitors per arm of a two-sided test of two proportions, pooled variance under the null."""
    pooled = (control + treated) / 2
    reach = -ndtri(alpha / 2) * math.sqrt(2 * pooled * (1 - pooled))
    reach += ndtri(power) * math.sqrt(control * (1 - control) + treated * (1 - treated))
    return float(reach**2) / (treated - control) ** 2


def power_of(control: float, treated: float, n: float, alpha: float = ALPHA) -> float:
    """The chance that a test with `n` visitors per arm finds the change; the inverse of `per_arm`.

    Returns:
        In 0..1; a significant result in the wrong direction is not counted.
    """
    pooled = (control + treated) / 2
    missing = abs(treated - control) * math.sqrt(n) + ndtri(alpha / 2) * math.sqrt(
        2 * pooled * (1 - pooled)
    )
    return float(ndtr(missing / math.sqrt(control * (1 - control) + treated * (1 - treated))))


def smallest_lift(rate: float, n: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """The smallest relative rise that `n` visitors per arm find with this power; NaN if none."""

    def short(treated: float) -> float:
        return per_arm(rate, treated, alpha, power) - n

    highest = 1 - 1e-9
    if not (0 < rate < highest and n > 0) or short(highest) > 0:
        return math.nan
    return float(brentq(short, rate * (1 + 1e-9), highest)) / rate - 1


def false_alarm_rate(looks: int, limit: float = 1.959964) -> float:
    """The chance that a test without any effect looks significant at one of several equal looks.

    The density of the running sum is carried from look to look by numerical integration.

    Args:
        looks: Equally spaced times at which the result is looked at, stopping if it is significant.
        limit: Of |z| at each look.
    """
    return 1 - _still_running(looks, limit)


@cache
def limit_for_looks(looks: int, alpha: float = ALPHA) -> float:
    """The |z| that every one of several looks must exceed to keep the level: Pocock's limits."""
    return float(brentq(lambda limit: false_alarm_rate(looks, limit) - alpha, 1.5, 5.0, xtol=1e-5))


def _still_running(looks: int, limit: float) -> float:
    """The chance that none of the looks exceeds the limit. Sums of k looks have variance k."""
    if looks < 1:
        return 1.0
    nodes, weights = np.polynomial.legendre.leggauss(min(_GRID, 40 + 8 * looks))
    sums, width = limit * nodes, limit
    density = np.exp(-(sums**2) / 2) / math.sqrt(2 * math.pi)
    for look in range(2, looks + 1):
        wider = limit * math.sqrt(look)
        following = wider * nodes
        step = np.exp(-((following[:, None] - sums[None, :]) ** 2) / 2) / math.sqrt(2 * math.pi)
        density = step @ (density * weights * width)
        sums, width = following, wider
    return float(density @ weights * width)
