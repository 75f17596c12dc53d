"""Grouped models: equal to visitor-level fits, finite under separation, shares that add up."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import statsmodels.api as sm
from evidence_data import UCB, swiss
from microconv.evidence.crossed import CrossedRows
from microconv.evidence.joint import (
    fit_joint,
    log_likelihood_shares,
    stage_ordered_effects,
    standardized_risk_ratio,
    variance_inflation,
)
from microconv.evidence.lags import lag_profile
from microconv.evidence.likelihood import SetLikelihood
from microconv.evidence.logistic import (
    GroupedRows,
    SingularDesignError,
    fit_logistic,
    log_likelihood,
)
from microconv.evidence.patterns import PatternTable, choose_joint_set, factor_dummies
from microconv.evidence.quantities import Floats, Ints
from microconv.evidence.shapley import shapley_shares
from microconv.evidence.stratified import mantel_haenszel
from scipy.optimize import minimize
from statsmodels.stats.outliers_influence import variance_inflation_factor

MICROS = ("size guide", "video", "chat", "share")


def visitors(seed: int, count: int = 4000) -> tuple[Ints, Ints, Ints, Floats]:
    """Pattern, device, depth and conversion of visitors; the first two micros matter."""
    random = np.random.default_rng(seed)
    device, depth = random.integers(0, 2, count), random.integers(0, 4, count)
    bits = random.random((count, 4)) < np.array([0.3, 0.2, 0.1, 0.15]) + 0.05 * depth[:, None]
    pattern = (bits << np.arange(4)).sum(axis=1)
    log_odds = -2.5 - 0.8 * device + 0.2 * depth + 0.9 * bits[:, 0] + 0.5 * bits[:, 1]
    converted = (random.random(count) < 1 / (1 + np.exp(-log_odds))).astype(float)
    return pattern.astype(np.int64), device, depth, converted


def pattern_table(seed: int, count: int = 4000) -> PatternTable:
    pattern, device, depth, converted = visitors(seed, count)
    key, place = np.unique(np.column_stack([pattern, device, depth]), axis=0, return_inverse=True)
    place = place.reshape(-1)
    return PatternTable.from_columns(
        MICROS, key[:, 0], key[:, 1:], np.bincount(place), np.bincount(place, converted)
    )


def rows_of(table: PatternTable) -> GroupedRows:
    return GroupedRows(np.hstack([table.dummies, table.bits]), table.n, table.converted)


# ---- fits ---------------------------------------------------------------------------------------


def test_berkeley_equals_agresti() -> None:
    """Agresti, Categorical Data Analysis: men -.0999 (.0808) by department, G² 20.204 (5 df)."""
    rows = []
    for place, (_, men_in, men_out, women_in, women_out) in enumerate(UCB):
        department = [float(place == other) for other in range(1, len(UCB))]
        rows.append((men_in, men_in + men_out, [1.0, 1.0, *department]))
        rows.append((women_in, women_in + women_out, [1.0, 0.0, *department]))
    converted, n, design = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    fit = fit_logistic(GroupedRows(design, n, converted), is_firth=False)
    assert fit.coefficients[1] == pytest.approx(-0.0999, abs=5e-5)
    assert fit.standard_errors[1] == pytest.approx(0.0808, abs=5e-5)
    deviance = 2 * (log_likelihood(n, converted, converted / n) - fit.log_likelihood)
    assert deviance == pytest.approx(20.204, abs=5e-4)


def test_spectors_data_equal_greene() -> None:
    """Spector and Mazzeo 1980 in Greene, Econometric Analysis; data from statsmodels."""
    data = sm.datasets.spector.load()
    design = sm.add_constant(np.asarray(data.exog, dtype=float))
    converted = np.asarray(data.endog, dtype=float)
    fit = fit_logistic(GroupedRows(design, np.ones_like(converted), converted), is_firth=False)
    assert fit.coefficients == pytest.approx([-13.021, 2.826, 0.095, 2.379], abs=6e-4)
    assert fit.standard_errors == pytest.approx([4.931, 1.263, 0.142, 1.065], abs=6e-4)
    assert fit.log_likelihood == pytest.approx(-12.8896, abs=5e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_grouped_fit_is_the_fit_on_visitors(seed: int) -> None:
    pattern, device, depth, converted = visitors(seed)
    table = pattern_table(seed)
    grouped = fit_logistic(rows_of(table), is_firth=False)
    bits = (pattern[:, None] >> np.arange(4)) & 1
    strata = factor_dummies(np.column_stack([device, depth]), np.ones(len(pattern)))
    expected = sm.GLM(converted, np.hstack([strata, bits]), family=sm.families.Binomial()).fit(
        tol=1e-14
    )
    assert grouped.has_converged
    assert grouped.coefficients == pytest.approx(expected.params, abs=1e-8)
    assert grouped.standard_errors == pytest.approx(expected.bse, abs=1e-8)
    assert grouped.log_likelihood == pytest.approx(expected.llf, abs=1e-8)


def test_a_grouped_firth_fit_is_the_firth_fit_on_visitors() -> None:
    pattern, device, depth, converted = visitors(7, count=600)
    table = pattern_table(7, count=600)
    grouped = fit_logistic(rows_of(table))
    bits = (pattern[:, None] >> np.arange(4)) & 1
    strata = factor_dummies(np.column_stack([device, depth]), np.ones(len(pattern)))
    single = fit_logistic(GroupedRows(np.hstack([strata, bits]), np.ones(len(pattern)), converted))
    assert grouped.coefficients == pytest.approx(single.coefficients, abs=1e-8)
    assert grouped.covariance == pytest.approx(single.covariance, abs=1e-8)
    assert grouped.penalized_log_likelihood == pytest.approx(
        single.penalized_log_likelihood, abs=1e-8
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_fit_by_strata_and_patterns_is_the_fit_by_rows(seed: int) -> None:
    table = pattern_table(seed, count=900)
    free = np.arange(table.dummies.shape[1] + len(MICROS)) != 2
    for is_firth in (True, False):
        for among in (None, free):
            crossed = fit_logistic(CrossedRows.from_table(table), is_firth, among)
            expected = fit_logistic(rows_of(table), is_firth, among)
            assert crossed.coefficients == pytest.approx(expected.coefficients, abs=1e-9)
            assert crossed.covariance == pytest.approx(expected.covariance, abs=1e-9)
            assert crossed.probabilities == pytest.approx(expected.probabilities, abs=1e-9)
            assert crossed.penalized_log_likelihood == pytest.approx(
                expected.penalized_log_likelihood, abs=1e-8
            )


@pytest.mark.parametrize("seed", range(4))
def test_firth_is_the_maximum_of_the_penalised_likelihood(seed: int) -> None:
    """Against a search that knows only the definition: log-likelihood + ½ log det X'WX."""
    random = np.random.default_rng(seed)
    design = np.column_stack([np.ones(12), random.normal(size=(12, 2))])
    n = random.integers(1, 9, 12).astype(float)
    converted = random.binomial(n.astype(int), 0.3).astype(float)

    def negative(beta: Floats) -> float:
        p = 1 / (1 + np.exp(-design @ beta))
        information = design.T @ (design * (n * p * (1 - p))[:, None])
        return -(log_likelihood(n, converted, p) + 0.5 * float(np.linalg.slogdet(information)[1]))

    best = minimize(negative, np.zeros(3), method="Nelder-Mead", tol=1e-12)
    fit = fit_logistic(GroupedRows(design, n, converted))
    assert fit.has_converged
    assert fit.penalized_log_likelihood == pytest.approx(-best.fun, abs=1e-8)
    assert fit.coefficients == pytest.approx(best.x, abs=1e-4)


