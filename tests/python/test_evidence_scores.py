"""Reliability, ranking, calibration, the learned score and time to convert."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import statsmodels.api as sm
from evidence_data import UCB, leukemia
from hypothesis import given
from hypothesis import strategies as st
from microconv.evidence.calibration import (
    brier,
    calibrate,
    log_loss,
    score_bands,
    spiegelhalter_z,
)
from microconv.evidence.landmark import (
    Landmark,
    amplitude_label,
    information_value,
    phi,
    precision,
    recall,
    reliability,
)
from microconv.evidence.multiplicity import (
    benjamini_hochberg,
    cochran_armitage,
    dose_table,
    e_value,
)
from microconv.evidence.quantities import Estimate, Floats
from microconv.evidence.ranking import auc, average_precision, compare_auc, top_of_list
from microconv.evidence.score import (
    LearnedScore,
    Refusal,
    Snapshots,
    backtest,
    decayed,
    learn_score,
    points_of,
    refuse,
)
from microconv.evidence.survival import Times, kaplan_meier, log_rank
from published_examples import BENJAMINI_HOCHBERG_1995
from scipy.stats import entropy, false_discovery_control
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=40)

# ---- many questions, hidden reasons, doses ------------------------------------------------------


def test_benjamini_and_hochbergs_own_example() -> None:
    q = benjamini_hochberg(BENJAMINI_HOCHBERG_1995)
    assert (q <= 0.05).sum() == 4
    assert (np.array(BENJAMINI_HOCHBERG_1995) <= 0.05 / 15).sum() == 3  # Bonferroni


@given(p_values)
def test_q_values_equal_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p), abs=1e-12)


def test_unknown_p_values_are_no_part_of_the_family() -> None:
    q = benjamini_hochberg([0.01, math.nan, 0.04])
    assert q[0] == pytest.approx(0.02) and q[2] == pytest.approx(0.04) and math.isnan(q[1])
    assert np.isnan(benjamini_hochberg([math.nan])).all()


def test_e_value_of_vanderweele_and_ding() -> None:
    """VanderWeele and Ding 2017: RR 3.9 (1.8, 8.7) has E-values 7.26 and 3.0."""
    found = e_value(Estimate(3.9, 1.8, 8.7))
    assert found.point == pytest.approx(7.26, abs=5e-3)
    assert found.limit == pytest.approx(3.0, abs=5e-3)


def test_e_value_of_protective_and_unclear_ratios() -> None:
    mirrored = e_value(Estimate(1 / 3.9, 1 / 8.7, 1 / 1.8))
    assert (mirrored.point, mirrored.limit) == pytest.approx((7.26, 3.0), abs=5e-3)
    assert e_value(Estimate(1.2, 0.9, 1.6)).limit == 1
    assert math.isnan(e_value(Estimate(1.2, math.nan, math.nan)).limit)
    assert e_value(Estimate(1.0, 0.9, 1.1)).point == 1


def test_trend_equals_agresti() -> None:
    """Alcohol and malformation (Agresti, Categorical Data Analysis): M² 6.570, p .0104."""
    present = np.array([48, 38, 5, 1, 1])
    trials = present + np.array([17066, 14464, 788, 126, 37])
    trend = cochran_armitage([0, 0.5, 1.5, 4, 7], trials, present)
    total = trials.sum()
    assert trend.z == pytest.approx(2.563, abs=5e-4)
    assert trend.z**2 * (total - 1) / total == pytest.approx(6.570, abs=5e-4)
    assert trend.p_value == pytest.approx(0.0104, abs=5e-5)
    assert math.isnan(cochran_armitage([0, 1], [10, 10], [0, 0]).z)


def test_dose_table_shows_each_declared_dose() -> None:
    table = dose_table(("0", "1", "2", "3+"), [0, 1, 2, 3], [900, 80, 15, 5], [18, 4, 2, 1])
    assert [dose.label for dose in table.doses] == ["0", "1", "2", "3+"]
    assert table.doses[1].rate.value == pytest.approx(0.05)
    assert table.trend.z > 0


# ---- reliability --------------------------------------------------------------------------------


def test_phi_of_berkeleys_department_a() -> None:
    """PSU STAT 504, SAS PROC FREQ of department A: phi .1360 with women first."""
    _, men_in, men_out, women_in, women_out = UCB[0]
    assert phi(women_in, women_out, men_in, men_out) == pytest.approx(0.1360, abs=5e-5)
    men = np.repeat([1.0, 1.0, 0.0, 0.0], [men_in, men_out, women_in, women_out])
    admitted = np.repeat([1.0, 0.0, 1.0, 0.0], [men_in, men_out, women_in, women_out])
    correlation = np.corrcoef(men, admitted)[0, 1]
    assert phi(men_in, men_out, women_in, women_out) == pytest.approx(correlation, rel=1e-12)


def test_information_value_is_the_symmetric_entropy() -> None:
    p, q = (0.3, 0.7), (0.1, 0.9)
    _, value = information_value(p, q, smoothing=0)
    assert value == pytest.approx(0.2699853, abs=5e-8)
    assert value == pytest.approx(entropy(p, q) + entropy(q, p), rel=1e-12)
    weights, smoothed = information_value([5, 0], [5, 5])
    assert np.isfinite(weights).all() and math.isfinite(smoothed)


def test_reliability_of_a_landmark() -> None:
    found = reliability(Landmark(30, 70, 20, 880, first_macros=120))
    assert found.sensitivity.value == pytest.approx(30 / 50)
    assert found.specificity.value == pytest.approx(880 / 950)
    assert found.npv.value == pytest.approx(880 / 900)
    area = auc([1, 0], [30, 20], [70, 880]).area.value
    assert found.auc == pytest.approx(area, rel=1e-12)
    assert found.coverage == pytest.approx(50 / 120) and found.is_late_only
    assert not reliability(Landmark(30, 70, 20, 880, first_macros=60)).is_late_only
    assert found.weight_of_evidence[0] > 0 > found.weight_of_evidence[1]
    assert precision(13, 100).value == 0.13 and recall(95, 100).low > 0.88
    assert math.isnan(reliability(Landmark(0, 0, 0, 10, first_macros=0)).phi)


def test_amplitudes_words() -> None:
    """amplitude.com/docs, Compass: .4 highly, .3 moderately, .2 slightly predictive."""
    words = [amplitude_label(value) for value in (0.41, -0.33, 0.2, 0.19)]
    assert words == ["highly predictive", "moderately", "slightly", ""]


# ---- ranking ------------------------------------------------------------------------------------


def brute_auc(score: Floats, converted: Floats) -> tuple[float, float]:
    """AUC and DeLong's standard error from all pairs of visitors."""
    hits, misses = score[converted == 1], score[converted == 0]
    kernel = (hits[:, None] > misses) + 0.5 * (hits[:, None] == misses)
    variance = kernel.mean(1).var(ddof=1) / len(hits) + kernel.mean(0).var(ddof=1) / len(misses)
    return float(kernel.mean()), math.sqrt(float(variance))


