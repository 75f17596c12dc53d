"""Intervals of the ratio of two rates and of the odds ratio (method M5).

All take successes and trials of the exposed (1) and of the others (0).
"""

from __future__ import annotations

import math

from scipy.optimize import brentq

from microconv.evidence.proportions import wilson
from microconv.evidence.quantities import (
    CONFIDENCE,
    UNDEFINED,
    Estimate,
    log_estimate,
    normal_quantile,
    ratio,
)

_SMALLEST_LOG = -40.0
_LARGEST_LOG = 40.0


def mover_risk_ratio(
    successes1: float,
    trials1: float,
    successes0: float,
    trials0: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """A ratio of rates with the MOVER-R interval, from the Wilson limits of both.

    The lower limit is 0 without exposed successes, the upper one infinite without others'.
    Source: Donner and Zou 2012, Statistical Methods in Medical Research 21:347.
    """
    one = wilson(successes1, trials1, confidence)
    zero = wilson(successes0, trials0, confidence)
    if math.isnan(one.value) or math.isnan(zero.value):
        return UNDEFINED
    p1, p0, product = one.value, zero.value, one.value * zero.value
    low = _mover_limit(product, one.low * (2 * p1 - one.low), zero.high * (2 * p0 - zero.high), -1)
    high = _mover_limit(product, one.high * (2 * p1 - one.high), zero.low * (2 * p0 - zero.low), 1)
    return Estimate(
        ratio(p1, p0), 0.0 if successes1 == 0 else low, math.inf if successes0 == 0 else high
    )


def _mover_limit(product: float, numerator: float, denominator: float, sign: int) -> float:
    """(p1 p0 ± sqrt((p1 p0)² - numerator · denominator)) / denominator, without cancellation."""
    root = math.sqrt(max(product**2 - numerator * denominator, 0.0))
    if sign < 0:
        # The same root, written so that it stays defined when the denominator is not positive.
        return max(ratio(numerator, product + root), 0.0)
    return ratio(product + root, denominator)


def katz_risk_ratio(
    successes1: float,
    trials1: float,
    successes0: float,
    trials0: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """A ratio of rates with the log interval; no interval where a count is 0.

    Source: Katz et al. 1978, Biometrics 34:469.
    """
    value = ratio(ratio(successes1, trials1), ratio(successes0, trials0))
    if successes1 <= 0 or successes0 <= 0:
        return Estimate(value, math.nan, math.nan)
    variance = 1 / successes1 - 1 / trials1 + 1 / successes0 - 1 / trials0
    return log_estimate(math.log(value), math.sqrt(variance), confidence)


def woolf_odds_ratio(
    successes1: float,
    trials1: float,
    successes0: float,
    trials0: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """An odds ratio with the log interval; no interval where a cell is 0.

    Source: Woolf 1955, Annals of Human Genetics 19:251.
    """
    failures1, failures0 = trials1 - successes1, trials0 - successes0
    value = ratio(successes1 * failures0, failures1 * successes0)
    cells = (successes1, failures1, successes0, failures0)
    if min(cells) <= 0:
        return Estimate(value, math.nan, math.nan)
    return log_estimate(math.log(value), math.sqrt(sum(1 / cell for cell in cells)), confidence)


def koopman_risk_ratio(
    successes1: float,
    trials1: float,
    successes0: float,
    trials0: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """A ratio of rates with the asymptotic score interval, found by root search.

    Source: Koopman 1984, Biometrics 40:513; Miettinen and Nurminen 1985 without their factor.
    """
    if trials1 <= 0 or trials0 <= 0 or successes1 + successes0 == 0:
        return UNDEFINED
    z = normal_quantile(confidence)

    def score(log_value: float) -> float:
        return _koopman_score(math.exp(log_value), successes1, trials1, successes0, trials0)

    # The score falls from + infinity to - infinity as the assumed ratio grows.
    low = high = math.nan
    if successes1 == 0:
        low = 0.0
    else:
        low = math.exp(brentq(lambda value: score(value) - z, _SMALLEST_LOG, _LARGEST_LOG))
    if successes0 == 0:
        high = math.inf
    else:
        high = math.exp(brentq(lambda value: score(value) + z, _SMALLEST_LOG, _LARGEST_LOG))
    return Estimate(ratio(successes1 / trials1, successes0 / trials0), low, high)


def _koopman_score(theta: float, x1: float, n1: float, x0: float, n0: float) -> float:
    """(p1 - theta p0) over its standard error, at the rates that fit best under p1 = theta p0."""
    one, zero = theta * (n1 + x0), x1 + n0
    # The root of a quadratic, its discriminant written so that nothing cancels at rates near 1.
    root = math.sqrt((one - zero) ** 2 + 4 * theta * (n1 - x1) * (n0 - x0))
    fitted0 = 2 * (x1 + x0) / (one + zero + root)
    fitted1 = min(theta * fitted0, 1.0)
    variance = fitted1 * (1 - fitted1) / n1 + theta**2 * fitted0 * (1 - fitted0) / n0
    difference = x1 / n1 - theta * x0 / n0
    if variance <= 0:
        return math.copysign(math.inf, difference) if difference else 0.0
    return difference / math.sqrt(variance)