def test_firth_of_a_saturated_table_adds_a_half_to_each_cell() -> None:
    """5 of 5 against 2 of 12: log((5.5 / 0.5) / (2.5 / 10.5)) = 3.83298 (identity, Firth 1993)."""
    rows = GroupedRows.from_columns([[1, 1], [1, 0]], [5, 12], [5, 2])
    fit = fit_logistic(rows)
    assert fit.coefficients[1] == pytest.approx(3.83298, abs=5e-6)
    assert fit.coefficients[1] == pytest.approx(math.log((5.5 / 0.5) / (2.5 / 10.5)), abs=1e-9)


def test_separation_is_finite_with_the_penalty_and_told_without() -> None:
    """A gate: nobody converts without it."""
    rows = GroupedRows.from_columns([[1, 1], [1, 0]], [100, 900], [40, 0])
    penalised, plain = fit_logistic(rows), fit_logistic(rows, is_firth=False)
    assert penalised.has_converged and np.isfinite(penalised.standard_errors).all()
    assert penalised.odds_ratio(1).low > 10
    assert not plain.has_converged
    # The likelihood itself has a limit: 40 of 100 and 0 of 900.
    assert plain.log_likelihood == pytest.approx(40 * math.log(0.4) + 60 * math.log(0.6), abs=1e-4)


