"""How far each day of a rate lies from its own past, in units of chance (M16).

The baseline of a day are the same weekdays of the four weeks before it. Chance is the binomial one
times a factor learned from the weeks before, since visitors of one day resemble each other more
than binomial trials do (Laney 2002, Quality Engineering 14:531, with a robust spread). Four weeks
are enough to learn it; eight, where there are, halve the sudden alarms that a factor learned too
small by chance would raise.

The distance is the signed root of the likelihood ratio. The usual z of two proportions is skewed
where successes are few: with twenty a day it cries rise six times as often as drop.

A mean, such as revenue per visit, is judged as if it came in equal portions: of variance V and sum
S a portion is V / S, and S² / V portions swing as much as a Poisson count does. So money is judged
by how many orders it would be if all were alike, and a day without any is still judged. V and S are
summed over eight weeks, the day itself among them, so that one huge order makes that day less sure
(McCullagh and Nelder, Generalized Linear Models, chapter 9: quasi-likelihood).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr

from microconv.evidence.quantities import Floats
from microconv.watching.series import DailyRate, shifted, trailing_sum

WEEK = 7
BASELINE_WEEKS = 4
SPREAD_DAYS = 28
MOST_SPREAD_DAYS = 56
HISTORY_DAYS = BASELINE_WEEKS * WEEK + SPREAD_DAYS
"""Days before the first one that can be judged: a baseline, and then a spread around it."""

SMOOTHING = 0.3
LEAST_BASELINE_WEEKS = 2
LEAST_SPREAD_DAYS = 21
LEAST_WEEK_DAYS = 5

_MAD_TO_DEVIATION = 1.4826  # of a normal distribution


@dataclass(frozen=True)
class Scores:
    """A place per day; NaN where the past does not allow a number.

    Args:
        rate: Of the day, in 0..1.
        baseline: Pooled rate of the same weekdays of the four weeks before, in 0..1.
        baseline_trials: Trials of these.
        z: Signed root of the likelihood ratio of the two: standard normal if they are alike.
        dispersion: Factor by which the spread of z in the weeks before exceeds chance, >= 1.
        adjusted: z / dispersion.
        smoothed: Exponentially weighted mean of `adjusted`, starting at 0.
        week_change: Successes of the last seven days over what their baselines promise, less 1.
        week_z: The signed root of their likelihood ratio over `dispersion`.
        week_trials: Trials of the last seven days.
        week_expected: Successes that their baselines promise.
        previous_week: Pooled rate of the seven days before the day, in 0..1.
        portion: Of a mean, what swings like one of a count, in the unit; None for a proportion.
    """

    rate: Floats
    baseline: Floats
    baseline_trials: Floats
    z: Floats
    dispersion: Floats
    adjusted: Floats
    smoothed: Floats
    week_change: Floats
    week_z: Floats
    week_trials: Floats
    week_expected: Floats
    previous_week: Floats
    portion: Floats | None = None


def score_days(series: DailyRate) -> Scores:
    """Score every day of a series against its own past."""
    x, n = series.successes, series.trials
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = x / n
        baseline, base_n = _baseline(x, n)
        portion = None if series.variances is None else _portions(x, series.variances)
        z = distance(x, n, baseline * base_n, base_n, portion)
        dispersion = _dispersion(z)
        adjusted = z / dispersion
        previous = shifted(trailing_sum(x, WEEK) / trailing_sum(n, WEEK), 1)
        expected, change, week_z = _week(x, n, baseline, base_n, portion)
    return Scores(
        rate=rate,
        baseline=baseline,
        baseline_trials=base_n,
        z=z,
        dispersion=dispersion,
        adjusted=adjusted,
        smoothed=smooth(adjusted),
        week_change=change,
        week_z=week_z / dispersion,
        week_trials=trailing_sum(n, WEEK),
        week_expected=expected,
        previous_week=previous,
        portion=portion,
    )


def smooth(values: Floats, start: float = 0.0, weight: float = SMOOTHING) -> Floats:
    """The exponentially weighted moving average e = w · value + (1 - w) · e.

    An unknown value leaves it where it is; before the first known one it is NaN.
    Source: Roberts 1959, Technometrics 1:239.
    """
    smoothed = np.full(len(values), np.nan)
    level, has_begun = start, False
    for place, value in enumerate(values.tolist()):
        if value == value:
            level, has_begun = weight * value + (1 - weight) * level, True
        if has_begun:
            smoothed[place] = level
    return smoothed


def signed_root(x1: Floats, n1: Floats, x0: Floats, n0: Floats) -> Floats:
    """The signed root of the likelihood ratio of two proportions, positive if the first is larger.

    Exchanging successes and failures changes its sign and nothing else; NaN where there are no
    trials, or where all or none of both succeed. Source: Agresti, Categorical Data Analysis, G².
    """
    pooled = (x1 + x0) / (n1 + n0)
    statistic = 2 * (
        rel_entr(x1, n1 * pooled)
        + rel_entr(n1 - x1, n1 * (1 - pooled))
        + rel_entr(x0, n0 * pooled)
        + rel_entr(n0 - x0, n0 * (1 - pooled))
    )
    root = np.sign(x1 / n1 - x0 / n0) * np.sqrt(np.maximum(statistic, 0.0))
    defined = (n1 > 0) & (n0 > 0) & (pooled > 0) & (pooled < 1)
    return np.where(defined, root, np.nan)


def distance(
    x1: Floats, n1: Floats, x0: Floats, n0: Floats, portion: Floats | float | None = None
) -> Floats:
    """Of two proportions their `signed_root`; of two means that of their portions, as Poisson."""
    if portion is None:
        return signed_root(x1, n1, x0, n0)
    y1, y0 = x1 / portion, x0 / portion
    total, trials = y1 + y0, n1 + n0
    statistic = 2 * (rel_entr(y1, total * n1 / trials) + rel_entr(y0, total * n0 / trials))
    root = np.sign(x1 / n1 - x0 / n0) * np.sqrt(np.maximum(statistic, 0.0))
    return np.where((n1 > 0) & (n0 > 0) & (total > 0), root, np.nan)


def _portions(x: Floats, variances: Floats) -> Floats:
    """Variance per unit of sum over each day and the eight weeks before it; NaN without any."""
    known = np.isfinite(variances)

    def total(values: Floats) -> Floats:
        sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
        ends = np.arange(1, len(sums))
        return np.asarray(sums[ends] - sums[np.maximum(ends - MOST_SPREAD_DAYS - 1, 0)])

    spread, size = total(variances), total(x)
    return np.where((size > 0) & (spread > 0), spread / size, np.nan)


def _baseline(x: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Pooled rate and trials of the same weekdays of the four weeks before each day."""
    lags = [WEEK * week for week in range(1, BASELINE_WEEKS + 1)]
    base_x = np.sum([shifted(x, lag) for lag in lags], axis=0)
    base_n = np.sum([shifted(n, lag) for lag in lags], axis=0)
    weeks = np.sum([shifted(n, lag) > 0 for lag in lags], axis=0)
    return np.where(weeks >= LEAST_BASELINE_WEEKS, base_x / base_n, np.nan), base_n


