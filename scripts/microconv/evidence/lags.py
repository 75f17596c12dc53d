"""When does a micro-conversion begin to tell? Odds ratios by the time since it was done (M7)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.logistic import GroupedRows, fit_logistic
from microconv.evidence.patterns import factor_dummies
from microconv.evidence.quantities import Estimate

LAG_EDGES_DAYS = (0.0, 1.0, 3.0, 7.0)
"""Lower edges of the lags: under 1 day, 1-3, 3-7, over 7."""


@dataclass(frozen=True)
class Lag:
    """One bin of time since the micro-conversion.

    Args:
        from_days: Lower edge in days.
        to_days: Upper edge in days; infinite for the last.
        decision_points: Steps in this bin.
        odds_ratio: Of converting on the next step, against not having done it.
    """

    from_days: float
    to_days: float
    decision_points: float
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
    fit = fit_logistic(GroupedRows.from_columns(np.column_stack([strata, *columns]), size, hits))
    uppers = [*edges_days[1:], math.inf]
    lags = tuple(
        Lag(edges_days[one - 1], uppers[one - 1], float(held[one]), fit.odds_ratio(column))
        for column, one in enumerate(used, start=strata.shape[1])
    )
    onset = next((one.from_days for one in lags if one.odds_ratio.excludes(1.0)), None)
    return LagProfile(lags, onset)
