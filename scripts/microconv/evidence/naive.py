"""The usual numbers, for reconciliation only (M4): they flatter whatever busy visitors do.

Visitors who buy have longer visits, and so did more of everything, banners at random included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from microconv.evidence.proportions import wilson
from microconv.evidence.quantities import Estimate, ratio
from microconv.evidence.ratios import mover_risk_ratio, woolf_odds_ratio

_PRIOR_COUNT = 1  # PostHog adds one to each cell


@dataclass(frozen=True)
class NaiveCounts:
    """Visitors by whether they ever did it and ever bought, in any order.

    Args:
        with_visitors: Visitors who did it.
        with_converted: Those of them that bought.
        without_visitors: Visitors who did not.
        without_converted: Those of them that bought.
    """

    with_visitors: float
    with_converted: float
    without_visitors: float
    without_converted: float


@dataclass(frozen=True)
class NaiveLift:
    """What a segment comparison in a reporting tool shows.

    Args:
        with_rate: Conversion of visitors who did it, in 0..1, Wilson interval.
        without_rate: Conversion of those who did not, Wilson interval.
        lift: Ratio of the two, MOVER-R interval.
        odds_ratio: Woolf interval.
    """

    with_rate: Estimate
    without_rate: Estimate
    lift: Estimate
    odds_ratio: Estimate


def naive_lift(counts: NaiveCounts) -> NaiveLift:
    """Conversion with against without, unequal exposure time and all."""
    with_ = (counts.with_converted, counts.with_visitors)
    without = (counts.without_converted, counts.without_visitors)
    return NaiveLift(
        with_rate=wilson(*with_),
        without_rate=wilson(*without),
        lift=mover_risk_ratio(*with_, *without),
        odds_ratio=woolf_odds_ratio(*with_, *without),
    )


def posthog_odds_ratio(
    success_with: float, failure_with: float, success_total: float, failure_total: float
) -> float:
    """The odds ratio that PostHog's funnel correlation prints, so that users can reconcile.

    (s + 1)(F - f + 1) / ((S - s + 1)(f + 1)). Source: PostHog, funnel_correlation_query_runner.py.

    Args:
        success_with: Converters with the event, s.
        failure_with: Others with the event, f.
        success_total: All converters, S.
        failure_total: All others, F.
    """
    if math.isnan(success_total + failure_total + success_with + failure_with):
        return math.nan
    return ratio(
        (success_with + _PRIOR_COUNT) * (failure_total - failure_with + _PRIOR_COUNT),
        (success_total - success_with + _PRIOR_COUNT) * (failure_with + _PRIOR_COUNT),
    )
