"""Stratified tables equal R, SAS, textbooks and statsmodels; the traps are flagged."""

from __future__ import annotations

import math

import numpy as np
import pytest
from evidence_data import UCB, stanford_heart, ucb_tables, ugdp_tables
from microconv.evidence.naive import NaiveCounts, naive_lift, posthog_odds_ratio
from microconv.evidence.quantities import Bools, Estimate
from microconv.evidence.ratios import woolf_odds_ratio
from microconv.evidence.segments import (
    breslow_day,
    profile_segments,
    strongest_factor,
    woolf_homogeneity,
)
from microconv.evidence.stratified import (
    Tables,
    cochran_mantel_haenszel,
    mantel_haenszel,
)
from statsmodels.stats.contingency_tables import StratifiedTable


def parts(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def statsmodels_tables(tables: Tables) -> StratifiedTable:
    return StratifiedTable(
        [
            np.array([[a, n1 - a], [c, n0 - c]])
            for n1, a, n0, c in zip(
                tables.exposed,
                tables.exposed_converted,
                tables.others,
                tables.others_converted,
                strict=True,
            )
        ]
    )


def random_tables(seed: int, strata: int, size: int = 60) -> Tables:
    random = np.random.default_rng(seed)
    n1, n0 = random.integers(2, size, strata), random.integers(2, size, strata)
    rate = random.uniform(0.1, 0.5, strata)
    return Tables.from_counts(n1, random.binomial(n1, rate), n0, random.binomial(n0, rate * 0.8))


def test_berkeley_equals_r_and_sas() -> None:
    """R's mantelhaen.test(UCBAdmissions), SAS PROC FREQ on the same data."""
    tables = ucb_tables()
    found = mantel_haenszel(tables)
    assert parts(found.odds_ratio) == pytest.approx((0.9046968, 0.7719074, 1.0603298), abs=5e-8)
    assert found.chi_squared == pytest.approx(1.5246, abs=5e-5)
    assert cochran_mantel_haenszel(tables, True) == pytest.approx((1.4269, 0.2323), abs=5e-5)
    assert mantel_haenszel(tables.pooled()).odds_ratio.value == pytest.approx(1.84108, abs=5e-6)
    homogeneity = breslow_day(tables, is_tarone=False)
    assert homogeneity.chi_squared == pytest.approx(18.8255, abs=5e-5)
    assert homogeneity.degrees_of_freedom == 5
    assert homogeneity.p_value == pytest.approx(0.0021, abs=5e-5)


def test_diabetes_programme_equals_rothman() -> None:
    """Rothman, Epidemiology: An Introduction: crude and Mantel-Haenszel RR and RD."""
    tables = ugdp_tables()
    crude, adjusted = mantel_haenszel(tables.pooled()), mantel_haenszel(tables)
    assert crude.risk_ratio.value == pytest.approx(1.436, abs=1e-3)
    assert crude.risk_difference.value == pytest.approx(0.0446, abs=1e-4)
    assert adjusted.risk_ratio.value == pytest.approx(1.3256, abs=5e-5)
    assert adjusted.risk_difference.value == pytest.approx(0.0349, abs=5e-5)


def test_standardised_risk_ratio_of_hernan_and_robins() -> None:
    """What If, table 2.2: crude 1.26, and 1.00 with either value of L held fixed."""
    # L = 0: 1 of 4 treated and 1 of 4 untreated died; L = 1: 6 of 9 treated and 2 of 3 untreated.
    tables = Tables.from_counts([4, 9], [1, 6], [4, 3], [1, 2])
    assert mantel_haenszel(tables.pooled()).risk_ratio.value == pytest.approx(1.256, abs=1e-3)
    assert mantel_haenszel(tables).risk_ratio.value == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(5))
