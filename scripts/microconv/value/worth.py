"""What each micro-conversion is worth, from what was measured of it (M11)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from microconv.correlate.family import Finding
from microconv.evidence.quantities import UNDEFINED, Estimate, ratio
from microconv.evidence.value import (
    GrossValue,
    RevenueMoments,
    gross_value,
    key_event_value,
    opportunity,
)
from microconv.evidence.verdict import Verdict

# An unstable one has no number that stands for all.
NOT_COMPARABLE = (
    Verdict.GATE,
    Verdict.POST_MACRO_ONLY,
    Verdict.INSUFFICIENT,
    Verdict.UNSTABLE,
)


@dataclass(frozen=True)
class Worth:
    """The money of one micro-conversion, in US dollars per first micro-conversion.

    Args:
        finding: What was found out about it.
        visitors: First micro-conversions with complete follow-up.
        orders: Visitors among them that bought within the horizon.
        gross: Rate × average order value; undefined under the least number of orders.
        top_share: Share of revenue in the largest hundredth of buyers, in 0..1.
        trimmed: Gross value without these.
        incremental: More than comparable visitors spent; undefined where there are none.
        key_event: Incremental value for GA4's key event, and a cautious one.
        monthly: First micro-conversions in the last 30 days.
        opportunity: A month, for 10 % more of it, if the extra visitors are like current ones.
    """

    finding: Finding
    visitors: float
    orders: float
    gross: GrossValue
    top_share: float
    trimmed: float
    incremental: Estimate
    key_event: tuple[float, float]
    monthly: float
    opportunity: Estimate


def worth_of(finding: Finding) -> Worth:
    """The money of one micro-conversion."""
    reach, value = finding.measures.reach, finding.measures.value
    revenue, top = reach.first_micro_revenue_usd, reach.top_hundredth_revenue_usd
    moments = RevenueMoments(
        visitors=reach.first_micro_count,
        orders=reach.first_micro_converted_count,
        revenue=revenue,
        revenue_squared=reach.first_micro_revenue_usd_squared,
        top_share=ratio(top, revenue),
    )
    gross = gross_value(moments)
    is_comparable = gross.is_sufficient and finding.judgement.verdict not in NOT_COMPARABLE
    comparable = value if is_comparable else None
    incremental = comparable.incremental if comparable else UNDEFINED
    return Worth(
        finding=finding,
        visitors=moments.visitors,
        orders=moments.orders,
        gross=gross,
        top_share=moments.top_share,
        trimmed=ratio(revenue - top, moments.visitors),
        incremental=incremental,
        key_event=key_event_value(comparable) if comparable else (math.nan, math.nan),
        monthly=reach.monthly_subject_count,
        opportunity=opportunity(incremental, reach.monthly_subject_count),
    )


def ranked(findings: Sequence[Finding]) -> list[Worth]:
    """By opportunity, the largest first: volume times gap; those without one by gross value."""
    return sorted((worth_of(one) for one in findings), key=_order)


def _order(worth: Worth) -> tuple[bool, float, float, str]:
    gain = worth.opportunity.value
    gross = worth.gross.value.value if worth.gross.is_sufficient else 0.0
    return (
        math.isnan(gain),
        0.0 if math.isnan(gain) else -gain,
        -gross,
        worth.finding.micro_name,
    )