def test_auc_of_scikit_learns_example() -> None:
    """sklearn.metrics.roc_auc_score's docstring: .75; its average_precision_score: .83."""
    score, converted = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    assert auc(score, converted, 1 - converted).area.value == 0.75
    assert average_precision(score, converted, 1 - converted) == pytest.approx(0.8333, abs=5e-5)


@pytest.mark.parametrize("seed", range(4))
def test_grouped_auc_equals_all_pairs(seed: int) -> None:
    random = np.random.default_rng(seed)
    score = random.integers(0, 12, 300).astype(float)
    converted = (random.random(300) < 0.1 + score / 30).astype(float)
    found = auc(score, converted, 1 - converted)
    area, error = brute_auc(score, converted)
    assert found.area.value == pytest.approx(area, abs=1e-12)
    assert found.standard_error == pytest.approx(error, abs=1e-12)
    grouped = auc(
        np.arange(12),
        np.bincount(score.astype(int), converted, minlength=12),
        np.bincount(score.astype(int), 1 - converted, minlength=12),
    )
    assert grouped.standard_error == pytest.approx(error, abs=1e-12)


def test_paired_difference_equals_all_pairs() -> None:
    random = np.random.default_rng(8)
    first = random.normal(size=200)
    second = first + random.normal(size=200)
    converted = (first + random.normal(size=200) > 0.5).astype(float)
    found = compare_auc(first, second, converted, 1 - converted)
    kernels = []
    for score in (first, second):
        hits, misses = score[converted == 1], score[converted == 0]
        kernels.append((hits[:, None] > misses) + 0.5 * (hits[:, None] == misses))
    by_hit = np.cov(kernels[0].mean(1), kernels[1].mean(1))
    by_miss = np.cov(kernels[0].mean(0), kernels[1].mean(0))
    covariance = by_hit / len(kernels[0]) + by_miss / len(kernels[0][0])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert found.difference.value == pytest.approx(kernels[0].mean() - kernels[1].mean())
    reach = found.difference.high - found.difference.value
    assert reach / 1.959964 == pytest.approx(math.sqrt(variance), rel=1e-6)
    same = compare_auc(first, 2 * first, converted, 1 - converted)
    assert same.difference.value == 0 and same.p_value == 1


