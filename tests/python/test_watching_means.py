"""Money and other means: their distance from chance, how seldom chance alarms, what is found."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
import statsmodels.api as sm
from microconv.evidence.quantities import Floats
from microconv.watching import (
    DailyRate,
    Direction,
    Rule,
    Standing,
    firing_days,
    score_days,
    watch,
)
from microconv.watching.scores import HISTORY_DAYS, distance

FIRST = date(2026, 1, 5)
GROUPS = 20


def revenue(
    random: np.random.Generator,
    days: int,
    visits: float,
    spread: float = 0.6,
    wobble: float = 0.05,
    change: Floats | None = None,
    size: Floats | None = None,
) -> DailyRate:
    """Revenue per visit of a shop in which 3 % of visits buy for lognormal amounts around 55.

    Args:
        spread: Standard deviation of the logarithm of an order.
        wobble: The same of a day's share of visits that buy.
        change: Factor by day of that share.
        size: Factor by day of an order.
    """
    weekday = 1 + 0.2 * np.sin(np.arange(days) % 7)
    n = random.poisson(visits * weekday)
    rate = 0.03 * np.exp(random.normal(0, wobble, days)) * (1 if change is None else change)
    orders = random.poisson(n * rate)
    place = np.repeat(np.arange(days), orders)
    usd = random.lognormal(4 - spread**2 / 2, spread, len(place))
    if size is not None:
        usd *= size[place]
    groups = np.zeros((days, GROUPS))
    np.add.at(groups, (place, random.integers(0, GROUPS, len(place))), usd)
    return DailyRate(
        FIRST,
        groups.sum(axis=1),
        n.astype(np.float64),
        GROUPS * groups.var(axis=1, ddof=1),
        "usd",
    )


def last_week(days: int, factor: float) -> Floats:
    return np.where(np.arange(days) >= days - 7, factor, 1.0)


# ---- the distance --------------------------------------------------------------------------------


def test_the_distance_is_what_a_poisson_regression_says() -> None:
    """Its deviance, of sums counted in portions, against one common mean."""
    for x1, n1, x0, n0, portion in (
        (800.0, 1000.0, 4000.0, 4000.0, 90.0),
        (0.0, 900.0, 3000.0, 3600.0, 75.0),
        (2000.0, 1000.0, 4000.0, 4000.0, 120.0),
    ):
        fitted = sm.GLM(
            np.array([x1, x0]) / portion,
            np.ones(2),
            family=sm.families.Poisson(),
            offset=np.log([n1, n0]),
        ).fit()
        columns = [np.array([one]) for one in (x1, n1, x0, n0)]
        found = distance(columns[0], columns[1], columns[2], columns[3], portion)
        sign = 1 if x1 / n1 > x0 / n0 else -1
        assert found[0] == pytest.approx(sign * np.sqrt(fitted.deviance), rel=1e-6)


def test_equal_amounts_are_as_sure_as_a_count() -> None:
    """If every order is 50, revenue says what the number of orders says, in its unit."""
    random = np.random.default_rng(1)
    orders = random.poisson(30.0, 70).astype(np.float64)
    money = DailyRate(FIRST, 50 * orders, np.full(70, 1000.0), 50.0**2 * orders, "usd")
    pieces = DailyRate(FIRST, orders, np.full(70, 1000.0), orders, "number")
    for one, other in zip(
        (score_days(money).z, score_days(money).week_z),
        (score_days(pieces).z, score_days(pieces).week_z),
        strict=True,
    ):
        np.testing.assert_allclose(one, other)


def test_a_day_without_sales_is_judged() -> None:
    random = np.random.default_rng(2)
    made = revenue(random, 70, 1000)
    made.successes[-1] = made.variances[-1] = 0.0  # type: ignore[index]
    found = watch(made, made.last_day, lag_days=0)
    assert found.standing is Standing.WATCHED and found.rate == 0
    assert {one.rule for one in found.findings} >= {Rule.SUDDEN}


def test_one_huge_order_is_no_news() -> None:
    """As large as a week's revenue: the day is far above, and no surer for it."""
    random = np.random.default_rng(3)
    made = revenue(random, 70, 1000)
    huge = 7 * made.successes.mean()
    made.successes[-1] += huge
    assert made.variances is not None
    made.variances[-1] += huge**2
    found = watch(made, made.last_day, lag_days=0)
    assert found.change > 3 and found.findings == ()


