"""Does the past of x tell more of y than y's own past? For information beside a lead (M10).

Both are known to find what is not there when two series share a driver, so neither gives a verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from microconv.evidence.quantities import Floats

CLARK_WEST_LIMIT = 1.645
REFIT_PERIODS = 7


@dataclass(frozen=True)
class Granger:
    """The test that lags of x add nothing to lags of y.

    Args:
        f: F statistic; NaN where there is too little to test.
        p_value: Of `f`.
        numerator_degrees: Lags of x.
        denominator_degrees: Periods less everything that is fitted.
    """

    f: float
    p_value: float
    numerator_degrees: int
    denominator_degrees: int


@dataclass(frozen=True)
class ForecastGain:
    """One-step forecasts of the last third, refitted weekly, with and without lags of x.

    Args:
        t: Clark and West's statistic.
        periods: Forecasts that were compared.
    """

    t: float
    periods: int

    @property
    def is_better(self) -> bool:
        """Whether the lags of x make forecasts better, one-sided at 5 %."""
        return self.t > CLARK_WEST_LIMIT


def granger(x: Floats, y: Floats, lags: int) -> Granger:
    """F test of `lags` lags of x in a regression of y on a constant and as many lags of y.

    Source: Granger 1969, Econometrica 37:424.
    """
    target, own, both = _designs(x, y, lags)
    freedom = len(target) - both.shape[1]
    if freedom <= 0:
        return Granger(math.nan, math.nan, lags, max(freedom, 0))
    restricted, full = (_squares(design, target) for design in (own, both))
    if not full > 0:
        return Granger(math.nan, math.nan, lags, freedom)
    f = ((restricted - full) / lags) / (full / freedom)
    return Granger(f, float(fdtrc(lags, freedom, max(f, 0.0))), lags, freedom)


def forecast_gain(x: Floats, y: Floats, lags: int) -> ForecastGain:
    """Clark and West's test of the last third, each forecast from the past only.

    Source: Clark and West 2007, Journal of Econometrics 138:291.
    """
    target, own, both = _designs(x, y, lags)
    start = len(target) - len(target) // 3
    if start <= 2 * both.shape[1]:
        return ForecastGain(math.nan, 0)
    forecasts = np.zeros((2, len(target) - start))
    for origin in range(start, len(target), REFIT_PERIODS):
        ahead = slice(origin, min(origin + REFIT_PERIODS, len(target)))
        for row, design in enumerate((own, both)):
            fit, *_ = np.linalg.lstsq(design[:origin], target[:origin], rcond=None)
            forecasts[row, ahead.start - start : ahead.stop - start] = design[ahead] @ fit
    plain, more = target[start:] - forecasts
    gains = plain**2 - (more**2 - (forecasts[0] - forecasts[1]) ** 2)
    error = float(gains.std(ddof=1)) / math.sqrt(len(gains))
    return ForecastGain(float(gains.mean()) / error if error > 0 else math.nan, len(gains))


def _designs(x: Floats, y: Floats, lags: int) -> tuple[Floats, Floats, Floats]:
    """y from its lag on, a constant with its own lags, and these with the lags of x."""
    n = len(y)

    def lagged(values: Floats) -> list[Floats]:
        return [values[lags - lag : n - lag] for lag in range(1, lags + 1)]

    own = np.column_stack([np.ones(n - lags), *lagged(y)])
    return y[lags:], own, np.column_stack([own, *lagged(x)])


def _squares(design: Floats, target: Floats) -> float:
    fit, *_ = np.linalg.lstsq(design, target, rcond=None)
    residual = target - design @ fit
    return float(residual @ residual)