@pytest.mark.parametrize("is_firth", [True, False])
def test_extreme_counts_converge(is_firth: bool) -> None:
    rows = GroupedRows.from_columns([[1, 1], [1, 0]], [3, 4_000_000], [1, 40])
    fit = fit_logistic(rows, is_firth=is_firth)
    assert fit.has_converged
    expected = math.log((1 / 2) / (40 / 3_999_960))
    assert fit.coefficients[1] == pytest.approx(expected, abs=1e-6 if not is_firth else 0.4)


@pytest.mark.parametrize("is_firth", [True, False])
def test_dependent_columns_are_refused(is_firth: bool) -> None:
    rows = GroupedRows.from_columns([[1, 1, 1], [1, 0, 0]], [50, 50], [9, 4])
    with pytest.raises(SingularDesignError):
        fit_logistic(rows, is_firth=is_firth)


def test_factors_that_determine_each_other_give_a_full_rank_design() -> None:
    factors = np.array([[0, 0, 5], [1, 1, 5], [2, 0, 5], [0, 0, 5], [1, 1, 5]])
    dummies = factor_dummies(factors, np.ones(5))
    assert np.linalg.matrix_rank(dummies) == dummies.shape[1] == 3


# ---- joint model --------------------------------------------------------------------------------


def test_joint_model_finds_what_matters() -> None:
    model = fit_joint(pattern_table(3, count=20_000))
    guide, video, chat, share = model.effects
    assert guide.odds_ratio.low <= math.exp(0.9) <= guide.odds_ratio.high
    assert video.odds_ratio.low <= math.exp(0.5) <= video.odds_ratio.high
    assert guide.p_value < 1e-6 and video.p_value < 1e-3
    assert min(chat.p_value, share.p_value) > 0.01
    assert guide.shapley_share > video.shapley_share > max(chat.shapley_share, share.shapley_share)
    assert sum(one.shapley_share for one in model.effects) == pytest.approx(1)
    assert guide.mcfadden_delta > video.mcfadden_delta > 0
    assert not any(one.is_collinear for one in model.effects)
    # With a likelihood ratio test per Wald test they must agree roughly.
    fit, column = model.fit, model.first_micro_column
    wald = (fit.coefficients[column] / fit.standard_errors[column]) ** 2
    assert guide.chi_squared == pytest.approx(wald, rel=0.1)


