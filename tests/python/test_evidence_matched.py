"""Matched lift and value equal a slow reference, find what was planted and nothing else."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from decision_points import Shop, simulate
from microconv.evidence.jackknife import jackknife_standard_error
from microconv.evidence.matched import (
    Trials,
    holds_out_of_time,
    is_bot_sensitive,
    matched_lift,
    matched_lift_by_segment,
    matched_value,
)
from microconv.evidence.naive import naive_lift
from microconv.evidence.quantities import Estimate
from microconv.evidence.stratified import mantel_haenszel
from microconv.evidence.value import (
    LEAST_ORDERS,
    RevenueMoments,
    gross_value,
    key_event_value,
    mean_revenue,
    opportunity,
)
from scipy.stats import t as student

SEEDS = range(100)
# Exact 0.5 % binomial limits of 100 runs: what a perfect method passes 99.5 % of the time.
LEAST_COVERED = 0.89
MOST_REJECTED = 0.11


def slow_rates(trials: Trials) -> tuple[float, float, float]:
    """Treated rate, standardised control rate and overlap, stratum by stratum."""
    treated_n = treated_y = control = every = 0.0
    for stratum in sorted(set(trials.stratum.tolist())):
        here = trials.where(trials.stratum == stratum)
        one, zero = here.where(here.is_treated), here.where(~here.is_treated)
        every += one.n.sum()
        if one.n.sum() and zero.n.sum():
            treated_n += one.n.sum()
            treated_y += one.converted.sum()
            control += one.n.sum() * zero.converted.sum() / zero.n.sum()
    return treated_y / treated_n, control / treated_n, treated_n / every


def test_lift_equals_a_slow_reference() -> None:
    trials = simulate(1, visitors=1500, odds_ratio=2.0, rate=0.03).trials()
    found = matched_lift(trials)
    treated, control, overlap = slow_rates(trials)
    assert found.treated_rate == pytest.approx(treated, rel=1e-12)
    assert found.control_rate == pytest.approx(control, rel=1e-12)
    assert found.overlap == pytest.approx(overlap)
    assert found.lift.value == pytest.approx(treated / control, rel=1e-12)
    assert found.difference.value == pytest.approx(treated - control, rel=1e-12)
    logs, gaps = [], []
    for bucket in range(20):
        one, zero, _ = slow_rates(trials.where(trials.bucket != bucket))
        logs.append(math.log(one / zero))
        gaps.append(one - zero)
    for values, low in ((logs, math.log(found.lift.low)), (gaps, found.difference.low)):
        centre = math.log(treated / control) if values is logs else treated - control
        spread = np.array(values) - np.mean(values)
        error = math.sqrt(19 / 20 * float(spread @ spread))
        assert low == pytest.approx(centre - student.ppf(0.975, 19) * error, rel=1e-9)


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(3).normal(size=20)
    leave_one_out = (values.sum() - values) / 19
    expected = values.std(ddof=1) / math.sqrt(20)
    assert jackknife_standard_error(leave_one_out) == pytest.approx(expected, rel=1e-12)
    assert math.isnan(jackknife_standard_error(np.array([1.0])))
    assert math.isnan(jackknife_standard_error(np.array([1.0, -np.inf])))


def test_the_unit_of_rows_does_not_matter() -> None:
    """Visitor-level rows and their sums per stratum, bucket and arm give the same result."""
    trials = simulate(2, visitors=2000, odds_ratio=1.5).trials()
    key = np.column_stack([trials.stratum, trials.bucket, trials.is_treated])
    cells, place = np.unique(key, axis=0, return_inverse=True)
    place = place.reshape(-1)
    grouped = Trials.from_columns(
        cells[:, 0],
        cells[:, 1],
        cells[:, 2] == 1,
        np.bincount(place, trials.n),
        np.bincount(place, trials.converted),
        np.bincount(place, trials.revenue),
    )
    one, other = matched_lift(trials).lift, matched_lift(grouped).lift
    assert (one.value, one.low, one.high) == pytest.approx(
        (other.value, other.low, other.high), rel=1e-10
    )
    by_rows, by_sums = matched_value(trials).incremental, matched_value(grouped).incremental
    assert (by_rows.value, by_rows.low) == pytest.approx((by_sums.value, by_sums.low), rel=1e-10)


@cache
def null_shops() -> tuple[Shop, ...]:
    return tuple(simulate(1000 + seed, visitors=3000) for seed in SEEDS)


def test_nothing_is_found_in_an_event_at_random() -> None:
    """The naive lift is fooled in nearly every shop; matched lift and odds ratio are not."""
    matched = [matched_lift(shop.trials()).lift for shop in null_shops()]
    steps = [mantel_haenszel(shop.step_tables()).odds_ratio for shop in null_shops()]
    naive = [naive_lift(shop.naive()).lift for shop in null_shops()]
    assert np.mean([one.excludes(1) for one in matched]) <= MOST_REJECTED
    assert np.mean([one.excludes(1) for one in steps]) <= MOST_REJECTED
    assert np.mean([one.low > 1 for one in naive]) >= 0.5
    assert np.median([one.value for one in naive]) > 1.3
    assert np.exp(np.mean([math.log(one.value) for one in matched])) == pytest.approx(1, abs=0.05)


def test_simpsons_decoy_is_not_sold() -> None:
    """Commoner on mobile, which buys less, and without effect: stratified away."""
    found = [
        matched_lift(simulate(3000 + seed, visitors=3000, mobile_rate_ratio=4.0).trials()).lift
        for seed in SEEDS
    ]
    assert np.mean([one.excludes(1) for one in found]) <= MOST_REJECTED


def test_a_planted_odds_ratio_is_recovered() -> None:
    found = [
        mantel_haenszel(simulate(5000 + seed, odds_ratio=2.0).step_tables()).odds_ratio
        for seed in SEEDS
    ]
    assert 1.9 <= np.median([one.value for one in found]) <= 2.1
    assert np.mean([one.low <= 2 <= one.high for one in found]) >= LEAST_COVERED


def test_jackknife_interval_covers_the_lift_of_a_large_shop() -> None:
    truth = matched_lift(simulate(7, visitors=400_000, odds_ratio=2.0).trials())
    found = [matched_lift(simulate(7000 + seed, odds_ratio=2.0).trials()) for seed in SEEDS]
    covered = [one.lift.low <= truth.lift.value <= one.lift.high for one in found]
    assert np.mean(covered) >= LEAST_COVERED
    assert truth.lift.low > 1.2
    gain = truth.difference.value
    assert (
        np.mean([one.difference.low <= gain <= one.difference.high for one in found])
        >= LEAST_COVERED
    )


def test_incremental_value_is_null_for_an_event_at_random() -> None:
    found = [matched_value(shop.trials()).incremental for shop in null_shops()]
    assert np.mean([one.excludes(0) for one in found]) <= MOST_REJECTED


def test_lift_by_segment_is_the_lift_of_its_rows() -> None:
    trials = simulate(4, odds_ratio=1.5).trials()
    device = trials.stratum % 2
    by_segment = matched_lift_by_segment(trials, device)
    assert set(by_segment) == {0, 1}
    assert by_segment[1] == matched_lift(trials.where(device == 1))


def test_overlap_counts_treated_without_controls() -> None:
    trials = Trials.from_columns(
        [0, 0, 0, 0, 1, 1],
        [0, 1, 0, 1, 0, 1],
        [True, True, False, False, True, True],
        [10, 10, 50, 50, 5, 5],
        [3, 4, 5, 5, 2, 2],
    )
    found = matched_lift(trials)
    assert found.overlap == pytest.approx(20 / 30)
    assert found.treated_count == 20 and found.control_count == 100
    assert found.lift.value == pytest.approx(0.35 / 0.1)


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        (([], [], [], [], []), math.nan),
        (([0, 0], [0, 1], [True, True], [5, 5], [1, 1]), math.nan),
        (([0, 0], [0, 1], [True, False], [5, 5], [0, 1]), math.nan),
        (([0] * 4, [0, 1, 0, 1], [True, True, False, False], [5] * 4, [0, 0, 1, 1]), 0.0),
    ],
    ids=["empty", "one arm", "buckets apart", "no treated converts"],
)
def test_a_lift_without_data_has_no_interval(columns: tuple[list[int], ...], value: float) -> None:
    found = matched_lift(Trials.from_columns(*columns))
    assert not found.lift.has_interval and not found.lift.excludes(1)
    if not math.isnan(value):
        assert found.lift.value == value


def test_last_third_and_robots() -> None:
    up, unsure, down = Estimate(1.5, 1.2, 1.9), Estimate(1.4, 0.9, 2.1), Estimate(0.6, 0.5, 0.8)
    assert holds_out_of_time(up, up) and holds_out_of_time(down, down)
    assert not holds_out_of_time(up, unsure) and not holds_out_of_time(up, down)
    assert is_bot_sensitive(up, Estimate(1.7, 1.3, 2.0))
    assert not is_bot_sensitive(up, Estimate(1.6, 1.3, 2.0))


def test_value_of_the_textbook() -> None:
    """0.40 × $75 = $30: the example of the micro-conversion literature."""
    found = gross_value(RevenueMoments(1000, 400, 400 * 75.0, 400 * 75.0**2))
    assert found.conversion_rate == pytest.approx(0.40)
    assert found.average_order_value == pytest.approx(75)
    assert found.value.value == pytest.approx(30.00)
    assert found.is_sufficient and not found.is_top_heavy
    assert not gross_value(RevenueMoments(1000, LEAST_ORDERS - 1, 100, 1000)).is_sufficient
    assert gross_value(RevenueMoments(1000, 60, 6000, 1e6, 0.31)).is_top_heavy


def test_gross_value_covers_with_lognormal_orders() -> None:
    random = np.random.default_rng(9)
    truth, covered = 0.1 * 60 * math.exp(0.6**2 / 2), 0
    for _ in range(400):
        bought = random.random(2000) < 0.1
        revenue = np.where(bought, 60 * random.lognormal(0, 0.6, 2000), 0.0)
        found = mean_revenue(2000, float(revenue.sum()), float(revenue @ revenue))
        covered += found.low <= truth <= found.high
    assert covered / 400 >= 0.92  # the exact 0.5 % binomial limit of 400 runs


def test_gross_value_has_the_log_delta_interval_of_visitors() -> None:
    random = np.random.default_rng(10)
    revenue = np.where(random.random(500) < 0.2, 60 * random.lognormal(0, 0.6, 500), 0.0)
    found = mean_revenue(500, float(revenue.sum()), float(revenue @ revenue))
    error = revenue.std() / math.sqrt(500) / revenue.mean()
    assert found.value == pytest.approx(revenue.mean())
    assert math.log(found.high / found.value) == pytest.approx(1.959964 * error, rel=1e-6)
    assert math.log(found.value / found.low) == pytest.approx(1.959964 * error, rel=1e-6)


def test_value_without_money_or_visitors_is_undefined() -> None:
    assert math.isnan(gross_value(RevenueMoments(0, 0, 0, 0)).value.value)
    free = gross_value(RevenueMoments(100, 0, 0, 0))
    assert free.value.value == 0 and not free.value.has_interval


def test_key_event_value_and_opportunity() -> None:
    found = matched_value(simulate(8, visitors=3000, rate=0.02).trials())
    point, cautious = key_event_value(found)
    assert point == found.incremental.value
    assert cautious == max(0.0, found.incremental.low)
    gain = opportunity(Estimate(2.0, 1.0, 3.0), conversions_per_month=500)
    assert (gain.value, gain.low, gain.high) == pytest.approx((100.0, 50.0, 150.0))
