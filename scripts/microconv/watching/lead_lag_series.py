"""From daily rates to two series without calendar, or the reason why there are none (M10)."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from microconv.evidence.quantities import Bools, Floats
from microconv.evidence.refusal import Refusal
from microconv.watching.scores import WEEK
from microconv.watching.series import DailyRate

LEAST_DAYS = 56
ENOUGH_DAYS = 90
LEAST_WEEKS = 52
LARGEST_MISSING_SHARE = 0.05
LEAST_TRIALS = 100
"""Per day, else weeks are compared; per week, else nothing is."""

_STILL = 1e-9  # a log rate whose residuals are all below this does not vary


@dataclass(frozen=True)
class Prepared:
    """Two series of the same periods, log rates without trend and weekdays; 0 where unknown.

    Args:
        x: The one that may lead.
        y: The one that may follow.
        unit: "day" or "week".
        is_short: Whether leads are likely to be missed.
    """

    x: Floats
    y: Floats
    unit: str
    is_short: bool


def standardised(segments: Sequence[DailyRate]) -> DailyRate:
    """A rate at an unchanging mix of segments, so that a change of traffic moves no series.

    The weight of a segment is its share of all trials; on days without trials in a segment the
    others stand in for it.

    Args:
        segments: The rate of each, on whatever days it has.

    Raises:
        ValueError: Without segments.
    """
    if not segments:
        raise ValueError("A standardised rate needs at least one segment.")
    first = min(one.first_day for one in segments)
    last = max(one.last_day for one in segments)
    aligned = [_between(one, first, last) for one in segments]
    x, n = (np.array([getattr(one, side) for one in aligned]) for side in ("successes", "trials"))
    weight = n.sum(axis=1, keepdims=True) * (n > 0)
    rates = np.divide(x, n, out=np.zeros_like(x), where=n > 0)
    total = weight.sum(axis=0)
    rate = np.divide((weight * rates).sum(axis=0), total, out=np.zeros(len(total)), where=total > 0)
    return DailyRate(first, rate * n.sum(axis=0), n.sum(axis=0))


def prepare(x: DailyRate, y: DailyRate, holidays: Collection[date] = ()) -> Prepared | Refusal:
    """Align, take logarithms, remove weekdays and trend; or say why not."""
    first, last = max(x.first_day, y.first_day), min(x.last_day, y.last_day)
    days = (last - first).days + 1
    if days < LEAST_DAYS:
        return Refusal.because(
            f"The two rates share {max(days, 0)} days; nothing is said below {LEAST_DAYS}."
        )
    pair = [_between(one, first, last) for one in (x, y)]
    known = [np.isfinite(one.successes) & (one.trials > 0) for one in pair]
    missing = ~(known[0] & known[1])
    if missing.mean() > LARGEST_MISSING_SHARE:
        return Refusal.because(
            f"{int(missing.sum())} of {days} days are missing; "
            f"at most {LARGEST_MISSING_SHARE:.0%} may be."
        )
    off = {first.toordinal() + place for place in np.flatnonzero(missing).tolist()}
    left_out = [date.fromordinal(day) for day in off] + list(holidays)
    pair = [one.without(left_out) for one in pair]
    if min(float(np.median(one.trials)) for one in pair) >= LEAST_TRIALS:
        return _residuals(pair, "day", days < ENOUGH_DAYS)
    weeks = [_weekly(one) for one in pair]
    if len(weeks[0]) < LEAST_WEEKS:
        return Refusal.because(
            f"Days hold fewer than {LEAST_TRIALS} sessions, and for weeks the history is short: "
            f"{len(weeks[0])} of {LEAST_WEEKS}."
        )
    if min(float(np.median(one.trials)) for one in weeks) < LEAST_TRIALS:
        return Refusal.because(f"Even weeks hold fewer than {LEAST_TRIALS} sessions.")
    return _residuals(weeks, "week", is_short=False)


def _residuals(pair: Sequence[DailyRate], unit: str, is_short: bool) -> Prepared | Refusal:
    found = []
    for one in pair:
        known = one.trials > 0
        residual = np.zeros(len(one))
        logs = _log_rate(one, known)
        terms = calendar(len(one), unit)[known]
        coefficients, *_ = np.linalg.lstsq(terms, logs, rcond=None)
        residual[known] = logs - terms @ coefficients
        if not np.abs(residual).max(initial=0.0) > _STILL:
            return Refusal.because("One of the two rates does not vary.")
        found.append(residual)
    return Prepared(found[0], found[1], unit, is_short)


def calendar(periods: int, unit: str) -> Floats:
    """Columns for level, linear trend and, of days, six weekdays."""
    place = np.arange(periods)
    columns = [np.ones(periods), (place - place.mean()) / max(periods, 1)]
    if unit == "day":
        columns += [(place % WEEK == weekday).astype(np.float64) for weekday in range(1, WEEK)]
    return np.column_stack(columns)


def _log_rate(series: DailyRate, known: Bools) -> Floats:
    """log(rate + eps), eps being half of what one success, or the smallest amount, would make."""
    rate = series.successes[known] / series.trials[known]
    above = rate[rate > 0]
    smallest = float(above.min()) if len(above) else math.nan
    eps = 0.5 / float(np.median(series.trials[known])) if series.is_proportion else 0.5 * smallest
    return np.log(rate + (eps if math.isfinite(eps) else 1.0))


def _between(series: DailyRate, first: date, last: date) -> DailyRate:
    """The series on exactly these days, unknown where it has none."""
    whole = series.until(last)
    start = whole.place(first)
    before = max(-start, 0)
    x, n = (
        np.pad(values[max(start, 0) :], (before, 0)) for values in (whole.successes, whole.trials)
    )
    return DailyRate(first, x, n)


def _weekly(series: DailyRate) -> DailyRate:
    """Whole weeks up to the last day; a place per week."""
    weeks = len(series) // WEEK
    kept = slice(len(series) - weeks * WEEK, None)
    x, n = (
        values[kept].reshape(weeks, WEEK).sum(1) for values in (series.successes, series.trials)
    )
    return DailyRate(series.first_day, x, n)
