"""Does a predicted probability mean what it says? (M15)

Hosmer-Lemeshow is not here: it depends on the grouping and finds fault with every large sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.logistic import GroupedRows, SingularDesignError, fit_logistic
from microconv.evidence.proportions import wilson
from microconv.evidence.quantities import (
    UNDEFINED,
    Estimate,
    Floats,
    linear_estimate,
    two_sided_p,
)

BANDS = 10


@dataclass(frozen=True)
class Band:
    """Visitors whose scores lie together.

    Args:
        low_score: Smallest score in the band.
        high_score: Largest score in the band.
        visitors: How many.
        converted: Those of them that converted within the horizon.
        rate: The probability that is shown beside the points, Wilson interval.
        mean_predicted: Mean predicted probability; NaN without predictions.
    """

    low_score: float
    high_score: float
    visitors: float
    converted: float
    rate: Estimate
    mean_predicted: float


@dataclass(frozen=True)
class Calibration:
    """Measures of predicted probabilities.

    Args:
        slope: Of the outcome on the predicted log odds; 1 is perfect, below 1 overconfident.
        intercept: Of the same regression; 0 is perfect.
        brier: Mean squared distance of outcome and probability.
        brier_skill: 1 - brier / that of the base rate; 0 is no better than the base rate.
        spiegelhalter_z: Standard normal if the probabilities are right.
        spiegelhalter_p: Two-sided.
    """

    slope: Estimate
    intercept: Estimate
    brier: float
    brier_skill: float
    spiegelhalter_z: float
    spiegelhalter_p: float


def calibrate(
    probability: npt.ArrayLike, n: npt.ArrayLike, converted: npt.ArrayLike
) -> Calibration:
    """Compare predicted probabilities with what happened.

    Sources: Cox 1958, Biometrika 45:562; Brier 1950; Spiegelhalter 1986, Statistics in Medicine
    5:421.

    Args:
        probability: Per row, in 0..1.
        n: Visitors per row.
        converted: Those of them that converted.
    """
    p, size, hits = (np.asarray(one, dtype=np.float64) for one in (probability, n, converted))
    score = brier(p, size, hits)
    base = brier(np.full_like(p, hits.sum() / size.sum()), size, hits)
    z = spiegelhalter_z(p, size, hits)
    slope, intercept = _recalibration(p, size, hits)
    return Calibration(
        slope, intercept, score, 1 - score / base if base else math.nan, z, two_sided_p(z)
    )


def brier(probability: npt.ArrayLike, n: npt.ArrayLike, converted: npt.ArrayLike) -> float:
    """Sum of y (1 - p)² + (n - y) p² over sum of n."""
    p, size, hits = (np.asarray(one, dtype=np.float64) for one in (probability, n, converted))
    return float(hits @ (1 - p) ** 2 + (size - hits) @ p**2) / float(size.sum())


def spiegelhalter_z(probability: Floats, n: Floats, converted: Floats) -> float:
    """sum (y - n p)(1 - 2p) / sqrt(sum n (1 - 2p)² p (1 - p))."""
    tilt = 1 - 2 * probability
    variance = float(n @ (tilt**2 * probability * (1 - probability)))
    if not variance > 0:
        return math.nan
    return float((converted - n * probability) @ tilt) / math.sqrt(variance)


def log_loss(probability: npt.ArrayLike, n: npt.ArrayLike, converted: npt.ArrayLike) -> float:
    """Mean of -log of the probability of what happened."""
    p, size, hits = (np.asarray(one, dtype=np.float64) for one in (probability, n, converted))
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return -float(hits @ np.log(p) + (size - hits) @ np.log(1 - p)) / float(size.sum())


def score_bands(
    score: npt.ArrayLike,
    n: npt.ArrayLike,
    converted: npt.ArrayLike,
    probability: npt.ArrayLike | None = None,
    bands: int = BANDS,
) -> tuple[Band, ...]:
    """Bands of about equally many visitors, lowest scores first; equal scores stay together.

    Returns:
        At most `bands` bands, fewer where many visitors share a score.
    """
    s, size, hits = (np.asarray(one, dtype=np.float64) for one in (score, n, converted))
    p = np.full_like(s, np.nan) if probability is None else np.asarray(probability, dtype=float)
    distinct, place = np.unique(s, return_inverse=True)
    at = np.bincount(place, size, minlength=len(distinct))
    before = np.cumsum(at) - at
    # A score belongs to the band in which the middle of its visitors lies.
    band = np.minimum(((before + at / 2) / size.sum() * bands).astype(np.int64), bands - 1)[place]
    found = []
    for one in np.unique(band[size > 0]):
        inside = (band == one) & (size > 0)
        visitors, converts = float(size[inside].sum()), float(hits[inside].sum())
        found.append(
            Band(
                low_score=float(s[inside].min()),
                high_score=float(s[inside].max()),
                visitors=visitors,
                converted=converts,
                rate=wilson(converts, visitors),
                mean_predicted=float(size[inside] @ p[inside]) / visitors,
            )
        )
    return tuple(found)


def _recalibration(p: Floats, n: Floats, converted: Floats) -> tuple[Estimate, Estimate]:
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    log_odds = np.log(clipped / (1 - clipped))
    design = np.column_stack([np.ones_like(log_odds), log_odds])
    if log_odds.max(initial=-np.inf) - log_odds.min(initial=np.inf) < 1e-9:
        return UNDEFINED, UNDEFINED
    try:
        fit = fit_logistic(GroupedRows(design, n, converted), is_firth=False)
    except SingularDesignError:
        return UNDEFINED, UNDEFINED
    if not fit.has_converged:
        return UNDEFINED, UNDEFINED
    errors = fit.standard_errors
    return (
        linear_estimate(float(fit.coefficients[1]), float(errors[1])),
        linear_estimate(float(fit.coefficients[0]), float(errors[0])),
    )
