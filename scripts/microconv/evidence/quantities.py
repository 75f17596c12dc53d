"""What every method shares: array types, a number with its interval, quantiles.

An undefined number is NaN, never 0 and never an exception: an empty cell is a finding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri, stdtrit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence interval (95 % unless its maker says otherwise).

    Args:
        value: The point estimate; NaN where the data do not define it.
        low: Lower limit; NaN where there is no interval.
        high: Upper limit; may be infinite.
    """

    value: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        """Whether both limits are defined."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    def excludes(self, null: float) -> bool:
        """Whether the interval lies wholly above or below `null`; False without an interval."""
        return self.low > null or self.high < null


UNDEFINED = Estimate(math.nan, math.nan, math.nan)


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """The two-sided standard normal quantile, 1.96 at 95 %."""
    return float(ndtri(0.5 + confidence / 2))


def student_quantile(degrees_of_freedom: float, confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of Student's t."""
    return float(stdtrit(degrees_of_freedom, 0.5 + confidence / 2))


def two_sided_p(z: float) -> float:
    """The two-sided p-value of a standard normal statistic; NaN stays NaN."""
    return float(2 * ndtr(-abs(z)))


def chi_squared_p(statistic: float, degrees_of_freedom: float) -> float:
    """The upper tail of chi squared; NaN without degrees of freedom or statistic."""
    if math.isnan(statistic) or degrees_of_freedom <= 0:
        return math.nan
    return float(chdtrc(degrees_of_freedom, max(statistic, 0.0)))


def log_estimate(
    log_value: float, log_standard_error: float, confidence: float = CONFIDENCE
) -> Estimate:
    """A ratio from its logarithm and the standard error of that: exp(l ± z se)."""
    reach = normal_quantile(confidence) * log_standard_error
    return Estimate(
        _exp(log_value),
        _exp(log_value - reach),
        _exp(log_value + reach),
    )


def linear_estimate(
    value: float, standard_error: float, confidence: float = CONFIDENCE
) -> Estimate:
    """A number with value ± z se."""
    reach = normal_quantile(confidence) * standard_error
    return Estimate(value, value - reach, value + reach)


def ratio(numerator: float, denominator: float) -> float:
    """A quotient that is NaN for 0/0 and infinite for x/0."""
    if denominator == 0:
        return math.nan if numerator == 0 or math.isnan(numerator) else math.inf
    return numerator / denominator


def log_ratio(numerator: float, denominator: float) -> float:
    """log(numerator / denominator) of non-negative numbers; NaN for 0/0, ± infinite for one 0."""
    quotient = ratio(numerator, denominator)
    return -math.inf if quotient == 0 else math.log(quotient)


def sums_by(codes: Ints, values: npt.ArrayLike, count: int) -> Floats:
    """Sum of `values` for each code 0 … count - 1, as a float array of length `count`."""
    sums = np.bincount(codes, weights=np.asarray(values, dtype=np.float64), minlength=count)
    return sums.astype(np.float64, copy=False)


def _exp(value: float) -> float:
    return math.inf if value > 709 else math.exp(value)
