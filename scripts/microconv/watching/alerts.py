"""When a rate has moved enough to tell somebody: sudden, sustained and weekly rules (M16).

A rule asks for a change that matters and for one that chance does not bring. "20 % below the week
before" alone would cry wolf every few days on a small site; it is computed always and never tells
anybody. Days that are still being delivered are not judged.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from microconv.evidence.quantities import Bools, Floats
from microconv.watching.scores import (
    BASELINE_WEEKS,
    HISTORY_DAYS,
    SMOOTHING,
    WEEK,
    Scores,
    score_days,
)
from microconv.watching.series import DailyRate
from microconv.watching.units import SHARE

LAG_DAYS = 3
"""GA4 still changes a day for so long."""

SUDDEN_CHANGE = WEEKLY_CHANGE = SIMPLE_CHANGE = 0.20
SUSTAINED_CHANGE = 0.10
SUDDEN_LIMIT = 3.0
WEEKLY_LIMIT = 2.58
SUSTAINED_LIMIT = 3.0 * math.sqrt(SMOOTHING / (2 - SMOOTHING))
"""Three standard deviations of an exponentially weighted mean of standard normals."""

LARGEST_DETECTABLE_DROP = 0.50
"""If neither a day nor a week can show a drop of this share, there is too little to watch."""

_ROUNDING = 1e-9  # a change of exactly a fifth counts


class Direction(StrEnum):
    """Which way a rate moved."""

    DROP = "drop"
    RISE = "rise"


class Rule(StrEnum):
    """Why somebody is told."""

    SUDDEN = "sudden"
    SUSTAINED = "sustained"
    WEEKLY = "weekly"


class Standing(StrEnum):
    """What can be said of a day at all; only `WATCHED` tells anybody of a change."""

    WATCHED = "watched"
    TRACKING_SUSPECT = "tracking_suspect"
    TOO_LITTLE_DATA = "too_little_data"
    LEARNING = "learning"
    TOO_LITTLE_HISTORY = "too_little_history"
    NO_DATA = "no_data_on_the_day"
    NOT_A_RATE = "not_a_rate"


@dataclass(frozen=True)
class Finding:
    """One rule that fires on the judged day.

    Args:
        rule: Which one.
        direction: Drop or rise.
        change: Relative change that it looks at, such as -0.23.
        statistic: Distance in standard deviations of chance.
        limit: What the statistic must reach, without sign.
        since: First day of the unbroken run of days on which the rule fires.
    """

    rule: Rule
    direction: Direction
    change: float
    statistic: float
    limit: float
    since: date


@dataclass(frozen=True)
class Watch:
    """What is known of a rate on its last complete day; NaN where the past gives no number.

    Args:
        day: The judged day.
        standing: Whether it can be judged.
        history_days: Days of the series before it.
        successes: Of the day.
        trials: Of the day.
        rate: Of the day, in 0..1.
        baseline: Same weekdays of the four weeks before, in 0..1.
        change: Rate over baseline, less 1.
        change_vs_previous_week: Rate over the pooled rate of the seven days before, less 1.
        z: Distance of rate and baseline in standard deviations of binomial chance.
        dispersion: How much further than chance this rate swings on ordinary days, >= 1.
        week_change: Last seven days over what their baselines promise, less 1.
        smallest_daily_drop: The drop that the sudden rule finds on such a day every second time.
        smallest_weekly_drop: The same of the weekly rule.
        findings: Rules that fire; empty unless `standing` is `WATCHED`.
        variance: Of a mean, that of the sum of the day; NaN for a proportion or where unknown.
        unit: Of the rate, one of `units`.
    """

    day: date
    standing: Standing
    history_days: int
    successes: float = math.nan
    trials: float = math.nan
    rate: float = math.nan
    baseline: float = math.nan
    change: float = math.nan
    change_vs_previous_week: float = math.nan
    z: float = math.nan
    dispersion: float = math.nan
    week_change: float = math.nan
    smallest_daily_drop: float = math.nan
    smallest_weekly_drop: float = math.nan
    findings: tuple[Finding, ...] = ()
    variance: float = math.nan
    unit: str = SHARE

    @property
    def is_below_previous_week(self) -> bool:
        """Whether the day is 20 % below the week before. Often by chance: it tells nobody."""
        return self.change_vs_previous_week <= -SIMPLE_CHANGE + _ROUNDING

    @property
    def notifies(self) -> bool:
        """Whether somebody should be told."""
        return bool(self.findings)


def watch(
    series: DailyRate,
    as_of: date,
    lag_days: int = LAG_DAYS,
    suspect_days: Collection[date] = (),
) -> Watch:
    """Judge the last complete day of a rate.

    Args:
        series: The rate by day; days after the judged one are not looked at.
        as_of: The last loaded day.
        lag_days: How many of the last loaded days may still change.
        suspect_days: Days of a tracking outage: no verdict on them, and no part of any baseline.
    """
    day = as_of - timedelta(days=lag_days)
    known = series.until(day)
    is_suspect = day in suspect_days
    # The judged day keeps its counts, so that they can be shown; it is in no baseline of its own.
    known = known.without([one for one in suspect_days if one != day])
    if not len(known):
        return Watch(day, Standing.TOO_LITTLE_HISTORY, 0)
    if not known.is_watchable:
        return Watch(day, Standing.NOT_A_RATE, len(known) - 1)
    scores = score_days(known)
    found = _described(known, scores, day)
    standing = Standing.TRACKING_SUSPECT if is_suspect else _standing(found)
    findings = _findings(known, scores) if standing is Standing.WATCHED else ()
    return replace(found, standing=standing, findings=findings)


def firing_days(scores: Scores) -> dict[tuple[Rule, Direction], Bools]:
    """On which days each rule fires each way, whatever else may stand against judging them."""
    # A level that only holds over an unknown day is no news of that day.
    judged = np.isfinite(scores.adjusted)
    return {
        (rule, direction): judged
        & (sign * asked.change >= asked.least_change - _ROUNDING)
        & (sign * asked.statistic >= asked.limit)
        for rule, asked in _asked(scores).items()
        for direction, sign in ((Direction.DROP, -1), (Direction.RISE, 1))
    }


@dataclass(frozen=True)
class _Asked:
    """What a rule asks of each day: a change that matters, and one that chance does not bring."""

    change: Floats
    least_change: float
    statistic: Floats
    limit: float


def _asked(scores: Scores) -> dict[Rule, _Asked]:
    with np.errstate(divide="ignore", invalid="ignore"):
        change = scores.rate / scores.baseline - 1
    week = scores.week_change
    return {
        Rule.SUDDEN: _Asked(change, SUDDEN_CHANGE, scores.adjusted, SUDDEN_LIMIT),
        Rule.SUSTAINED: _Asked(week, SUSTAINED_CHANGE, scores.smoothed, SUSTAINED_LIMIT),
        Rule.WEEKLY: _Asked(week, WEEKLY_CHANGE, scores.week_z, WEEKLY_LIMIT),
    }


def smallest_detectable_drop(
    rate: float,
    trials: float,
    baseline_trials: float,
    dispersion: float,
    limit: float,
    portion: float | None = None,
) -> float:
    """The relative drop whose expected distance just reaches the limit: found every second time.

    limit · dispersion · sqrt(p (1 - p) (1 / n + 1 / N)) / p; above 1 no drop can be found.
    Of a mean p with a portion f, p (1 - p) is p f.

    Args:
        rate: The usual rate p, in 0..1.
        trials: Of the day or week to be judged, n.
        baseline_trials: Of its baseline, N.
        dispersion: Factor over binomial chance.
        limit: `SUDDEN_LIMIT` for a day, `WEEKLY_LIMIT` for a week.
        portion: Of a mean, what swings like one of a count; None for a proportion.
    """
    if not (rate > 0 and trials > 0 and baseline_trials > 0):
        return math.nan
    variance = rate * (1 - rate if portion is None else portion)
    error = math.sqrt(variance * (1 / trials + 1 / baseline_trials))
    return limit * dispersion * error / rate


def _described(series: DailyRate, scores: Scores, day: date) -> Watch:
    last = len(series) - 1
    baseline, rate = float(scores.baseline[last]), float(scores.rate[last])
    dispersion, previous = float(scores.dispersion[last]), float(scores.previous_week[last])
    week_n = float(scores.week_trials[last])
    portion = None if scores.portion is None else float(scores.portion[last])
    base_n = float(scores.baseline_trials[last])
    daily = smallest_detectable_drop(
        baseline, float(series.trials[last]), base_n, dispersion, SUDDEN_LIMIT, portion
    )
    weekly = smallest_detectable_drop(
        baseline, week_n, BASELINE_WEEKS * week_n, dispersion, WEEKLY_LIMIT, portion
    )
    return Watch(
        day=day,
        standing=Standing.WATCHED,
        history_days=last,
        successes=float(series.successes[last]),
        trials=float(series.trials[last]),
        rate=rate,
        baseline=baseline,
        change=rate / baseline - 1 if baseline > 0 else math.nan,
        change_vs_previous_week=rate / previous - 1 if previous > 0 else math.nan,
        z=float(scores.z[last]),
        dispersion=dispersion,
        week_change=float(scores.week_change[last]),
        # A rule asks for a change that matters too, however many visitors there are.
        smallest_daily_drop=max(daily, SUDDEN_CHANGE) if daily == daily else math.nan,
        smallest_weekly_drop=max(weekly, WEEKLY_CHANGE) if weekly == weekly else math.nan,
        variance=math.nan if series.variances is None else float(series.variances[last]),
        unit=series.unit,
    )


def _standing(found: Watch) -> Standing:
    if found.history_days < BASELINE_WEEKS * WEEK:
        return Standing.TOO_LITTLE_HISTORY
    if not found.trials > 0:
        return Standing.NO_DATA
    if found.history_days < HISTORY_DAYS:
        return Standing.LEARNING
    if math.isnan(found.dispersion) or math.isnan(found.baseline):
        # Gaps in the last weeks, or a rate of which nothing was ever counted.
        return Standing.TOO_LITTLE_DATA
    drops = (found.smallest_daily_drop, found.smallest_weekly_drop)
    is_enough = any(drop <= LARGEST_DETECTABLE_DROP for drop in drops)
    return Standing.WATCHED if is_enough else Standing.TOO_LITTLE_DATA


def _findings(series: DailyRate, scores: Scores) -> tuple[Finding, ...]:
    last, found = len(series) - 1, []
    for (rule, direction), fires in firing_days(scores).items():
        if not fires[last]:
            continue
        quiet = np.flatnonzero(~fires)
        asked = _asked(scores)[rule]
        found.append(
            Finding(
                rule=rule,
                direction=direction,
                change=float(asked.change[last]),
                statistic=float(asked.statistic[last]),
                limit=asked.limit,
                since=series.day(int(quiet[-1]) + 1 if len(quiet) else 0),
            )
        )
    return tuple(found)
