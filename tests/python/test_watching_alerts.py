"""Alerts fire on what matters, both ways alike, and leave chance and little data alone."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from microconv.evidence.quantities import Floats
from microconv.watching.alerts import (
    SUDDEN_LIMIT,
    SUSTAINED_LIMIT,
    WEEKLY_LIMIT,
    Direction,
    Rule,
    Standing,
    firing_days,
    smallest_detectable_drop,
    watch,
)
from microconv.watching.scores import HISTORY_DAYS, score_days, signed_root, smooth
from microconv.watching.series import DailyRate
from microconv.watching.wording import alert_sentences
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from watching_data import nist_ewma

FIRST = date(2026, 1, 5)


def series(successes: Floats, trials: Floats | float) -> DailyRate:
    return DailyRate(FIRST, successes, np.broadcast_to(np.float64(trials), successes.shape).copy())


def flat(days: int = 70, trials: float = 1000, rate: float = 0.08) -> Floats:
    return np.full(days, trials * rate)


def judged(successes: Floats, trials: Floats | float = 1000) -> tuple[set[Rule], Standing]:
    found = watch(series(successes, trials), FIRST + timedelta(days=len(successes) - 1), lag_days=0)
    return {one.rule for one in found.findings}, found.standing


def simulated(
    random: np.random.Generator, days: int, trials: int, rate: float, wobble: float, memory: float
) -> Floats:
    """Binomial days around a rate that wobbles by more than chance, with or without memory."""
    noise = random.normal(size=days)
    for day in range(1, days if memory else 0):
        noise[day] = memory * noise[day - 1] + math.sqrt(1 - memory**2) * noise[day]
    rates = np.clip(rate * (1 + wobble * noise), 0, 1)
    return random.binomial(trials, rates).astype(np.float64)


# ---- the numbers --------------------------------------------------------------------------------


def test_the_moving_average_equals_nists() -> None:
    values, expected = nist_ewma()
    assert smooth(values, start=50) == pytest.approx(expected, abs=5.1e-3)
    # Its limits are 50 ± 3 s sqrt(.3 / 1.7) with s = 2.0539: 52.5884 and 47.4115.
    limits = [50 + sign * SUSTAINED_LIMIT * 2.0539 for sign in (1, -1)]
    assert limits == pytest.approx([52.5884, 47.4115], abs=5e-4)


@pytest.mark.parametrize("table", [(9, 30, 80, 1000), (0, 50, 10, 400), (30, 400, 0, 90)])
def test_the_distance_is_the_deviance_of_a_logistic_model(table: tuple[int, ...]) -> None:
    x1, n1, x0, n0 = table
    counts = np.array([[x1, n1 - x1], [x0, n0 - x0]])
    null = GLM(counts, np.ones((2, 1)), family=Binomial()).fit().deviance
    (found,) = signed_root(*(np.array([float(one)]) for one in table))
    assert found**2 == pytest.approx(null, rel=1e-6)
    assert (found > 0) == (x1 / n1 > x0 / n0)


def test_scores_equal_a_day_by_day_calculation() -> None:
    """The slow way: each day looks up its own past."""
    random = np.random.default_rng(5)
    n = random.integers(300, 900, 80).astype(np.float64)
    x = random.binomial(n.astype(int), 0.1).astype(np.float64)
    n[33], x[33] = 0, 0
    scores, z = score_days(series(x, n)), {}
    for day in range(28, 80):
        past = [day - 7 * week for week in (1, 2, 3, 4)]
        base_x, base_n = x[past].sum(), n[past].sum()
        assert scores.baseline[day] == pytest.approx(base_x / base_n)
        if n[day]:
            root = signed_root(*(np.array([one]) for one in (x[day], n[day], base_x, base_n)))
            z[day] = float(root[0])
            assert scores.z[day] == pytest.approx(z[day])
    for day in range(56, 80):
        around = [z[one] for one in range(day - 56, day) if one in z]
        middle = np.median(around)
        spread = max(1.4826 * float(np.median(np.abs(np.array(around) - middle))), 1.0)
        assert scores.dispersion[day] == pytest.approx(spread)
        week = [one for one in range(day - 6, day + 1) if one in z]
        expected = sum(n[one] * scores.baseline[one] for one in week)
        assert scores.week_change[day] == pytest.approx(x[week].sum() / expected - 1)
    assert np.isnan(scores.baseline[:28]).all() and np.isnan(scores.dispersion[:49]).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_exchanging_successes_and_failures_turns_every_sign(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = random.integers(50, 500, 75).astype(np.float64)
    x = random.binomial(n.astype(int), random.uniform(0.05, 0.9)).astype(np.float64)
    one, other = score_days(series(x, n)), score_days(series(n - x, n))
    for name in ("z", "adjusted", "smoothed", "week_z"):
        assert getattr(one, name) == pytest.approx(-getattr(other, name), nan_ok=True, abs=1e-5)
    assert one.dispersion == pytest.approx(other.dispersion, nan_ok=True, abs=1e-5)


# ---- the rules ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("sign", "direction"), [(-1, Direction.DROP), (1, Direction.RISE)])
def test_a_rise_mirrors_a_drop(sign: int, direction: Direction) -> None:
    sudden = flat()
    sudden[-1] *= 1 + sign * 0.45
    found = watch(series(sudden, 1000), FIRST + timedelta(days=69), lag_days=0)
    assert [(one.rule, one.direction) for one in found.findings] == [(Rule.SUDDEN, direction)]
    assert found.findings[0].change == pytest.approx(sign * 0.45)
    assert found.findings[0].since == found.day
    lasting = flat()
    lasting[-6:] *= 1 + sign * 0.18
    found = watch(series(lasting, 1000), FIRST + timedelta(days=69), lag_days=0)
    assert [(one.rule, one.direction) for one in found.findings] == [(Rule.SUSTAINED, direction)]
    small = flat(trials=200)
    small[-7:] *= 1 + sign * 0.35
    rules, _ = judged(small, 200)
    assert Rule.WEEKLY in rules and Rule.SUDDEN not in rules


def test_a_change_that_is_small_or_chance_tells_nobody() -> None:
    large_site = flat(trials=1e6)
    large_site[-7:] *= 0.95  # certain, but too small to matter
    assert judged(large_site, 1e6) == (set(), Standing.WATCHED)
    small_site = flat(trials=300)
    small_site[-1] *= 0.7  # large, but chance
    assert judged(small_site, 300) == (set(), Standing.WATCHED)
    found = watch(series(small_site, 300), FIRST + timedelta(days=69), lag_days=0)
    assert found.is_below_previous_week and not found.notifies
    assert found.change_vs_previous_week == pytest.approx(-0.3)


def test_a_weekday_pattern_is_usual() -> None:
    weekend = np.tile([1.0, 1, 1, 1, 1, 0.5, 0.5], 10)
    assert judged(flat() * weekend) == (set(), Standing.WATCHED)
    found = watch(series(flat() * weekend, 1000), FIRST + timedelta(days=68), lag_days=0)
    assert found.change == pytest.approx(0) and found.change_vs_previous_week < -0.2
    assert found.is_below_previous_week  # which is why this number tells nobody


def test_a_run_of_days_is_one_piece_of_news() -> None:
    x = flat(80)
    x[-4:] *= 0.5
    found = watch(series(x, 1000), FIRST + timedelta(days=79), lag_days=0)
    sudden = next(one for one in found.findings if one.rule is Rule.SUDDEN)
    assert sudden.since == FIRST + timedelta(days=76)


def test_days_that_still_change_are_not_judged() -> None:
    x = flat(70)
    x[-3:] = 0
    assert watch(series(x, 1000), FIRST + timedelta(days=69)).findings == ()
    assert watch(series(x, 1000), FIRST + timedelta(days=69), lag_days=2).notifies


def test_days_of_an_outage_are_neither_judged_nor_a_baseline() -> None:
    x = flat(80)
    x[60:67] = 0
    broken = {FIRST + timedelta(days=day) for day in range(60, 67)}
    as_of = FIRST + timedelta(days=68)
    assert any(
        one.direction is Direction.RISE
        for day in range(67, 80)
        for one in watch(series(x, 1000), FIRST + timedelta(days=day), lag_days=0).findings
    )
    for day in range(67, 80):
        found = watch(series(x, 1000), FIRST + timedelta(days=day), 0, suspect_days=broken)
        assert found.standing is Standing.WATCHED and not found.notifies
        assert found.baseline == pytest.approx(0.08)
    during = watch(series(x, 1000), FIRST + timedelta(days=66), 0, suspect_days=broken)
    assert during.standing is Standing.TRACKING_SUSPECT and not during.notifies
    assert during.successes == 0 and as_of not in broken


# ---- what cannot be judged ----------------------------------------------------------------------


def test_short_histories_tell_nobody() -> None:
    for days, standing in (
        (1, Standing.TOO_LITTLE_HISTORY),
        (28, Standing.TOO_LITTLE_HISTORY),
        (29, Standing.LEARNING),
        (HISTORY_DAYS, Standing.LEARNING),
        (HISTORY_DAYS + 1, Standing.WATCHED),
    ):
        x = flat(days)
        x[-1] = 0
        rules, found = judged(x)
        assert found is standing
        assert bool(rules) == (standing is Standing.WATCHED)


def test_little_data_is_said_to_be_little() -> None:
    random = np.random.default_rng(1)
    x = random.binomial(20, 0.02, 90).astype(np.float64)
    found = watch(series(x, 20), FIRST + timedelta(days=89), lag_days=0)
    assert found.standing is Standing.TOO_LITTLE_DATA and not found.notifies
    assert min(found.smallest_daily_drop, found.smallest_weekly_drop) > 0.5
    for nothing in (np.zeros(90), np.full(90, 20.0)):
        assert judged(nothing, 20)[0] == set()
    assert judged(np.zeros(90), 20)[1] is Standing.TOO_LITTLE_DATA


def test_gaps_and_nonsense_are_refused_in_words() -> None:
    x, n = flat(90), np.full(90, 1000.0)
    n[-1] = x[-1] = 0
    assert judged(x, n)[1] is Standing.NO_DATA
    n = np.full(90, 1000.0)
    n[50:85] = 0
    assert judged(np.minimum(x, n), n)[1] is Standing.TOO_LITTLE_DATA
    assert judged(flat(90) * 20)[1] is Standing.NOT_A_RATE
    broken = flat(90)
    broken[3] = math.nan
    assert judged(broken)[1] is Standing.NOT_A_RATE
    early = watch(series(flat(), 1000), FIRST - timedelta(days=9))
    assert early.standing is Standing.TOO_LITTLE_HISTORY
    late = watch(series(flat(), 1000), FIRST + timedelta(days=400))
    assert late.standing is Standing.NO_DATA
    for found in (early, late):
        assert "nan" not in " ".join(alert_sentences(found, "Cart rate"))
    with pytest.raises(ValueError, match="at least one row"):
        DailyRate.from_rows([], [], [])
    with pytest.raises(ValueError, match="one row a day"):
        DailyRate.from_rows([FIRST, FIRST], [1, 1], [2, 2])


def test_rows_in_any_order_with_gaps_become_a_calendar() -> None:
    days = [FIRST + timedelta(days=day) for day in (4, 0, 1)]
    found = DailyRate.from_rows(days, [4, 0, 1], [40, 10, 11])
    assert found.successes.tolist() == [0, 1, 0, 0, 4]
    assert found.trials.tolist() == [10, 11, 0, 0, 40]


@pytest.mark.parametrize("trials", [1000, 5000])
def test_the_smallest_detectable_drop_is_found_every_second_time(trials: int) -> None:
    drop = smallest_detectable_drop(0.08, trials, 4 * trials, 1.0, SUDDEN_LIMIT)
    error = math.sqrt(0.08 * 0.92 * (1 / trials + 1 / (4 * trials)))
    assert drop == pytest.approx(3 * error / 0.08)
    random = np.random.default_rng(3)
    x0 = random.binomial(4 * trials, 0.08, 4000).astype(np.float64)
    x1 = random.binomial(trials, 0.08 * (1 - drop), 4000).astype(np.float64)
    z = signed_root(x1, np.full(4000, float(trials)), x0, np.full(4000, 4.0 * trials))
    assert 0.4 < np.mean(z <= -SUDDEN_LIMIT) < 0.68
    assert math.isnan(smallest_detectable_drop(0, trials, trials, 1, WEEKLY_LIMIT))


def test_sentences_hold_the_numbers() -> None:
    x = flat()
    x[-1] *= 0.5
    found = watch(series(x, 1000), FIRST + timedelta(days=69), lag_days=0)
    text = " ".join(alert_sentences(found, "Cart rate {x}"))
    assert "Cart rate {x} fell: 4.00 % on 2026-03-15, -50.0 %" in text and "8.00 %" in text
    quiet = watch(series(flat(), 1000), FIRST + timedelta(days=69), lag_days=0)
    assert "no further than chance" in alert_sentences(quiet, "Cart rate")[0]


# ---- false alarms and power ---------------------------------------------------------------------

# News of one metric in 90 days in which nothing happened, in one direction: the design's limits.
MOST_NEWS_OF_A_RULE = 0.61
MOST_NEWS = 0.87


def news(
    runs: int,
    trials: int,
    rate: float,
    wobble: float,
    memory: float = 0,
    history: int = HISTORY_DAYS,
    seed: int = 20_261_122,
) -> dict[Direction, list[float]]:
    """How often each rule begins to fire in 90 days without any change."""
    random = np.random.default_rng(seed)
    total = {direction: [0.0] * len(Rule) for direction in Direction}
    for _ in range(runs):
        x = simulated(random, history + 90, trials, rate, wobble, memory)
        fires = firing_days(score_days(series(x, trials)))
        for direction in Direction:
            for place, rule in enumerate(Rule):
                today = fires[rule, direction][history:]
                begins = today & ~fires[rule, direction][history - 1 : -1]
                total[direction][place] += float(begins.sum()) / runs
    return total


def must_be_seldom(found: dict[Direction, list[float]]) -> None:
    for rules in found.values():
        assert max(rules) <= MOST_NEWS_OF_A_RULE and sum(rules) <= MOST_NEWS, found


def found_in_a_week(
    runs: int, trials: int, change: float, seed: int = 20_261_122
) -> dict[Rule, float]:
    random = np.random.default_rng(seed)
    direction = Direction.DROP if change < 0 else Direction.RISE
    total: dict[Rule, float] = {}
    for _ in range(runs):
        wobble = simulated(random, HISTORY_DAYS, trials, 0.08, 0.05, 0)
        after = simulated(random, 7, trials, 0.08 * (1 + change), 0.05, 0)
        fires = firing_days(score_days(series(np.concatenate([wobble, after]), trials)))
        for rule in Rule:
            total[rule] = total.get(rule, 0) + fires[rule, direction][HISTORY_DAYS:].any() / runs
    return total


@pytest.mark.parametrize(("trials", "rate"), [(200, 0.08), (1000, 0.08), (5000, 0.08), (200, 0.02)])
def test_chance_seldom_alarms(trials: int, rate: float) -> None:
    """Both ways, also where successes are few and an ordinary z would cry rise."""
    must_be_seldom(news(120, trials, rate, 0.05))


def test_days_that_resemble_their_neighbours_seldom_alarm() -> None:
    must_be_seldom(news(120, 5000, 0.08, 0.08, memory=0.5, history=112))


def test_the_simple_rule_alarms_all_the_time() -> None:
    """Twenty false alarms in 90 days at 200 visitors a day: why it is shown and tells nobody."""
    random, below = np.random.default_rng(4), 0.0
    for _ in range(50):
        scores = score_days(series(simulated(random, 146, 200, 0.08, 0.05, 0), 200))
        below += float((scores.rate / scores.previous_week - 1 <= -0.2)[56:].sum()) / 50
    assert 15 < below < 27


@pytest.mark.parametrize(
    ("trials", "spread", "memory", "fewest", "most"),
    [(200, 0.05, 0.0, 0.10, 0.25), (5000, 0.05, 0.0, 0.05, 0.2), (5000, 0.08, 0.5, 0.2, 0.5)],
)
def test_so_many_rates_that_did_not_change_trip_a_rule_in_a_month(
    trials: int, spread: float, memory: float, fewest: float, most: float
) -> None:
    """What `watch` says of itself: ten to twenty in a hundred, a third where days hang together."""
    random, tripped = np.random.default_rng(9), 0
    for _ in range(150):
        scores = score_days(series(simulated(random, 116, trials, 0.08, spread, memory), trials))
        tripped += any(days[-30:].any() for days in firing_days(scores).values())
    assert fewest < tripped / 150 < most


def test_real_drops_are_found_within_a_week() -> None:
    middle, large = (found_in_a_week(60, trials, -0.3) for trials in (1000, 5000))
    assert middle[Rule.SUSTAINED] >= 0.85 and middle[Rule.WEEKLY] >= 0.9
    assert large[Rule.SUDDEN] >= 0.9 and large[Rule.SUSTAINED] >= 0.95
    assert found_in_a_week(60, 1000, 0.3)[Rule.WEEKLY] >= 0.85


@pytest.mark.long
def test_false_alarms_and_power_at_length() -> None:
    for trials in (200, 1000, 5000):
        for rate in (0.02, 0.08, 0.3):
            must_be_seldom(news(1000, trials, rate, 0.05))
    must_be_seldom(news(1000, 5000, 0.08, 0.08, memory=0.5, history=112))
    # The design's table: sudden, sustained and weekly find -30 % within a week.
    expected = {200: (0.02, 0.27, 0.64), 1000: (0.59, 0.96, 0.99), 5000: (0.98, 1.0, 1.0)}
    for trials, shares in expected.items():
        power = found_in_a_week(500, trials, -0.3)
        for rule, share in zip(Rule, shares, strict=True):
            assert power[rule] >= share - 0.05, (trials, rule)
