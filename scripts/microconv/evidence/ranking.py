"""How well a score ranks: AUC with DeLong's error, average precision, lift and capture (M15).

All from grouped scores: converted and other visitors per distinct score, exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.quantities import (
    CONFIDENCE,
    UNDEFINED,
    Estimate,
    Floats,
    linear_estimate,
    sums_by,
    two_sided_p,
)

TOP_SHARE = 0.10


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve.

    Args:
        area: The chance that a converter scores above another visitor, ties half.
        standard_error: DeLong's; NaN with fewer than two of either.
    """

    area: Estimate
    standard_error: float


@dataclass(frozen=True)
class AucDifference:
    """Two scores of the same visitors.

    Args:
        first: Of the first score.
        second: Of the second.
        difference: First less second, paired DeLong interval.
        p_value: Two-sided.
    """

    first: Auc
    second: Auc
    difference: Estimate
    p_value: float


@dataclass(frozen=True)
class TopOfList:
    """The highest-scoring visitors; a tie across the edge counts in proportion.

    Args:
        share: Share of visitors taken.
        lift: Their conversion rate over that of all.
        capture: Share of all converters among them.
    """

    share: float
    lift: float
    capture: float


def auc(
    score: npt.ArrayLike,
    converted: npt.ArrayLike,
    others: npt.ArrayLike,
    confidence: float = CONFIDENCE,
) -> Auc:
    """The AUC of grouped scores.

    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837.

    Args:
        score: One per row; rows may share one.
        converted: Converted visitors per row.
        others: Other visitors per row.
    """
    hits, misses = _counts(converted, others)
    placement = _Placement.of(np.asarray(score, dtype=np.float64), hits, misses)
    return placement.auc(hits, misses, confidence)


def compare_auc(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    converted: npt.ArrayLike,
    others: npt.ArrayLike,
    confidence: float = CONFIDENCE,
) -> AucDifference:
    """Two scores of the same rows, with DeLong's paired test."""
    hits, misses = _counts(converted, others)
    one = _Placement.of(np.asarray(first, dtype=np.float64), hits, misses)
    two = _Placement.of(np.asarray(second, dtype=np.float64), hits, misses)
    between = _Placement(one.of_hits - two.of_hits, one.of_misses - two.of_misses)
    auc_one, auc_two = one.auc(hits, misses, confidence), two.auc(hits, misses, confidence)
    gap = auc_one.area.value - auc_two.area.value
    error = between.standard_error(hits, misses)
    if error == 0:
        # The same order by both scores: equal, and surely so.
        return AucDifference(auc_one, auc_two, Estimate(gap, gap, gap), 1.0)
    return AucDifference(
        auc_one, auc_two, linear_estimate(gap, error, confidence), two_sided_p(gap / error)
    )


def average_precision(
    score: npt.ArrayLike, converted: npt.ArrayLike, others: npt.ArrayLike
) -> float:
    """Sum of (recall gained) · precision over distinct scores from the top; NaN without both."""
    hits, misses = _from_the_top(score, converted, others)
    if hits.sum() == 0:
        return math.nan
    found, taken = np.cumsum(hits), np.cumsum(hits + misses)
    return float(np.sum(hits / hits.sum() * found / taken))


def top_of_list(
    score: npt.ArrayLike,
    converted: npt.ArrayLike,
    others: npt.ArrayLike,
    share: float = TOP_SHARE,
) -> TopOfList:
    """Lift and capture of the best `share` of visitors."""
    hits, misses = _from_the_top(score, converted, others)
    total, all_hits = float(np.sum(hits + misses)), float(hits.sum())
    if total == 0 or all_hits == 0:
        return TopOfList(share, math.nan, math.nan)
    taken = np.concatenate([[0.0], np.cumsum(hits + misses)])
    found = np.concatenate([[0.0], np.cumsum(hits)])
    capture = float(np.interp(share * total, taken, found)) / all_hits
    return TopOfList(share, capture / share, capture)


@dataclass(frozen=True)
class _Placement:
    """Share of the other kind that a visitor of this row beats, per row."""

    of_hits: Floats
    of_misses: Floats

    @classmethod
    def of(cls, score: Floats, hits: Floats, misses: Floats) -> _Placement:
        distinct, place = np.unique(score, return_inverse=True)
        at_hits = sums_by(place, hits, len(distinct))
        at_misses = sums_by(place, misses, len(distinct))
        with np.errstate(divide="ignore", invalid="ignore"):
            beaten = (np.cumsum(at_misses) - at_misses / 2) / misses.sum()
            beating = 1 - (np.cumsum(at_hits) - at_hits / 2) / hits.sum()
        return cls(beaten[place], beating[place])

    def auc(self, hits: Floats, misses: Floats, confidence: float) -> Auc:
        if hits.sum() == 0 or misses.sum() == 0:
            return Auc(UNDEFINED, math.nan)
        area = float(hits @ self.of_hits) / float(hits.sum())
        error = self.standard_error(hits, misses)
        on_line = linear_estimate(area, error, confidence)
        inside = Estimate(area, max(on_line.low, 0.0), min(on_line.high, 1.0))
        return Auc(on_line if math.isnan(error) else inside, error)

    def standard_error(self, hits: Floats, misses: Floats) -> float:
        if hits.sum() < 2 or misses.sum() < 2:
            return math.nan
        variance = _variance_of_mean(self.of_hits, hits)
        variance += _variance_of_mean(self.of_misses, misses)
        return math.sqrt(variance)


def _variance_of_mean(values: Floats, counts: Floats) -> float:
    total = float(counts.sum())
    mean = float(counts @ values) / total
    return float(counts @ (values - mean) ** 2) / (total - 1) / total


def _counts(converted: npt.ArrayLike, others: npt.ArrayLike) -> tuple[Floats, Floats]:
    return np.asarray(converted, dtype=np.float64), np.asarray(others, dtype=np.float64)


def _from_the_top(
    score: npt.ArrayLike, converted: npt.ArrayLike, others: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Counts per distinct score, best first; scores of nobody are left out."""
    hits, misses = _counts(converted, others)
    distinct, place = np.unique(np.asarray(score, dtype=np.float64), return_inverse=True)
    at_hits = sums_by(place, hits, len(distinct))[::-1]
    at_misses = sums_by(place, misses, len(distinct))[::-1]
    kept = at_hits + at_misses > 0
    return at_hits[kept], at_misses[kept]
