"""What a micro-conversion is worth: gross, incremental, and what more of it might bring (M11).

Values of different micro-conversions overlap, since one order follows several: never add them up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from microconv.evidence.matched import MatchedValue
from microconv.evidence.quantities import (
    CONFIDENCE,
    UNDEFINED,
    Estimate,
    log_estimate,
)

LEAST_ORDERS = 50
"""Fewer orders after the micro-conversion give no interval that holds what it promises."""

LARGE_TOP_SHARE = 0.30
"""Above this share of revenue in the largest hundredth of orders, a mean is a few orders' tale."""


@dataclass(frozen=True)
class RevenueMoments:
    """Revenue of visitors in the horizon after their first micro-conversion.

    Args:
        visitors: First micro-conversions with complete follow-up.
        orders: Visitors among them that bought.
        revenue: Sum of revenue over visitors, in currency.
        revenue_squared: Sum of squared revenue over visitors, in currency².
        top_share: Share of revenue in the largest hundredth of orders, in 0..1; NaN if unknown.
    """

    visitors: float
    orders: float
    revenue: float
    revenue_squared: float
    top_share: float = math.nan


@dataclass(frozen=True)
class GrossValue:
    """The usual formula, rate × average order value, with its inputs.

    Args:
        value: Currency per first micro-conversion.
        conversion_rate: Share of visitors that buy within the horizon, in 0..1.
        average_order_value: Currency per buying visitor.
        is_sufficient: Whether there are `LEAST_ORDERS` orders.
        is_top_heavy: Whether a winsorised value must stand beside it.
    """

    value: Estimate
    conversion_rate: float
    average_order_value: float
    is_sufficient: bool
    is_top_heavy: bool


def gross_value(moments: RevenueMoments, confidence: float = CONFIDENCE) -> GrossValue:
    """Revenue per first micro-conversion, with a log-delta interval from two moments."""
    n = moments.visitors
    rate = moments.orders / n if n else math.nan
    mean_order = moments.revenue / moments.orders if moments.orders else math.nan
    return GrossValue(
        value=mean_revenue(n, moments.revenue, moments.revenue_squared, confidence),
        conversion_rate=rate,
        average_order_value=mean_order,
        is_sufficient=moments.orders >= LEAST_ORDERS,
        is_top_heavy=moments.top_share > LARGE_TOP_SHARE,
    )


def mean_revenue(
    n: float, revenue: float, revenue_squared: float, confidence: float = CONFIDENCE
) -> Estimate:
    """A mean of non-negative amounts: V exp(± z se / V), se² = (sum of squares / n - V²) / n."""
    if n <= 0:
        return UNDEFINED
    mean = revenue / n
    if mean <= 0:
        return Estimate(mean, math.nan, math.nan)
    variance = max(revenue_squared / n - mean**2, 0.0) / n
    return log_estimate(math.log(mean), math.sqrt(variance) / mean, confidence)


def key_event_value(matched: MatchedValue) -> tuple[float, float]:
    """A value for GA4's key event: the incremental one, and a cautious one that is not negative.

    Returns:
        The point estimate, and the lower limit or 0, in currency.
    """
    return matched.incremental.value, max(0.0, matched.incremental.low)


def opportunity(
    incremental: Estimate, conversions_per_month: float, extra_share: float = 0.10
) -> Estimate:
    """Currency a month if there were `extra_share` more micro-conversions.

    Only if the extra visitors behave like the current ones, which must stand beside it.
    """
    extra = conversions_per_month * extra_share
    return Estimate(incremental.value * extra, incremental.low * extra, incremental.high * extra)