def test_average_precision_and_top_of_list_one_by_one() -> None:
    random = np.random.default_rng(3)
    score = random.permutation(1000).astype(float)
    converted = (random.random(1000) < score / 2000).astype(float)
    order = np.argsort(-score)
    hits = converted[order]
    precisions = np.cumsum(hits) / np.arange(1, 1001)
    assert average_precision(score, converted, 1 - converted) == pytest.approx(
        float(precisions[hits == 1].mean())
    )
    top = top_of_list(score, converted, 1 - converted)
    assert top.capture == pytest.approx(hits[:100].sum() / hits.sum())
    assert top.lift == pytest.approx(hits[:100].mean() / hits.mean())
    everybody_alike = top_of_list([1, 1], [3, 4], [30, 40])
    assert everybody_alike.lift == pytest.approx(1)
    assert math.isnan(top_of_list([1], [0], [9]).lift)
    assert not auc([1.0], [0], [9]).area.has_interval


# ---- calibration --------------------------------------------------------------------------------


def test_brier_of_scikit_learns_example() -> None:
    """sklearn.metrics.brier_score_loss's docstring: .0375."""
    found = brier([0.1, 0.9, 0.8, 0.3], [1, 1, 1, 1], [0, 1, 1, 0])
    assert found == pytest.approx(0.0375)


def test_true_probabilities_are_calibrated_and_overconfident_ones_are_not() -> None:
    random = np.random.default_rng(12)
    p = np.linspace(0.02, 0.6, 40)
    n = np.full(40, 500.0)
    converted = random.binomial(500, p).astype(float)
    right = calibrate(p, n, converted)
    assert right.slope.low <= 1 <= right.slope.high
    assert right.intercept.low <= 0 <= right.intercept.high
    assert abs(right.spiegelhalter_z) < 2.58 and right.brier_skill > 0
    bold = 1 / (1 + np.exp(-2 * np.log(p / (1 - p))))
    wrong = calibrate(bold, n, converted)
    assert wrong.slope.high < 0.6 and wrong.spiegelhalter_p < 1e-6
    assert wrong.brier > right.brier
    expected = sm.GLM(
        np.column_stack([converted, n - converted]),
        sm.add_constant(np.log(p / (1 - p))),
        family=sm.families.Binomial(),
    ).fit()
    assert [right.intercept.value, right.slope.value] == pytest.approx(expected.params, abs=1e-8)


def test_spiegelhalter_is_standard_normal() -> None:
    random = np.random.default_rng(4)
    p, n = random.uniform(0.01, 0.4, 60), np.full(60, 30.0)
    found = [spiegelhalter_z(p, n, random.binomial(30, p).astype(float)) for _ in range(1000)]
    assert np.mean(np.abs(found) > 1.959964) <= 0.069  # exact 0.5 % limit of 1,000 runs
    assert np.std(found) == pytest.approx(1, abs=0.07)


def test_bands_hold_everybody_once() -> None:
    random = np.random.default_rng(6)
    score, n = np.arange(200.0), random.integers(1, 50, 200).astype(float)
    converted = random.binomial(n.astype(int), score / 400).astype(float)
    bands = score_bands(score, n, converted, score / 400)
    assert len(bands) == 10
    assert sum(band.visitors for band in bands) == n.sum()
    assert sum(band.converted for band in bands) == converted.sum()
    assert all(one.high_score < two.low_score for one, two in pairwise(bands))
    assert max(band.visitors for band in bands) < 1.3 * n.sum() / 10
    assert all(band.rate.low <= band.mean_predicted <= band.rate.high for band in bands[2:])
    alone = score_bands([5, 5], [10, 10], [1, 2])
    assert len(alone) == 1 and math.isnan(alone[0].mean_predicted)
    assert log_loss([0.5, 0.5], [1, 1], [0, 1]) == pytest.approx(math.log(2))
    assert not calibrate([0.1, 0.1], [10, 10], [1, 2]).slope.has_interval


# ---- learned score ------------------------------------------------------------------------------

NAMES = ("pricing", "demo", "blog", "rare")


def snapshots(seed: int, count: int = 20_000, half_life: float = 7.0) -> Snapshots:
    """Visitors whose log odds decay with this half-life; the blog means nothing."""
    random = np.random.default_rng(seed)
    age = random.integers(0, 29, (count, 4)).astype(float)
    age[random.random((count, 4)) > np.array([0.3, 0.15, 0.5, 0.0004])] = math.nan
    fresh = np.where(np.isnan(age), 0.0, 2.0 ** (-np.nan_to_num(age) / half_life))
    log_odds = -3.2 + fresh @ np.array([1.2, 2.4, 0.0, 0.0])
    converted = random.random(count) < 1 / (1 + np.exp(-log_odds))
    return Snapshots.from_columns(NAMES, age, np.ones(count), converted)


