"""Intervals equal the published digits, an independent implementation, and cover what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from microconv.evidence.exact import fisher_exact, needs_exact
from microconv.evidence.proportions import agresti_caffo, newcombe, wilson, wilson_limits
from microconv.evidence.quantities import Estimate
from microconv.evidence.ratios import (
    katz_risk_ratio,
    koopman_risk_ratio,
    mover_risk_ratio,
    woolf_odds_ratio,
)
from scipy.stats import binom
from scipy.stats import fisher_exact as scipy_fisher
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
)
from statsmodels.stats.proportion import test_proportions_2indep as proportions_test

# Perondi et al. 2004: 24-hour survival after a cardiac arrest, 1 of 34 and 7 of 34 children.
PERONDI = (7, 34, 1, 34)
ASPIRIN = (189, 11034, 104, 11037)  # Physicians' Health Study: infarctions, placebo and aspirin

tables = st.tuples(st.integers(1, 400), st.integers(1, 400)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


def limits(estimate: Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_newcombes_table(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert limits(wilson(successes, trials)) == pytest.approx((low, high), abs=5e-5)


@given(tables)
def test_wilson_and_newcombe_equal_statsmodels(table: tuple[int, int, int, int]) -> None:
    x1, n1, x0, n0 = table
    assert limits(wilson(x1, n1)) == pytest.approx(
        proportion_confint(x1, n1, method="wilson"), abs=1e-12
    )
    expected = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff")
    assert limits(newcombe(*table)) == pytest.approx(expected, abs=1e-12)
    expected = confint_proportions_2indep(x1, n1, x0, n0, method="agresti-caffo", compare="diff")
    assert limits(agresti_caffo(*table)) == pytest.approx(np.clip(expected, -1, 1), abs=1e-12)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17:873, table II, method 10; the third is the example of
    # the tests of R's package contingencytables (ocbe-uio).
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        (PERONDI, 0.0189, 0.3404),
    ],
)
def test_newcombe_equals_the_published_differences(
    table: tuple[int, int, int, int], low: float, high: float
) -> None:
    assert limits(newcombe(*table)) == pytest.approx((low, high), abs=5e-5)


def test_agresti_caffo_equals_contingencytables() -> None:
    found = agresti_caffo(*PERONDI)
    assert (found.value, *limits(found)) == pytest.approx((0.1765, 0.0116, 0.3217), abs=5e-5)


def test_risk_ratios_equal_contingencytables() -> None:
    """Tests of R's contingencytables: MOVER-R Wilson, Koopman, Katz log of Perondi's table."""
    mover, koopman, katz = (
        method(*PERONDI) for method in (mover_risk_ratio, koopman_risk_ratio, katz_risk_ratio)
    )
    assert mover.value == koopman.value == pytest.approx(katz.value) == pytest.approx(7)
    assert limits(mover) == pytest.approx((1.1537, 41.9763), abs=5e-4)
    assert limits(koopman) == pytest.approx((1.2209, 42.5757), abs=5e-4)
    assert limits(katz) == pytest.approx((0.9096, 53.8695), abs=5e-4)


def test_aspirin_equals_agresti() -> None:
    """Agresti, Categorical Data Analysis, table 2.1 (placebo against aspirin)."""
    ratio, odds = katz_risk_ratio(*ASPIRIN), woolf_odds_ratio(*ASPIRIN)
    assert (ratio.value, *limits(ratio)) == pytest.approx((1.818, 1.433, 2.306), abs=6e-4)
    assert (odds.value, *limits(odds)) == pytest.approx((1.832, 1.440, 2.331), abs=6e-4)


@given(tables)
def test_koopman_limits_are_where_the_score_test_is_just_significant(
    table: tuple[int, int, int, int],
) -> None:
    x1, n1, x0, n0 = table
    if min(x1, x0) == 0:
        return
    found = koopman_risk_ratio(*table)
    for limit, z in ((found.low, 1.959964), (found.high, -1.959964)):
        test = proportions_test(
            x1, n1, x0, n0, value=limit, method="score", compare="ratio", correction=False
        )
        assert test.statistic == pytest.approx(z, abs=1e-3)


@given(tables)
def test_ratio_limits_bracket_the_ratio_and_mirror(table: tuple[int, int, int, int]) -> None:
    x1, n1, x0, n0 = table
    for method in (mover_risk_ratio, koopman_risk_ratio, katz_risk_ratio, woolf_odds_ratio):
        found, mirrored = method(*table), method(x0, n0, x1, n1)
        if math.isnan(found.value) or not found.has_interval:
            continue
        assert found.low <= found.value * (1 + 1e-9) or x1 == 0
        assert found.value <= found.high * (1 + 1e-9)
        if x1 and x0:
            assert found.low == pytest.approx(1 / mirrored.high, rel=1e-6)


@pytest.mark.parametrize("method", [mover_risk_ratio, koopman_risk_ratio])
def test_ratio_without_successes_has_an_open_end(method: object) -> None:
    assert callable(method)
    assert method(0, 50, 5, 60).low == 0
    assert method(5, 50, 0, 60).high == math.inf
    assert math.isnan(method(0, 50, 0, 60).value)


def test_nothing_counted_is_undefined() -> None:
    low, high = wilson_limits([0, 1], [0, 2])
    assert math.isnan(low[0]) and math.isnan(high[0]) and low[1] > 0
    assert not newcombe(0, 0, 1, 2).has_interval
    assert not mover_risk_ratio(0, 0, 1, 2).has_interval
    assert not newcombe(0, 0, 1, 2).excludes(0)


def test_fishers_tea_equals_r() -> None:
    """R's fisher.test(rbind(c(3, 1), c(1, 3))) and its one-sided variant."""
    found = fisher_exact(3, 4, 1, 4)
    assert found.p_greater == pytest.approx(0.2429, abs=5e-5)
    assert found.p_two_sided == pytest.approx(0.4857, abs=5e-5)
    # R prints 6.408309, where its root search stops; the exact root is 6.4083197.
    assert found.odds_ratio.value == pytest.approx(6.408309, abs=2e-5)
    # The lower limit of the one-sided 95 % interval is that of the two-sided 90 % one.
    assert fisher_exact(3, 4, 1, 4, 0.90).odds_ratio.low == pytest.approx(0.3136, abs=5e-5)


