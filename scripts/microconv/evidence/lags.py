"""When does a micro-conversion begin to tell? Odds ratios by the time since it was done (M7)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.logistic import Fit, GroupedRows, expit, fit_logistic
from microconv.evidence.patterns import factor_dummies
from microconv.evidence.quantities import UNDEFINED, Estimate, Floats

LAG_EDGES_DAYS = (0.0, 1.0, 3.0, 7.0)
"""Lower edges of the lags: under 1 day, 1-3, 3-7, over 7."""
LEAST_EXPECTED = 5.0
"""Conversions that a lag must lead one to expect; from fewer, no number is said."""


@dataclass(frozen=True)
class Lag:
    """One bin of time since the micro-conversion.

    Args:
        from_days: Lower edge in days.
        to_days: Upper edge in days; infinite for the last.
        decision_points: Steps in this bin.
        expected_conversions: How many there would be without a difference. Whether a number is
            said hangs on this and not on what was found, which would keep those with luck.
        odds_ratio: Of converting on the next step, against not having done it; undefined where
            fewer than `LEAST_EXPECTED` are expected.
    """

    from_days: float
    to_days: float
    decision_points: float
    expected_conversions: float
    odds_ratio: Estimate


@dataclass(frozen=True)
class LagProfile:
    """Lags in ascending order.

    Args:
        lags: Bins that hold a decision point.
        effect_onset_days: Lower edge of the first bin whose interval excludes 1; None if none does.
    """

    lags: tuple[Lag, ...]
    effect_onset_days: float | None


def lag_profile(
    lag: npt.ArrayLike,
    factors: npt.ArrayLike,
    n: npt.ArrayLike,
    converted: npt.ArrayLike,
    edges_days: Sequence[float] = LAG_EDGES_DAYS,
) -> LagProfile:
    """A grouped Firth logistic with a column per lag and dummies for the strata's factors.

    Args:
        lag: Per row 0 if not done before, else 1 + the number of the bin in `edges_days`.
        factors: Row × factor codes (depth bin, day bin, device, …).
        n: Decision points per row.
        converted: Those on which the macro follows before the next step.
        edges_days: Lower edges of the bins, ascending.

    Raises:
        SingularDesignError: The factors determine a lag.
    """
    size, hits = np.asarray(n, dtype=np.float64), np.asarray(converted, dtype=np.float64)
    bins = np.asarray(lag, dtype=np.int64)
    codes = np.asarray(factors, dtype=np.int64).reshape(len(size), -1)
    held = np.bincount(bins, size, minlength=len(edges_days) + 1)
    used = [one for one in range(1, len(edges_days) + 1) if held[one] > 0]
    strata = factor_dummies(codes, size)
    columns = [(bins == one).astype(np.float64) for one in used]
    if not used:
        return LagProfile((), None)
    rows = GroupedRows.from_columns(np.column_stack([strata, *columns]), size, hits)
    fit = fit_logistic(rows)
    uppers = [*edges_days[1:], math.inf]
    lags = tuple(
        Lag(
            edges_days[one - 1],
            uppers[one - 1],
            float(held[one]),
            *_expected_and_odds_ratio(rows, fit, column),
        )
        for column, one in enumerate(used, start=strata.shape[1])
    )
    onset = next((one.from_days for one in lags if one.odds_ratio.excludes(1.0)), None)
    return LagProfile(lags, onset)


def _expected_and_odds_ratio(rows: GroupedRows, fit: Fit, column: int) -> tuple[float, Estimate]:
    """Conversions of a lag were its odds ratio 1, and the odds ratio where these are enough."""
    here = rows.design[:, column] == 1
    without: Floats = np.where(np.arange(rows.width) == column, 0.0, fit.coefficients)
    expected = float(rows.n[here] @ expit(rows.design[here] @ without))
    return expected, fit.odds_ratio(column) if expected >= LEAST_EXPECTED else UNDEFINED