def test_points_are_tenths_of_the_largest_coefficient() -> None:
    assert points_of([2.0, 1.0, -1.0, 0.09, math.nan]) == (10, 5, 0, 0, 0)
    assert points_of([4.0, 0.2]) == (10, 1)  # 0.5 rounds up
    assert points_of([-1.0]) == (0,) and points_of([]) == ()


def test_decay() -> None:
    age = np.array([0.0, 7.0, 14.0, math.inf])
    assert decayed(age, 7.0).tolist() == [1.0, 0.5, 0.25, 0.0]
    assert decayed(age, math.inf).tolist() == [1.0, 1.0, 1.0, 0.0]


def test_a_score_is_learned_and_holds_on_later_cuts() -> None:
    learned = learn_score(snapshots(1, 40_000))
    assert isinstance(learned, LearnedScore)
    assert learned.half_life_days == 7
    assert learned.points[1] == 10 and learned.points[0] in (4, 5, 6)
    assert learned.points[2] <= 1 and learned.points[3] == 0
    assert set(learned.left_out) == {"rare"}
    test = snapshots(2)
    manual = decayed(test.age_days, math.inf) @ np.array([5.0, 5.0, 5.0, 5.0])
    found = backtest(learned, test, manual)
    assert found.is_learned_better and found.auc.difference.low > 0
    assert 0.9 <= found.calibration.slope.value <= 1.1
    assert found.top.lift > found.manual_top.lift > 1
    assert found.average_precision > found.base_rate
    assert found.bands[-1].rate.low > found.bands[0].rate.high
    itself = backtest(learned, test, learned.score(test))
    assert not itself.is_learned_better


def test_of_equally_good_half_lives_the_longest_is_learned() -> None:
    age = [[math.inf], [2.0]]
    train = Snapshots.from_columns(["only"], age, [4000, 1000], [200, 200])
    for half_lives in ((1.0, 7.0, 30.0), (30.0, 1.0, 7.0)):
        learned = learn_score(train, half_lives)
        assert isinstance(learned, LearnedScore)
        assert learned.half_life_days == 30
    # Where the ages tell something, a shorter one wins.
    age = [[math.inf], [2.0], [20.0]]
    train = Snapshots.from_columns(["only"], age, [4000, 1000, 1000], [200, 200, 60])
    learned = learn_score(train, (1.0, 7.0, 30.0))
    assert isinstance(learned, LearnedScore)
    assert learned.half_life_days == 7


def test_rounding_to_points_costs_next_to_nothing() -> None:
    learned, test = learn_score(snapshots(3, 40_000)), snapshots(4)
    assert isinstance(learned, LearnedScore)
    exact = decayed(test.age_days, learned.half_life_days) @ np.nan_to_num(learned.coefficients)
    rounded = auc(learned.score(test), test.converted, test.n - test.converted).area.value
    unrounded = auc(exact, test.converted, test.n - test.converted).area.value
    assert rounded > unrounded - 0.003


def test_too_few_conversions_are_refused_in_words() -> None:
    few = learn_score(snapshots(5, 600))
    assert isinstance(few, Refusal)
    assert any("a score needs 100" in reason for reason in few.reasons)
    assert refuse(100, 10) is None
    many = refuse(100, 11)
    assert many is not None and "11 micro-conversions" in many.reasons[0]
    nothing = learn_score(Snapshots.from_columns(("a",), [[math.nan]], [5000], [400]))
    assert isinstance(nothing, Refusal) and "No micro-conversion" in nothing.reasons[0]


def test_twins_do_not_both_enter() -> None:
    base = snapshots(6)
    twin = Snapshots(
        ("pricing", "demo", "blog", "pricing again"),
        np.column_stack([base.age_days[:, :3], base.age_days[:, 0]]),
        base.n,
        base.converted,
    )
    learned = learn_score(twin)
    assert isinstance(learned, LearnedScore)
    assert list(learned.left_out.values()) == ["almost always done together with pricing"]


# ---- time to convert ----------------------------------------------------------------------------


def test_leukemia_equals_freireich() -> None:
    """Freireich et al. 1963, as in every textbook: 6-MP survival, medians 23 and 8 weeks."""
    treated, placebo = (kaplan_meier(group) for group in leukemia())
    expected = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert treated.survival == pytest.approx(expected, abs=5e-5)
    assert treated.time.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert treated.time_until(0.5) == 23 and placebo.time_until(0.5) == 8
    test = log_rank(leukemia())
    assert test.chi_squared == pytest.approx(16.79, abs=5e-3)  # R: survdiff(Surv(time, status) ~ g)
    assert test.observed == (9, 21) and sum(test.expected) == pytest.approx(30)


