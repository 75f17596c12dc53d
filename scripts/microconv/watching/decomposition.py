"""Why a rate moved, as sums that hold exactly: over the steps of a funnel, over mix and rate (M17).

A product of factors is taken apart by logarithmic means (LMDI) and, where a factor is 0, by Shapley
values, which for a product are Das Gupta's. A mean over segments is taken apart into a part of the
mix and a part of the rates by Kitagawa's method, centred so that the sign of a segment means
something: a segment that grows counts as bad only if it converts worse than the whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.quantities import Floats
from microconv.evidence.shapley import shapley_shares
from microconv.watching.units import SHARE


def log_mean(one: float, other: float) -> float:
    """The logarithmic mean (a - b) / ln(a / b) of two positive numbers; a where they are equal."""
    if one == other:
        return one
    step = (one - other) / other
    # log1p keeps what ln(a / b) loses where both are nearly the same, and loses what that keeps.
    return (one - other) / (math.log1p(step) if abs(step) < 0.5 else math.log(one / other))


def product_contributions(before: npt.ArrayLike, after: npt.ArrayLike) -> Floats:
    """What each factor adds to the change of their product; the sum is that change.

    L(P1, P0) · ln(f1 / f0), or Shapley values where a factor is 0.
    Sources: Ang 2005, Energy Policy 33:867 (LMDI); Das Gupta 1993, Census Bureau P23-186.

    Args:
        before: Factors of the earlier period, not negative.
        after: The same factors of the later period.

    Returns:
        One contribution per factor, in the unit of the product.

    Raises:
        ValueError: For a negative or undefined factor.
    """
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    factors = np.concatenate([old, new])
    if not (np.isfinite(factors) & (factors >= 0)).all():
        raise ValueError("A factor of a product that is taken apart must be a number, 0 or above.")
    if (factors == 0).any():
        return shapley_contributions(old, new)
    mean = log_mean(float(np.prod(new)), float(np.prod(old)))
    return np.asarray(mean * np.log(new / old), dtype=np.float64)


def shapley_contributions(before: Floats, after: Floats) -> Floats:
    """The mean, over all orders in which factors may change, of what each change does."""

    def product(changed: int) -> float:
        pairs = zip(before.tolist(), after.tolist(), strict=True)
        return math.prod(
            new if changed >> place & 1 else old for place, (old, new) in enumerate(pairs)
        )

    return shapley_shares(product, len(before)).contributions


@dataclass(frozen=True)
class SegmentCounts:
    """Trials and successes of the segments of one dimension in two periods; all arrays alike long.

    Args:
        dimension: Such as "device".
        values: Segments, such as "mobile".
        trials_before: Per segment in the earlier period.
        successes_before: Those of them that succeeded.
        trials_after: Per segment in the later period.
        successes_after: Those of them that succeeded.
        portion: Of a mean, what swings like one of a count (`scores`); None for a proportion.
        unit: Of the rate, one of `units`.
    """

    dimension: str
    values: tuple[str, ...]
    trials_before: Floats
    successes_before: Floats
    trials_after: Floats
    successes_after: Floats
    portion: float | None = None
    unit: str = SHARE

    @classmethod
    def from_columns(
        cls,
        dimension: str,
        values: Sequence[str],
        trials_before: npt.ArrayLike,
        successes_before: npt.ArrayLike,
        trials_after: npt.ArrayLike,
        successes_after: npt.ArrayLike,
    ) -> SegmentCounts:
        """Counts of any columns, a row per segment."""
        columns = (trials_before, successes_before, trials_after, successes_after)
        n0, x0, n1, x1 = (np.asarray(column, dtype=np.float64) for column in columns)
        return cls(dimension, tuple(values), n0, x0, n1, x1)


@dataclass(frozen=True)
class MixAndRate:
    """A change of a rate as a sum over segments; in 0..1, so that 0.01 is a percentage point.

    Args:
        change: Later rate less earlier rate.
        mix: Per segment: it is a larger or smaller part of the whole than before.
        rate: Per segment: it converts more or less than before.
    """

    change: float
    mix: Floats
    rate: Floats

    @property
    def mix_share(self) -> float:
        """The part of the change that is mix; NaN if nothing changed."""
        return float(self.mix.sum()) / self.change if self.change else math.nan

    @property
    def rate_share(self) -> float:
        """The part of the change that is rate; NaN if nothing changed."""
        return float(self.rate.sum()) / self.change if self.change else math.nan


def mix_and_rate(counts: SegmentCounts) -> MixAndRate:
    """Kitagawa's components, centred; mix and rate of all segments sum to the change.

    A segment that is there in one period only has no rate in the other, so that its coming or going
    is mix. Source: Kitagawa 1955, JASA 50:1168.

    Raises:
        ValueError: Without trials in one of the periods.
    """
    n0, n1 = counts.trials_before, counts.trials_after
    if not (n0.sum() > 0 and n1.sum() > 0):
        raise ValueError("Both periods need trials before their rates can be compared.")
    total0 = float(counts.successes_before.sum() / n0.sum())
    total1 = float(counts.successes_after.sum() / n1.sum())
    weight0, weight1 = n0 / n0.sum(), n1 / n1.sum()
    rate0 = np.divide(counts.successes_before, n0, out=np.zeros_like(n0), where=n0 > 0)
    rate1 = np.divide(counts.successes_after, n1, out=np.zeros_like(n1), where=n1 > 0)
    rate0, rate1 = np.where(n0 > 0, rate0, rate1), np.where(n1 > 0, rate1, rate0)
    return MixAndRate(
        change=total1 - total0,
        mix=(weight1 - weight0) * ((rate0 + rate1) / 2 - (total0 + total1) / 2),
        rate=(rate1 - rate0) * (weight0 + weight1) / 2,
    )
