"""Intervals of one rate and of the difference of two rates (method M5)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from microconv.evidence.quantities import CONFIDENCE, Estimate, Floats, normal_quantile


def wilson_limits(
    successes: npt.ArrayLike, trials: npt.ArrayLike, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Wilson score limits of many rates at once.

    Source: Wilson 1927; Newcombe 1998, Statistics in Medicine 17:857, method 3.

    Args:
        successes: Counts, any shape; need not be whole.
        trials: Counts of the same shape.

    Returns:
        Lower and upper limits in 0..1, NaN where there are no trials.
    """
    x = np.asarray(successes, dtype=np.float64)
    n = np.asarray(trials, dtype=np.float64)
    z = normal_quantile(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = x / n
        centre = p + z**2 / (2 * n)
        reach = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        scale = 1 + z**2 / n
        low, high = (centre - reach) / scale, (centre + reach) / scale
    # Rounding must not move the limits that are 0 and 1 exactly.
    low = np.where(x == 0, np.where(n > 0, 0.0, np.nan), np.clip(low, 0, 1))
    high = np.where(x == n, np.where(n > 0, 1.0, np.nan), np.clip(high, 0, 1))
    return low, high


def wilson(successes: float, trials: float, confidence: float = CONFIDENCE) -> Estimate:
    """A rate with its Wilson interval; undefined without trials."""
    low, high = wilson_limits(successes, trials, confidence)
    return Estimate(_rate(successes, trials), float(low), float(high))


def newcombe(
    successes1: float,
    trials1: float,
    successes0: float,
    trials0: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The difference of two rates, p1 - p0, with Newcombe's hybrid score interval.

    Source: Newcombe 1998, Statistics in Medicine 17:873, method 10.
    """
    one = wilson(successes1, trials1, confidence)
    zero = wilson(successes0, trials0, confidence)
    difference = one.value - zero.value
    return Estimate(
        difference,
        difference - math.hypot(one.value - one.low, zero.high - zero.value),
        difference + math.hypot(one.high - one.value, zero.value - zero.low),
    )


def agresti_caffo(
    successes1: float,
    trials1: float,
    successes0: float,
    trials0: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The difference of two rates with the interval that adds a success and a failure to each.

    Source: Agresti and Caffo 2000, The American Statistician 54:280.
    """
    difference = _rate(successes1, trials1) - _rate(successes0, trials0)
    p1, n1 = (successes1 + 1) / (trials1 + 2), trials1 + 2
    p0, n0 = (successes0 + 1) / (trials0 + 2), trials0 + 2
    error = math.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    reach = normal_quantile(confidence) * error
    return Estimate(difference, max(p1 - p0 - reach, -1.0), min(p1 - p0 + reach, 1.0))


def _rate(successes: float, trials: float) -> float:
    return successes / trials if trials > 0 else math.nan