@given(tables)
def test_fisher_equals_scipy(table: tuple[int, int, int, int]) -> None:
    x1, n1, x0, n0 = table
    cells = [[x1, n1 - x1], [x0, n0 - x0]]
    found = fisher_exact(*table)
    assert found.p_greater == pytest.approx(scipy_fisher(cells, "greater").pvalue, rel=1e-6)
    assert found.p_less == pytest.approx(scipy_fisher(cells, "less").pvalue, rel=1e-6)
    assert found.p_two_sided == pytest.approx(scipy_fisher(cells).pvalue, rel=1e-5)
    assert 0 <= found.p_mid <= found.p_two_sided
    if x1 + x0 and x1 + x0 < n1 + n0 and found.odds_ratio.value not in (0, math.inf):
        assert found.odds_ratio.low < found.odds_ratio.value < found.odds_ratio.high


def test_small_expected_counts_ask_for_the_exact_test() -> None:
    assert needs_exact(7, 34, 1, 34)
    assert not needs_exact(*ASPIRIN)


@pytest.mark.parametrize(
    ("n1", "n0", "p1", "p0"),
    [(25, 400, 0.2, 0.1), (100, 1000, 0.05, 0.05), (500, 2000, 0.02, 0.005)],
)
def test_coverage_by_enumeration(n1: int, n0: int, p1: float, p0: float) -> None:
    """Every outcome with its probability: MOVER-R and Newcombe hold 94.5 % and more."""
    covered = {"mover": 0.0, "newcombe": 0.0}
    for x1 in range(int(binom.ppf(1e-5, n1, p1)), int(binom.isf(1e-5, n1, p1)) + 1):
        for x0 in range(int(binom.ppf(1e-5, n0, p0)), int(binom.isf(1e-5, n0, p0)) + 1):
            weight = float(binom.pmf(x1, n1, p1) * binom.pmf(x0, n0, p0))
            ratio, gap = mover_risk_ratio(x1, n1, x0, n0), newcombe(x1, n1, x0, n0)
            # Without any success nothing is claimed, so nothing is missed.
            misses = ratio.low > p1 / p0 or ratio.high < p1 / p0
            covered["mover"] += 0 if misses else weight
            covered["newcombe"] += weight if gap.low <= p1 - p0 <= gap.high else 0
    assert 0.945 <= covered["mover"] <= 0.97
    assert 0.945 <= covered["newcombe"] <= 0.97
