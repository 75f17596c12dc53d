"""Cohorts: outcomes after a landmark, blank until their horizon has passed."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from microconv.evidence.matched import Trials
from microconv.evidence.proportions import newcombe, wilson
from microconv.evidence.refusal import Refusal
from microconv.watching.cohorts import (
    BehaviourComparison,
    Cohort,
    Outcomes,
    cohort_table,
    compare_behaviours,
    mean_with_t,
    welch,
)
from scipy.stats import ttest_1samp, ttest_ind

MONDAY = date(2026, 8, 3)
WAIT = 7 + 14  # landmark and horizon


def outcomes(revenue: np.ndarray, early: float = 0) -> Outcomes:
    return Outcomes(
        len(revenue),
        float((revenue > 0).sum()),
        float(revenue.sum()),
        float(revenue @ revenue),
        early,
    )


def weeks(count: int) -> list[Cohort]:
    return [
        Cohort(
            MONDAY + timedelta(days=7 * week),
            MONDAY + timedelta(days=7 * week + 6 + WAIT),
            Outcomes(500, 40, 2000, 120_000, early=12),
        )
        for week in range(count)
    ]


def test_a_cohort_is_blank_until_its_last_visitor_was_watched_long_enough() -> None:
    # The second week ends on 16 August; landmark and horizon take 21 days from there.
    for as_of, numbers in ((date(2026, 9, 5), 1), (date(2026, 9, 6), 2), (date(2026, 9, 13), 3)):
        found = cohort_table(weeks(4), as_of)
        assert [not cell.blank for cell in found] == [True] * numbers + [False] * (4 - numbers)
        for cell in found:
            assert cell.rate.has_interval == cell.revenue.has_interval == (not cell.blank)
            assert math.isnan(cell.rate.value) == bool(cell.blank)
    assert found[3].blank == "complete on 2026-09-20"


def test_cells_hold_rate_and_revenue_with_intervals() -> None:
    (cell,) = cohort_table(weeks(1), date(2026, 12, 1))
    assert cell.rate == wilson(40, 500)
    assert cell.revenue.value == 4 and cell.early == 12
    random = np.random.default_rng(1)
    revenue = random.lognormal(3, 0.5, 400) * (random.random(400) < 0.3)
    expected = ttest_1samp(revenue, 0).confidence_interval()
    found = mean_with_t(outcomes(revenue))
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-9)


def test_small_and_impossible_cohorts_are_blank() -> None:
    def blank(counts: Outcomes) -> str:
        cohort = Cohort(MONDAY, MONDAY + timedelta(days=6), counts)
        return cohort_table([cohort], date(2026, 12, 1))[0].blank

    assert blank(Outcomes(99, 4)) == "fewer than 100 visitors"
    assert blank(Outcomes(0, 0)) == "fewer than 100 visitors"
    assert blank(Outcomes(200, 201)) == blank(Outcomes(200, math.nan)) != ""
    assert blank(Outcomes(200, 0)) == ""
    assert cohort_table([], MONDAY) == ()


def test_welch_equals_scipy() -> None:
    random = np.random.default_rng(2)
    one, other = random.lognormal(3, 0.6, 300), random.lognormal(2.8, 0.9, 90)
    expected = ttest_ind(one, other, equal_var=False).confidence_interval()
    found = welch(outcomes(one), outcomes(other))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert not welch(Outcomes(1, 1, 5, 25), Outcomes(1, 0)).has_interval
    assert not welch(Outcomes(0, 0), outcomes(other)).has_interval
    assert not welch(Outcomes(50, 0), Outcomes(60, 0)).has_interval


def visitors(
    random: np.random.Generator, effect: float, count: int = 8000
) -> tuple[Outcomes, Outcomes, Trials]:
    """The active come through a channel that buys more; behaviour itself multiplies by `effect`."""
    stratum, bucket = random.integers(0, 6, count), random.integers(0, 20, count)
    did = random.random(count) < np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])[stratum]
    risk = np.array([0.03, 0.05, 0.07, 0.09, 0.12, 0.15])[stratum] * np.where(did, effect, 1)
    revenue = random.lognormal(3.5, 0.6, count) * (random.random(count) < risk)
    rows = Trials.from_columns(stratum, bucket, did, np.ones(count), revenue > 0, revenue)
    return outcomes(revenue[did], 30), outcomes(revenue[~did], 20), rows


def test_standardising_takes_the_channel_out() -> None:
    found = compare_behaviours(*visitors(np.random.default_rng(3), 1.0, 40_000))
    assert isinstance(found, BehaviourComparison)
    assert found.lift.low > 1.2 and found.difference.low > 0
    assert found.standardised.lift.low < 1 < found.standardised.lift.high
    incremental = found.standardised_revenue.incremental
    assert found.revenue_difference.low > 0 > incremental.low
    assert (found.early_with, found.early_without) == (30, 20)


def test_crude_numbers_are_newcombes() -> None:
    with_it, without, rows = visitors(np.random.default_rng(4), 1.5)
    found = compare_behaviours(with_it, without, rows)
    assert isinstance(found, BehaviourComparison)
    assert found.difference == newcombe(
        with_it.converted, with_it.visitors, without.converted, without.visitors
    )


def test_standardised_intervals_cover_the_planted_effect() -> None:
    random, covered = np.random.default_rng(20_261_122), 0
    for _ in range(100):
        found = compare_behaviours(*visitors(random, 1.5))
        assert isinstance(found, BehaviourComparison)
        lift = found.standardised.lift
        covered += lift.low <= 1.5 <= lift.high
    assert covered >= 89  # exact 0.5 % limit of 100 runs


def test_few_visitors_are_refused() -> None:
    rows = Trials.from_columns([0], [0], [True], [50], [5])
    for pair in (
        (Outcomes(50, 5), Outcomes(500, 50)),
        (Outcomes(500, 50), Outcomes(0, 0)),
        (Outcomes(500, 2), Outcomes(500, 3)),
        (Outcomes(500, 600), Outcomes(500, 3)),
    ):
        found = compare_behaviours(*pair, rows)
        assert isinstance(found, Refusal) and found.reasons
