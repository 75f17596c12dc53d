"""Time to convert when not everybody has been watched for long: Kaplan-Meier, log-rank (M19)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.quantities import (
    CONFIDENCE,
    UNDEFINED,
    Bools,
    Estimate,
    Floats,
    chi_squared_p,
    normal_quantile,
    sums_by,
)


@dataclass(frozen=True)
class Times:
    """Grouped times from entry to conversion or to the end of watching.

    Args:
        time: Time since entry, >= 0, in any one unit; need not be sorted.
        is_event: True if it ends in a conversion, False if watching ends.
        count: Units with this time and ending.
    """

    time: Floats
    is_event: Bools
    count: Floats

    @classmethod
    def from_columns(
        cls,
        time: npt.ArrayLike,
        is_event: npt.ArrayLike,
        count: npt.ArrayLike | None = None,
    ) -> Times:
        """Times of any columns; without counts each row is one unit."""
        times = np.asarray(time, dtype=np.float64)
        counts = np.ones_like(times) if count is None else np.asarray(count, dtype=np.float64)
        return cls(times, np.asarray(is_event, dtype=np.bool_), counts)


@dataclass(frozen=True)
class SurvivalCurve:
    """A Kaplan-Meier curve at its event times.

    Args:
        time: Times with at least one event, ascending.
        at_risk: Units still watched and unconverted just before.
        events: Conversions at this time.
        survival: Share unconverted just after, in 0..1.
        greenwood: Running sum of d / (n (n - d)); infinite once everybody has converted.
        last_time: The longest time anybody was watched; NaN without anybody.
    """

    time: Floats
    at_risk: Floats
    events: Floats
    survival: Floats
    greenwood: Floats
    last_time: float

    def converted_by(self, time: float, confidence: float = CONFIDENCE) -> Estimate:
        """The share converted by a time, F = 1 - S, with the log-log interval.

        F in 1 - S^exp(± z se / |log S|), se² = sum of d / (n (n - d)) (Greenwood). Undefined after
        `last_time`; no interval where the share is 0 or 1.
        """
        if not time <= self.last_time:
            return UNDEFINED
        place = int(np.searchsorted(self.time, time, side="right")) - 1
        if place < 0:
            return Estimate(0.0, math.nan, math.nan)
        survival = float(self.survival[place])
        if survival in (0.0, 1.0):
            return Estimate(1 - survival, math.nan, math.nan)
        error = math.sqrt(float(self.greenwood[place]))
        reach = normal_quantile(confidence) * error / abs(math.log(survival))
        return Estimate(
            1 - survival,
            1 - survival ** math.exp(-reach),
            1 - survival ** math.exp(reach),
        )

    def time_until(self, share: float) -> float:
        """The first time by which at least this share has converted; NaN if it never is."""
        # A share such as 1/2 must not be missed for the rounding of a product.
        reached = np.flatnonzero(1 - self.survival >= share - 1e-12)
        return float(self.time[reached[0]]) if len(reached) else math.nan

    def median_given_conversion(self, window: float) -> float:
        """The median time of those that convert within a window: first t with F(t) >= F(W) / 2.

        Returns:
            A time in the unit of the curve; NaN if nobody converts or if watching ends before
            `window`.
        """
        share = self.converted_by(window).value
        return self.time_until(share / 2) if share > 0 else math.nan


def kaplan_meier(times: Times) -> SurvivalCurve:
    """The product-limit curve; an end of watching at the time of an event comes after it.

    Sources: Kaplan and Meier 1958, JASA 53:457; Greenwood 1926.
    """
    if not len(times.time) or times.count.sum() <= 0:
        none: Floats = np.zeros(0)
        return SurvivalCurve(none, none, none, none, none, math.nan)
    time, at_risk, events = _risk_table(times)
    watched = float(times.time[times.count > 0].max())
    kept = events > 0
    time, at_risk, events = time[kept], at_risk[kept], events[kept]
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)), dtype=np.float64)
    survival = np.cumprod((at_risk - events) / at_risk, dtype=np.float64)
    return SurvivalCurve(time, at_risk, events, survival, greenwood, watched)


def _risk_table(times: Times, at: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Times, units at risk just before each, events at each.

    Args:
        at: Ascending times that hold every event; None for all distinct times.
    """
    distinct = np.unique(times.time[times.count > 0]) if at is None else at
    place = np.searchsorted(distinct, times.time)
    inside = place < len(distinct)
    is_event = times.is_event & inside
    events = sums_by(place[is_event], times.count[is_event], len(distinct))
    # Whoever is watched to this time or beyond it is at risk; a time past the last counts too.
    upto = np.searchsorted(distinct, times.time, side="right")
    ending = sums_by(upto, times.count, len(distinct) + 1)
    at_risk: Floats = ending[::-1].cumsum()[::-1][1:]
    return distinct, at_risk, events


@dataclass(frozen=True)
class LogRank:
    """A test that groups convert alike in time.

    Args:
        chi_squared: The statistic.
        degrees_of_freedom: Groups less one.
        p_value: NaN where groups cannot be compared.
        observed: Conversions per group.
        expected: Conversions per group if all were alike.
    """

    chi_squared: float
    degrees_of_freedom: int
    p_value: float
    observed: tuple[float, ...]
    expected: tuple[float, ...]


def log_rank(groups: Sequence[Times]) -> LogRank:
    """The log-rank test of two or more groups.

    Source: Mantel 1966, Cancer Chemotherapy Reports 50:163; Peto and Peto 1972.
    """
    event_times = np.unique(
        np.concatenate([one.time[one.is_event & (one.count > 0)] for one in groups])
    )
    if len(groups) < 2 or not len(event_times):
        return LogRank(math.nan, max(len(groups) - 1, 0), math.nan, (), ())
    tables = [_risk_table(one, event_times) for one in groups]
    at_risk = np.array([table[1] for table in tables])
    events = np.array([table[2] for table in tables])
    n, d = at_risk.sum(axis=0), events.sum(axis=0)
    share = at_risk / n
    expected = (share * d).sum(axis=1)
    spread = np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0)
    covariance = np.diag((share * spread).sum(axis=1)) - (share * spread) @ share.T
    surplus = events.sum(axis=1) - expected
    freedom = int(np.linalg.matrix_rank(covariance))
    statistic = float(surplus @ np.linalg.pinv(covariance, hermitian=True) @ surplus)
    return LogRank(
        statistic if freedom else math.nan,
        freedom,
        chi_squared_p(statistic, freedom),
        tuple(events.sum(axis=1).tolist()),
        tuple(expected.tolist()),
    )