def _dispersion(z: Floats) -> Floats:
    """The robust spread of z in the days before each day, at least 1."""
    padded = np.concatenate([np.full(MOST_SPREAD_DAYS, np.nan), z])
    windows = np.lib.stride_tricks.sliding_window_view(padded, MOST_SPREAD_DAYS)[: len(z)]
    spread = _MAD_TO_DEVIATION * _medians(np.abs(windows - _medians(windows)[:, None]))
    enough = np.isfinite(windows).sum(axis=1) >= LEAST_SPREAD_DAYS
    return np.where(enough, np.maximum(spread, 1.0), np.nan)


def _medians(rows: Floats) -> Floats:
    """The median of what is known of each row; NaN where nothing is."""
    ordered = np.sort(rows, axis=1)  # NaN last
    known = np.isfinite(rows).sum(axis=1)
    place = np.arange(len(rows))
    lower, upper = np.maximum(known - 1, 0) // 2, known // 2
    middle = (ordered[place, lower] + ordered[place, np.minimum(upper, rows.shape[1] - 1)]) / 2
    return np.where(known > 0, middle, np.nan)


def _week(
    x: Floats, n: Floats, baseline: Floats, base_n: Floats, portion: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """Expected successes of the last seven days, relative change against them, and its z."""
    known = np.isfinite(baseline) & (n > 0)

    def total(values: Floats) -> Floats:
        return trailing_sum(np.where(known, values, 0.0), WEEK)

    found, expected = total(x), total(n * baseline)
    is_enough = (trailing_sum(known.astype(np.float64), WEEK) >= LEAST_WEEK_DAYS) & (expected > 0)
    z = distance(found, total(n), total(baseline * base_n), total(base_n), portion)
    return (
        np.where(is_enough, expected, np.nan),
        np.where(is_enough, found / expected - 1, np.nan),
        np.where(is_enough, z, np.nan),
    )