@pytest.mark.parametrize("seed", range(3))
def test_curve_and_test_equal_statsmodels(seed: int) -> None:
    random = np.random.default_rng(seed)
    time = random.integers(1, 20, 300).astype(float)
    is_event, group = random.random(300) < 0.6, random.integers(0, 3, 300)
    curve = kaplan_meier(Times.from_columns(time, is_event))
    expected = SurvfuncRight(time, is_event.astype(float))
    assert curve.time.tolist() == expected.surv_times.tolist()
    assert curve.survival == pytest.approx(expected.surv_prob, abs=1e-12)
    finite = expected.surv_prob > 0
    error = curve.survival * np.sqrt(curve.greenwood)
    assert error[finite] == pytest.approx(expected.surv_prob_se[finite], abs=1e-10)
    chi_squared, p_value = survdiff(time, is_event.astype(float), group)
    groups = [Times.from_columns(time[group == g], is_event[group == g]) for g in range(3)]
    found = log_rank(groups)
    assert found.chi_squared == pytest.approx(chi_squared, rel=1e-8)
    assert found.degrees_of_freedom == 2 and found.p_value == pytest.approx(p_value, rel=1e-6)


def test_grouped_times_equal_single_ones_in_any_order() -> None:
    random = np.random.default_rng(9)
    time, is_event = random.integers(0, 9, 200).astype(float), random.random(200) < 0.5
    single = kaplan_meier(Times.from_columns(time, is_event))
    key, place = np.unique(np.column_stack([time, is_event]), axis=0, return_inverse=True)
    shuffled = random.permutation(len(key))
    grouped = kaplan_meier(
        Times.from_columns(
            key[shuffled, 0], key[shuffled, 1] == 1, np.bincount(place.reshape(-1))[shuffled]
        )
    )
    assert grouped.survival == pytest.approx(single.survival, abs=1e-12)
    assert grouped.greenwood == pytest.approx(single.greenwood, abs=1e-12)


def test_conversion_by_a_time_has_the_log_log_interval() -> None:
    """F → 1 - S^exp(± 1.96 se / |log S|): Kalbfleisch and Prentice; lifelines' default."""
    curve = kaplan_meier(leukemia()[0])
    found = curve.converted_by(10)
    # lifelines 0.30.3, KaplanMeierFitter on the 6-MP group at 10 weeks: (.503, .889) of survival.
    assert 1 - found.value == pytest.approx(0.7529, abs=5e-5)
    assert (1 - found.high, 1 - found.low) == pytest.approx((0.5032, 0.8894), abs=5e-4)
    assert curve.converted_by(5).value == 0 and not curve.converted_by(5).has_interval
    assert math.isnan(curve.converted_by(36).value)
    assert curve.converted_by(35).value == curve.converted_by(23).value


def test_recent_visitors_do_not_bias_the_curve() -> None:
    """Half are censored: the naive share is low, the curve within two standard errors."""
    random = np.random.default_rng(21)
    covered = 0
    for _ in range(100):
        converts = random.random(3000) < 0.18
        when = np.where(converts, random.exponential(2.5, 3000), math.inf)
        watched = random.uniform(0.2, 14, 3000)
        times = Times.from_columns(np.minimum(when, watched), when <= watched)
        found = kaplan_meier(times).converted_by(7.0)
        truth = 0.18 * (1 - math.exp(-7 / 2.5))
        covered += found.low <= truth <= found.high
        assert np.mean((when <= watched) & (when <= 7)) < truth
    assert covered >= 89  # exact 0.5 % binomial limit of 100 runs


def test_median_of_those_who_convert() -> None:
    times = Times.from_columns([1, 2, 3, 4, 7], [True, True, True, True, False], [10, 20, 5, 5, 60])
    curve = kaplan_meier(times)
    assert curve.median_given_conversion(7) == 2
    assert math.isnan(curve.time_until(0.5))
    assert math.isnan(curve.median_given_conversion(8))
    nobody = kaplan_meier(Times.from_columns([], []))
    assert math.isnan(nobody.converted_by(0).value) and math.isnan(nobody.time_until(0.1))
    never = kaplan_meier(Times.from_columns([7], [False], [50]))
    assert never.converted_by(7).value == 0 and math.isnan(never.median_given_conversion(7))
    assert math.isnan(log_rank([times]).p_value)
