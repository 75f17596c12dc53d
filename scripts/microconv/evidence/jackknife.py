"""Delete-one-bucket jackknife: intervals for visitors who appear in several rows.

Visitors are hashed into buckets, so that dropping a bucket drops whole visitors. Source: Quenouille
1949; grouped form as in Kott 2001, Journal of Official Statistics 17:521.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtr

from microconv.evidence.quantities import CONFIDENCE, Estimate, Floats, student_quantile


def jackknife_standard_error(leave_one_out: Floats) -> float:
    """The standard error from the estimates that leave one of G buckets out each.

    Returns:
        sqrt((G - 1) / G · sum of squared deviations from their mean); NaN with fewer than two
        buckets, or where an estimate is not finite: then one bucket carries everything.
    """
    count = len(leave_one_out)
    if count < 2 or not np.isfinite(leave_one_out).all():
        return math.nan
    deviations = leave_one_out - leave_one_out.mean()
    return math.sqrt((count - 1) / count * float(deviations @ deviations))


def jackknife_estimate(
    value: float, leave_one_out: Floats, confidence: float = CONFIDENCE
) -> Estimate:
    """A number with value ± t(G - 1) · standard error."""
    reach = _reach(leave_one_out, confidence)
    return Estimate(value, value - reach, value + reach)


def jackknife_ratio(
    log_value: float, leave_one_out_logs: Floats, confidence: float = CONFIDENCE
) -> Estimate:
    """A ratio with an interval that is symmetric on the log scale.

    Args:
        log_value: The log of the ratio; minus infinity for a ratio of 0.
        leave_one_out_logs: The log without each bucket, one per bucket.
    """
    if not math.isfinite(log_value):
        value = 0.0 if log_value == -math.inf else log_value
        return Estimate(value, math.nan, math.nan)
    on_log = jackknife_estimate(log_value, leave_one_out_logs, confidence)
    with np.errstate(over="ignore"):
        return Estimate(math.exp(log_value), float(np.exp(on_log.low)), float(np.exp(on_log.high)))


def _reach(leave_one_out: Floats, confidence: float) -> float:
    error = jackknife_standard_error(leave_one_out)
    if math.isnan(error):
        return math.nan
    return student_quantile(len(leave_one_out) - 1, confidence) * error


def two_sided_p_of_ratio(ratio: Estimate, buckets: int = 20) -> float:
    """The p-value of a ratio of 1 that belongs to a jackknife interval; NaN without an interval.

    Args:
        ratio: With a 95 % interval that is symmetric on the log scale.
        buckets: How many buckets it was taken over.
    """
    if not ratio.has_interval or not 0 < ratio.low < ratio.high < math.inf:
        return math.nan
    reach = (math.log(ratio.high) - math.log(ratio.low)) / 2
    error = reach / student_quantile(buckets - 1)
    return float(2 * stdtr(buckets - 1, -abs(math.log(ratio.value)) / error))