def test_likelihood_ratio_test_equals_statsmodels_on_many_visitors() -> None:
    table = pattern_table(5, count=20_000)
    rows, model = rows_of(table), fit_joint(table)
    full = sm.GLM(
        np.column_stack([rows.converted, rows.n - rows.converted]),
        rows.design,
        family=sm.families.Binomial(),
    ).fit()
    for micro, effect in enumerate(model.effects):
        column = model.first_micro_column + micro
        without = sm.GLM(
            np.column_stack([rows.converted, rows.n - rows.converted]),
            np.delete(rows.design, column, axis=1),
            family=sm.families.Binomial(),
        ).fit()
        lost = full.llf - without.llf
        assert effect.chi_squared == pytest.approx(2 * lost, abs=0.05 + 0.02 * lost)
        rate = rows.converted.sum() / rows.n.sum()
        null = rows.n.sum() * (rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
        assert effect.mcfadden_delta == pytest.approx(lost / -null, abs=1e-9)


def test_variance_inflation_equals_statsmodels() -> None:
    table = pattern_table(4, count=1500)
    rows = rows_of(table)
    every = np.repeat(rows.design, rows.n.astype(int), axis=0)
    found = variance_inflation(rows.design, rows.n)
    assert math.isnan(found[0])
    for column in range(1, every.shape[1]):
        assert found[column] == pytest.approx(variance_inflation_factor(every, column), rel=1e-8)


def test_standardised_risk_ratio_and_its_error() -> None:
    """Without strata it is the plain ratio of rates; its error is that of many simulated tables."""
    rows = GroupedRows.from_columns([[1, 1], [1, 0]], [800, 2000], [120, 150])
    fit = fit_logistic(rows, is_firth=False)
    found = standardized_risk_ratio(rows, fit, 1)
    assert found.value == pytest.approx((120 / 800) / (150 / 2000), rel=1e-9)
    error = math.log(found.high / found.value) / 1.959964
    katz = math.sqrt(1 / 120 - 1 / 800 + 1 / 150 - 1 / 2000)
    assert error == pytest.approx(katz, rel=1e-5)


def test_earlier_stages_only() -> None:
    """A cart that passes on what the guide does must not take the guide's credit."""
    # Expected counts of 100,000 visitors: the guide leads to the cart and to nothing else.
    n = 100_000 * np.array([0.7 * 0.9, 0.3 * 0.6, 0.7 * 0.1, 0.3 * 0.4])
    table = PatternTable.from_columns(
        ("guide", "cart"), np.arange(4), np.zeros((4, 0)), n, n * np.array([0.01, 0.01, 0.2, 0.2])
    )
    jointly = fit_joint(table).effects[0].odds_ratio
    staged = stage_ordered_effects(table, [1, 2])
    assert jointly.low < 1 < jointly.high
    assert staged[0].odds_ratio.low > 2 and staged[0].adjusted_for == ()
    assert staged[0].risk_ratio.low > 2
    assert staged[1].adjusted_for == ("guide",)


def test_the_joint_set_names_what_it_leaves_out() -> None:
    random = np.random.default_rng(6)
    bits = random.random((5000, 4)) < 0.3
    bits[:, 1] = bits[:, 0] ^ (random.random(5000) < 0.01)  # nearly the same
    bits[:, 3] = False
    table = PatternTable.from_columns(
        ("a", "a again", "b", "never"),
        (bits << np.arange(4)).sum(axis=1),
        np.zeros((5000, 0)),
        np.ones(5000),
        random.random(5000) < 0.1,
    )
    chosen, left_out = choose_joint_set(table, [2.0, -5.0, 1.0, math.nan])
    assert chosen == (1, 2)
    assert "a again" in left_out[0] and "never done" in left_out[3]
    chosen, left_out = choose_joint_set(table, [2.0, -5.0, 1.0, math.nan], most=1)
    assert chosen == (1,) and "not among" in left_out[2]
    assert table.only((1, 2)).n.sum() == 5000 and len(table.only((2,)).n) == 2


def test_tables_of_a_pattern_equal_counts_of_visitors() -> None:
    pattern, device, depth, converted = visitors(8)
    tables = pattern_table(8).tables(2)
    did = (pattern >> 2 & 1) == 1
    assert tables.exposed.sum() == did.sum()
    assert tables.exposed_converted.sum() == converted[did].sum()
    assert len(tables.exposed) == 8
    stratum = device * 4 + depth
    for code in range(8):
        here = stratum == code
        assert (did & here).sum() in tables.exposed
    assert mantel_haenszel(tables).informative_strata == 8


# ---- Shapley ------------------------------------------------------------------------------------


def test_shares_of_r_squared_equal_relaimpo() -> None:
    """R's relaimpo, calc.relimp(swiss, type = "lmg"), of fertility on the five others."""
    data = swiss()
    fertility, others = data[:, 0], data[:, 1:]
    total = float(np.sum((fertility - fertility.mean()) ** 2))

    def r_squared(mask: int) -> float:
        chosen = [k for k in range(5) if mask >> k & 1]
        design = np.column_stack([np.ones(len(data)), others[:, chosen]])
        rest = fertility - design @ np.linalg.lstsq(design, fertility, rcond=None)[0]
        return 1 - float(rest @ rest) / total

    found = shapley_shares(r_squared, 5)
    expected = [0.05709122, 0.17117303, 0.26013468, 0.10557015, 0.11276592]
    assert found.contributions == pytest.approx(expected, abs=5e-9)
    assert found.contributions.sum() == pytest.approx(0.706735, abs=5e-7)


def test_exact_shares_equal_all_orders_and_sampled_ones_come_near() -> None:
    random = np.random.default_rng(1)
    values = random.random(2**5)
    values[0] = 0

    def value(mask: int) -> float:
        return float(values[mask])

    slow = np.zeros(5)
    for order in itertools.permutations(range(5)):
        mask = 0
        for k in order:
            slow[k] += value(mask | 1 << k) - value(mask)
            mask |= 1 << k
    exact = shapley_shares(value, 5)
    assert exact.contributions == pytest.approx(slow / math.factorial(5), abs=1e-12)

    many = 14
    weights = random.random(many)

    def concave(mask: int) -> float:
        return math.sqrt(sum(weights[k] for k in range(many) if mask >> k & 1))

    sampled = shapley_shares(concave, many, seed=4)
    assert sampled.contributions.sum() == pytest.approx(concave(2**many - 1), abs=1e-12)
    assert (sampled.standard_errors < 0.02).all() and (sampled.standard_errors > 0).all()
    again = shapley_shares(concave, many, seed=4)
    assert again.contributions.tolist() == sampled.contributions.tolist()


def test_likelihood_of_sets_equals_fits_of_their_columns() -> None:
    table = pattern_table(10)
    likelihood = SetLikelihood(table)
    for mask in (0b1011, 0, 0b0001, 0b1111):
        micros = tuple(k for k in range(4) if mask >> k & 1)
        fit = fit_logistic(rows_of(table.only(micros)), is_firth=False)
        assert likelihood.maximum(mask) == pytest.approx(fit.log_likelihood, abs=1e-7)


def test_likelihood_of_a_set_that_separates_reaches_its_limit() -> None:
    table = PatternTable.from_columns(
        ("gate", "other"), [0, 1, 2, 3], np.zeros((4, 0)), [900, 60, 90, 40], [0, 24, 0, 16]
    )
    limit = 40 * math.log(0.4) + 60 * math.log(0.6)
    assert SetLikelihood(table).maximum(1) == pytest.approx(limit, abs=1e-6)


def test_likelihood_shares_are_not_negative_and_add_up() -> None:
    table = pattern_table(9)
    shares = log_likelihood_shares(table)
    full = fit_logistic(rows_of(table), is_firth=False).log_likelihood
    strata = fit_logistic(GroupedRows(table.dummies, table.n, table.converted), is_firth=False)
    assert shares.contributions.sum() == pytest.approx(full - strata.log_likelihood, abs=1e-9)
    assert (shares.contributions > 0).all()


def test_a_large_table_gets_sampled_shares_with_their_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = pattern_table(9)
    exact = log_likelihood_shares(table)
    monkeypatch.setattr("microconv.evidence.joint._LARGEST_EXACT_WORK", 1)
    sampled = log_likelihood_shares(table)
    assert sampled.contributions.sum() == pytest.approx(exact.contributions.sum(), abs=1e-8)
    assert (sampled.standard_errors > 0).any() and (exact.standard_errors == 0).all()
    distance = np.abs(sampled.contributions - exact.contributions)
    assert (distance <= 4 * sampled.standard_errors + 1e-8).all()


# ---- lags ---------------------------------------------------------------------------------------


def lag_rows(seed: int, onset: int) -> tuple[Ints, Ints, Ints, Floats]:
    """Rows of 5 lags × 4 depths; the odds ratio is 2.5 from lag `onset` on."""
    random = np.random.default_rng(seed)
    lag, depth = (axis.reshape(-1) for axis in np.meshgrid(np.arange(5), np.arange(4)))
    n = np.where(lag == 0, 20_000, 2_500)
    odds = 0.03 * (1 + depth) * np.where(lag >= onset, 2.5, 1.0)
    return lag, depth, n, random.binomial(n, odds / (1 + odds)).astype(float)


def test_a_delayed_effect_is_dated() -> None:
    lag, depth, n, converted = lag_rows(2, onset=3)
    profile = lag_profile(lag, depth[:, None], n, converted)
    assert [one.from_days for one in profile.lags] == [0, 1, 3, 7]
    assert profile.effect_onset_days == 3
    for one, truth in zip(profile.lags, (1, 1, 2.5, 2.5), strict=True):
        assert one.odds_ratio.low <= truth <= one.odds_ratio.high
    assert profile.lags[3].to_days == math.inf
    assert profile.lags[0].decision_points == 4 * 2_500


def test_lags_of_nothing_are_null() -> None:
    """Two lags before the onset, 100 seeds: type I within the exact 0.5 % binomial limit of 200."""
    found = []
    for seed in range(100):
        lag, depth, n, converted = lag_rows(100 + seed, onset=3)
        found += [
            one.odds_ratio.excludes(1)
            for one in lag_profile(lag, depth[:, None], n, converted).lags[:2]
        ]
    assert np.mean(found) <= 0.095


@pytest.mark.parametrize("found", [0.0, 30.0])
def test_a_lag_that_leads_to_expect_few_conversions_says_no_number(found: float) -> None:
    """What was found does not decide it: of small lags only those with luck would speak."""
    profile = lag_profile([0, 1, 2], [[0]] * 3, [50_000, 100, 400], [1000, found, 20])
    under_1d, to_3d = profile.lags
    assert under_1d.expected_conversions == pytest.approx(2, rel=0.01)
    assert to_3d.expected_conversions == pytest.approx(8, rel=0.01)
    assert not under_1d.odds_ratio.has_interval and to_3d.odds_ratio.has_interval
    assert profile.effect_onset_days == 1


def test_a_micro_that_nobody_did_has_no_lags() -> None:
    profile = lag_profile([0, 0], [[0], [1]], [10, 10], [1, 2])
    assert profile.lags == () and profile.effect_onset_days is None