def test_what_is_not_known_or_below_nothing_is_not_judged() -> None:
    random = np.random.default_rng(4)
    made = revenue(random, 70, 1000)
    refunded = DailyRate(FIRST, made.successes.copy(), made.trials, made.variances, "usd")
    refunded.successes[3] = -5.0
    assert watch(refunded, made.last_day, lag_days=0).standing is Standing.NOT_A_RATE
    unknown = DailyRate(FIRST, made.successes, made.trials, np.full(70, np.nan), "usd")
    assert watch(unknown, made.last_day, lag_days=0).standing is Standing.TOO_LITTLE_DATA
    cut = made.without([made.last_day]).until(made.last_day + timedelta(days=2))
    assert cut.variances is not None and len(cut.variances) == 72 and cut.variances[69] == 0


# ---- false alarms and power ----------------------------------------------------------------------


def news(
    runs: int, visits: float, spread: float, seed: int = 20_261_123
) -> dict[Direction, Floats]:
    """How often each rule begins to fire in 90 days in which nothing changed."""
    random = np.random.default_rng(seed)
    total = {direction: np.zeros(len(Rule)) for direction in Direction}
    for _ in range(runs):
        fires = firing_days(score_days(revenue(random, HISTORY_DAYS + 90, visits, spread)))
        for (rule, direction), days in fires.items():
            begins = days[HISTORY_DAYS:] & ~days[HISTORY_DAYS - 1 : -1]
            total[direction][list(Rule).index(rule)] += begins.sum() / runs
    return total


def found_in_a_week(runs: int, visits: float, factor: float) -> dict[Rule, float]:
    random, days = np.random.default_rng(20_261_123), HISTORY_DAYS + 7
    total = dict.fromkeys(Rule, 0.0)
    for _ in range(runs):
        made = revenue(random, days, visits, change=last_week(days, factor))
        for (rule, direction), fires in firing_days(score_days(made)).items():
            if direction is Direction.DROP:
                total[rule] += fires[-7:].any() / runs
    return total


@pytest.mark.parametrize("visits", [200, 1000, 5000])
def test_chance_seldom_alarms(visits: int) -> None:
    """The limits of rates, where orders differ as those of most shops do."""
    for found in news(60, visits, 0.6).values():
        assert found.max() <= 0.61 and found.sum() <= 0.87


def test_orders_that_differ_much_alarm_by_rising_only() -> None:
    found = news(60, 1000, 1.2)
    assert found[Direction.DROP].sum() <= 0.87
    assert found[Direction.RISE].sum() <= 1.5


def test_a_drop_of_revenue_is_found_where_there_are_enough_sales() -> None:
    middle, large = (found_in_a_week(40, visits, 0.7) for visits in (1000, 5000))
    assert middle[Rule.WEEKLY] >= 0.6 and middle[Rule.SUDDEN] < 0.5
    assert large[Rule.SUSTAINED] >= 0.9 and large[Rule.WEEKLY] >= 0.9


@pytest.mark.long
def test_false_alarms_and_power_at_length() -> None:
    for visits in (200, 1000, 5000):
        for found in news(500, visits, 0.6).values():
            assert found.max() <= 0.61 and found.sum() <= 0.87, (visits, found)
    for spread in (1.2, 1.5):
        uneven = news(500, 5000, spread)
        assert uneven[Direction.DROP].sum() <= 0.87 and uneven[Direction.RISE].sum() <= 1.5, uneven
    power = found_in_a_week(300, 1000, 0.7)
    assert power[Rule.SUSTAINED] >= 0.45 and power[Rule.WEEKLY] >= 0.7