def test_random_tables_equal_statsmodels(seed: int) -> None:
    tables = random_tables(seed, strata=12)
    found, expected = mantel_haenszel(tables), statsmodels_tables(tables)
    assert found.odds_ratio.value == pytest.approx(expected.oddsratio_pooled, rel=1e-10)
    assert found.log_standard_error == pytest.approx(expected.logodds_pooled_se, rel=1e-10)
    assert found.risk_ratio.value == pytest.approx(expected.riskratio_pooled, rel=1e-10)
    test = expected.test_null_odds(correction=False)
    assert found.chi_squared == pytest.approx(test.statistic, rel=1e-10)
    assert found.p_value == pytest.approx(test.pvalue, rel=1e-8)
    for is_tarone in (False, True):
        homogeneity = breslow_day(tables, is_tarone)
        test = expected.test_equal_odds(adjust=is_tarone)
        assert homogeneity.chi_squared == pytest.approx(test.statistic, rel=1e-8)
        assert homogeneity.p_value == pytest.approx(test.pvalue, rel=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_intervals_of_a_single_stratum_are_the_crude_ones(seed: int) -> None:
    tables = random_tables(seed, strata=1, size=400)
    n1, a, n0, c = (
        float(column[0])
        for column in (
            tables.exposed,
            tables.exposed_converted,
            tables.others,
            tables.others_converted,
        )
    )
    found = mantel_haenszel(tables)
    assert parts(found.odds_ratio) == pytest.approx(parts(woolf_odds_ratio(a, n1, c, n0)))
    # Katz writes the variance as 1/a - 1/n1 + 1/c - 1/n0, which Greenland-Robins becomes.
    error = math.log(found.risk_ratio.high / found.risk_ratio.value) / 1.959964
    assert error == pytest.approx(math.sqrt(1 / a - 1 / n1 + 1 / c - 1 / n0), rel=1e-5)
    p1, p0 = a / n1, c / n0
    wald = math.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    reach = found.risk_difference.high - found.risk_difference.value
    assert reach / 1.959964 == pytest.approx(wald, rel=0.02)


def test_risk_difference_covers_in_many_small_strata() -> None:
    random = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        n1, n0 = random.integers(1, 6, 150), random.integers(1, 6, 150)
        rate = random.uniform(0.05, 0.5, 150)
        tables = Tables.from_counts(
            n1, random.binomial(n1, rate + 0.1), n0, random.binomial(n0, rate)
        )
        interval = mantel_haenszel(tables).risk_difference
        hits += interval.low <= 0.1 <= interval.high
    assert hits / 400 >= 0.92  # the exact 0.5 % binomial limit of 400 runs


def test_strata_without_both_arms_say_nothing() -> None:
    tables = random_tables(3, strata=6)
    more = Tables.from_counts(
        np.append(tables.exposed, [40, 0]),
        np.append(tables.exposed_converted, [7, 0]),
        np.append(tables.others, [0, 50]),
        np.append(tables.others_converted, [0, 9]),
    )
    assert parts(mantel_haenszel(more).odds_ratio) == parts(mantel_haenszel(tables).odds_ratio)


def test_long_rows_become_tables_in_any_order() -> None:
    stratum = np.array([1, 0, 1, 0, 1])
    is_exposed = np.array([True, True, False, False, True])
    tables = Tables.from_rows(stratum, is_exposed, [10, 20, 30, 40, 5], [1, 2, 3, 4, 5])
    assert tables.exposed.tolist() == [20, 15]
    assert tables.exposed_converted.tolist() == [2, 6]
    assert tables.others.tolist() == [40, 30]
    assert tables.others_converted.tolist() == [4, 3]


@pytest.mark.parametrize(
    "tables",
    [
        Tables.from_counts([], [], [], []),
        Tables.from_counts([10], [0], [10], [0]),
        Tables.from_counts([10], [3], [0], [0]),
        Tables.from_counts([10], [10], [10], [10]),
    ],
    ids=["no stratum", "no conversion", "one arm", "all convert"],
)
def test_empty_tables_are_undefined(tables: Tables) -> None:
    found = mantel_haenszel(tables)
    assert not found.odds_ratio.has_interval
    assert math.isnan(found.p_value)
    assert not found.odds_ratio.excludes(1)


def test_berkeley_is_simpsons_paradox() -> None:
    """Men are admitted more often, and in no department; departments do differ."""
    departments = np.arange(len(UCB))
    profile = profile_segments(ucb_tables(), departments)
    assert profile.crude.low > 1 and profile.pooled.odds_ratio.value < 1
    assert profile.is_confounded
    # The adjusted interval holds 1, so the paradox is one of the point estimates only.
    assert not profile.is_simpson
    assert profile.heterogeneity_p == profile.breslow_day.p_value < 0.01
    assert len(profile.by_segment) == len(UCB)
    without_first = ucb_tables().where(departments > 0)
    assert not profile_segments(without_first, departments[1:] - 1).breslow_day.p_value < 0.05


def test_simpson_is_flagged_where_the_adjusted_ratio_is_sure() -> None:
    # Mobile does it often and buys little, desktop seldom and much; inside both it helps.
    tables = Tables.from_counts([8000, 1000], [240, 150], [2000, 9000], [40, 900])
    profile = profile_segments(tables, np.array([0, 1]))
    assert profile.crude.high < 1 < profile.pooled.odds_ratio.low
    assert profile.is_simpson and profile.is_confounded
    assert not profile.heterogeneity_p < 0.05


def test_strata_inside_segments_do_not_count_as_differences_of_segments() -> None:
    """One odds ratio in all strata: added up per segment the tables would differ."""
    random = np.random.default_rng(5)
    rejected, rejected_by_sums = 0, 0
    for _ in range(200):
        base = np.repeat([0.02, 0.3], 10)
        odds = base / (1 - base) * 2.0
        # In the first segment the exposed lie in the good strata, in the second in the bad ones.
        n1 = np.where(np.arange(20) % 2 == 0, 30, 90)
        n1 = np.concatenate([n1[:10], n1[10:][::-1]])
        n0 = np.full(20, 200)
        segment = np.tile([0, 1], 10)
        tables = Tables.from_counts(
            n1, random.binomial(n1, odds / (1 + odds)), n0, random.binomial(n0, base)
        )
        profile = profile_segments(tables, segment)
        rejected += profile.heterogeneity_p < 0.05
        rejected_by_sums += profile.breslow_day.p_value < 0.05
        assert profile.heterogeneity_p == profile.homogeneity.p_value
    assert rejected / 200 <= 0.095  # the exact 0.5 % binomial limit of 200 runs


def test_woolf_needs_two_segments() -> None:
    one = mantel_haenszel(random_tables(1, strata=3))
    assert math.isnan(woolf_homogeneity([one]).p_value)
    assert math.isnan(breslow_day(Tables.from_counts([], [], [], [])).p_value)


def test_yardstick_is_the_strongest_measured_factor() -> None:
    factors = {
        "device mobile": Tables.from_counts([1000], [20], [1000], [60]),
        "channel email": Tables.from_counts([500], [40], [1500], [60]),
        "country of three": Tables.from_counts([3], [2], [1997], [98]),
    }
    found = strongest_factor(factors)
    assert found is not None
    name, strength = found
    assert name == "device mobile"
    assert strength == pytest.approx((60 * 980) / (20 * 940))
    assert strongest_factor({}) is None


@pytest.mark.parametrize(
    ("counts", "expected"),
    # PostHog, posthog/hogql_queries/insights/funnels/test/test_funnel_correlation.py: of 10
    # successes and 10 failures, 5 successes with the event: 11; mirrored: 1/11.
    [((5, 0, 10, 10), 11.0), ((0, 5, 10, 10), 1 / 11)],
)
def test_posthog_odds_ratio(counts: tuple[int, int, int, int], expected: float) -> None:
    assert posthog_odds_ratio(*counts) == pytest.approx(expected)


def test_posthogs_docstring_table() -> None:
    """5 and 1 with the event, 2 and 10 without: 25 before the prior counts of one."""
    assert woolf_odds_ratio(5, 6, 2, 12).value == pytest.approx(25)
    assert posthog_odds_ratio(5, 1, 7, 11) == pytest.approx(6 * 11 / (3 * 2))


def test_naive_lift_is_a_plain_ratio_of_rates() -> None:
    found = naive_lift(NaiveCounts(200, 30, 1000, 50))
    assert found.lift.value == pytest.approx(3.0)
    assert found.with_rate.value == pytest.approx(0.15)
    assert found.odds_ratio.value == pytest.approx((30 * 950) / (170 * 50))


def test_stanford_heart_naive_against_honest() -> None:
    """Immortal time (Crowley and Hu 1977): who gets a transplant has lived to get it.

    Cox models of the same data (lifelines) give a hazard ratio of 0.266 for ever transplanted and
    exp(0.1271) = 1.136 with the transplant counted from its day on. Mantel-Haenszel over the days
    of death is the same comparison without a model.
    """
    days, died, wait = stanford_heart()
    deaths = np.unique(days[died == 1])[:, None]
    at_risk = days >= deaths
    dies = (days == deaths) & (died == 1)

    def odds_ratio(done: Bools) -> Estimate:
        return mantel_haenszel(
            Tables.from_counts(
                (at_risk & done).sum(1),
                (dies & done).sum(1),
                (at_risk & ~done).sum(1),
                (dies & ~done).sum(1),
            )
        ).odds_ratio

    naive, honest = odds_ratio(np.isfinite(wait) & at_risk), odds_ratio(wait < deaths)
    assert naive.value == pytest.approx(0.266, abs=0.04) and naive.high < 0.5
    assert honest.value == pytest.approx(1.136, abs=0.04)
    assert honest.low < 1 < honest.high
