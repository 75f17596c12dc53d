"""Cohorts by first week and by early behaviour: what follows a landmark (M20).

Behaviour is looked at up to the landmark, outcomes strictly after it, so that nobody gets credit
for an early act by having stayed long enough to do it. A cohort whose horizon has not passed yet is
blank: half of an outcome compares with nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from microconv.evidence.matched import (
    MatchedLift,
    MatchedValue,
    Trials,
    matched_lift,
    matched_value,
)
from microconv.evidence.proportions import newcombe, wilson
from microconv.evidence.quantities import UNDEFINED, Estimate, student_quantile
from microconv.evidence.ratios import mover_risk_ratio
from microconv.evidence.refusal import Refusal

LEAST_VISITORS = 100
LEAST_CONVERTED = 10


@dataclass(frozen=True)
class Outcomes:
    """What visitors of a group did in a horizon after the landmark.

    Args:
        visitors: With complete follow-up, and without the macro up to the landmark.
        converted: Those of them that did it: came back, bought, …
        revenue: Sum over visitors, in currency.
        revenue_squared: Sum of squares over visitors, in currency².
        early: Visitors who had the macro before the landmark already; counted apart, not within.
    """

    visitors: float
    converted: float
    revenue: float = 0.0
    revenue_squared: float = 0.0
    early: float = 0.0


@dataclass(frozen=True)
class Cohort:
    """Visitors who came first in the same week.

    Args:
        first_day: Of the week.
        complete_day: The day at whose end the last visitor of the week was followed to the horizon.
        outcomes: After the landmark.
    """

    first_day: date
    complete_day: date
    outcomes: Outcomes


@dataclass(frozen=True)
class CohortRate:
    """One cell of a cohort table; blank where `blank` says why.

    Args:
        first_day: Of the week.
        visitors: Of the cohort, without those who had the macro before the landmark.
        early: These.
        rate: In 0..1, Wilson interval.
        revenue: Mean per visitor in currency, t interval.
        blank: Why there is no number; empty if there is one.
    """

    first_day: date
    visitors: float
    early: float
    rate: Estimate
    revenue: Estimate
    blank: str = ""


@dataclass(frozen=True)
class BehaviourComparison:
    """Visitors who did something up to the landmark against those who did not.

    Args:
        with_rate: Wilson interval; in 0..1.
        without_rate: The same of the others.
        difference: Of the two, Newcombe interval.
        lift: Ratio of the two, MOVER-R interval.
        revenue_difference: Mean per visitor in currency, Welch interval.
        standardised: The same within strata of first week, channel and device; jackknife interval.
        standardised_revenue: Revenue within strata, jackknife interval.
        early_with: Visitors with the behaviour whose macro came before the landmark, not counted.
        early_without: The same without it.
    """

    with_rate: Estimate
    without_rate: Estimate
    difference: Estimate
    lift: Estimate
    revenue_difference: Estimate
    standardised: MatchedLift
    standardised_revenue: MatchedValue
    early_with: float
    early_without: float


def cohort_table(
    cohorts: Sequence[Cohort], as_of: date, least_visitors: float = LEAST_VISITORS
) -> tuple[CohortRate, ...]:
    """One horizon over all cohorts, blank where it is not over for the last visitor of the week.

    Args:
        cohorts: By week.
        as_of: The last loaded day.
        least_visitors: Smaller cohorts are blank.
    """
    found = []
    for one in cohorts:
        counts = one.outcomes
        blank = ""
        if one.complete_day > as_of:
            blank = f"complete on {one.complete_day:%Y-%m-%d}"
        elif not _is_possible(counts):
            blank = "its counts contradict each other"
        elif counts.visitors < least_visitors:
            blank = f"fewer than {least_visitors:.0f} visitors"
        found.append(
            CohortRate(
                first_day=one.first_day,
                visitors=counts.visitors,
                early=counts.early,
                rate=UNDEFINED if blank else wilson(counts.converted, counts.visitors),
                revenue=UNDEFINED if blank else mean_with_t(counts),
                blank=blank,
            )
        )
    return tuple(found)


def compare_behaviours(
    with_it: Outcomes, without_it: Outcomes, trials: Trials, did: str = "converted"
) -> BehaviourComparison | Refusal:
    """Crude and standardised outcomes after the landmark.

    Args:
        with_it: Visitors with the behaviour, all strata together.
        without_it: The others.
        trials: The same visitors by stratum (first week × channel × device), bucket and behaviour.
        did: What the outcome is, in the past tense.
    """
    reasons = []
    for name, counts in (("with", with_it), ("without", without_it)):
        if not _is_possible(counts):
            reasons.append(f"The counts of visitors {name} it contradict each other.")
        elif counts.visitors < LEAST_VISITORS:
            reasons.append(
                f"Fewer than {LEAST_VISITORS} visitors {name} it have been watched so long."
            )
    if not reasons and with_it.converted + without_it.converted < LEAST_CONVERTED:
        reasons.append(f"Fewer than {LEAST_CONVERTED} of all visitors {did}.")
    if reasons:
        return Refusal(tuple(reasons))
    crude = (with_it.converted, with_it.visitors, without_it.converted, without_it.visitors)
    return BehaviourComparison(
        with_rate=wilson(*crude[:2]),
        without_rate=wilson(*crude[2:]),
        difference=newcombe(*crude),
        lift=mover_risk_ratio(*crude),
        revenue_difference=welch(with_it, without_it),
        standardised=matched_lift(trials),
        standardised_revenue=matched_value(trials),
        early_with=with_it.early,
        early_without=without_it.early,
    )


def mean_with_t(counts: Outcomes) -> Estimate:
    """Revenue per visitor with Student's interval; none below two visitors."""
    if counts.visitors <= 0:
        return UNDEFINED
    mean, error = _mean_and_error(counts)
    if math.isnan(error):
        return Estimate(mean, math.nan, math.nan)
    reach = student_quantile(counts.visitors - 1) * error
    return Estimate(mean, mean - reach, mean + reach)


def welch(one: Outcomes, other: Outcomes) -> Estimate:
    """The difference of revenue per visitor with Welch's interval, from moments.

    Source: Welch 1947, Biometrika 34:28.
    """
    if min(one.visitors, other.visitors) <= 0:
        return UNDEFINED
    (mean1, error1), (mean0, error0) = _mean_and_error(one), _mean_and_error(other)
    variance = error1**2 + error0**2
    if not variance > 0:
        return Estimate(mean1 - mean0, math.nan, math.nan)
    freedom = variance**2 / (error1**4 / (one.visitors - 1) + error0**4 / (other.visitors - 1))
    reach = student_quantile(freedom) * math.sqrt(variance)
    return Estimate(mean1 - mean0, mean1 - mean0 - reach, mean1 - mean0 + reach)


def _mean_and_error(counts: Outcomes) -> tuple[float, float]:
    n = counts.visitors
    mean = counts.revenue / n
    if n < 2:
        return mean, math.nan
    variance = max(counts.revenue_squared - n * mean**2, 0.0) / (n - 1)
    return mean, math.sqrt(variance / n)


def _is_possible(counts: Outcomes) -> bool:
    numbers = (counts.visitors, counts.converted, counts.revenue, counts.revenue_squared)
    return all(math.isfinite(one) for one in numbers) and 0 <= counts.converted <= counts.visitors
