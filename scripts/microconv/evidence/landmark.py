"""How reliably a micro-conversion announces the macro (M8)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.proportions import wilson
from microconv.evidence.quantities import Estimate, Floats

LEAST_LANDMARK_COVERAGE = 0.5
"""With fewer macros after the landmark, phi, AUC and information value tell of late ones only."""

_SMOOTHING = 0.5
# Amplitude's words for |phi|. They depend on how common both are, so they never rank anything.
_AMPLITUDE_LABELS = ((0.4, "highly predictive"), (0.3, "moderately"), (0.2, "slightly"))


@dataclass(frozen=True)
class Landmark:
    """Visitors unconverted at t0 + L and observed to t0 + L + H, by exposure before the landmark.

    Args:
        exposed_converted: Did it before the landmark, converted after it.
        exposed_others: Did it, did not convert.
        other_converted: Did not do it, converted.
        other_others: Neither.
        first_macros: First macro-conversions in all, before or after the landmark.
    """

    exposed_converted: float
    exposed_others: float
    other_converted: float
    other_others: float
    first_macros: float


@dataclass(frozen=True)
class Reliability:
    """Measures of one landmark table; rates in 0..1 with Wilson intervals.

    Args:
        npv: Share of visitors without it that do not convert.
        specificity: Share of non-converting visitors that did not do it.
        sensitivity: Share of converting visitors that did it before the landmark.
        phi: Matthews correlation, -1..1.
        auc: (sensitivity + specificity) / 2.
        information_value: Sum of (share of converters - share of others) · WoE.
        weight_of_evidence: WoE of having done it, and of not having done it.
        coverage: Share of first macros that fall after the landmark.
        is_late_only: Whether that share is under `LEAST_LANDMARK_COVERAGE`.
        amplitude_label: What Amplitude calls this phi; for comparison, never for ranking.
    """

    npv: Estimate
    specificity: Estimate
    sensitivity: Estimate
    phi: float
    auc: float
    information_value: float
    weight_of_evidence: tuple[float, float]
    coverage: float
    is_late_only: bool
    amplitude_label: str


def precision(converted_after: float, first_micros: float) -> Estimate:
    """Share of first micro-conversions with follow-up that a macro follows within the horizon."""
    return wilson(converted_after, first_micros)


def recall(macros_preceded: float, first_macros: float) -> Estimate:
    """Share of first macros that the micro-conversion came before."""
    return wilson(macros_preceded, first_macros)


def reliability(landmark: Landmark) -> Reliability:
    """All measures of a landmark table."""
    a, b = landmark.exposed_converted, landmark.exposed_others
    c, d = landmark.other_converted, landmark.other_others
    sensitivity, specificity = wilson(a, a + c), wilson(d, b + d)
    weights, value = information_value([a, c], [b, d])
    coverage = (a + c) / landmark.first_macros if landmark.first_macros else math.nan
    correlation = phi(a, b, c, d)
    return Reliability(
        npv=wilson(d, c + d),
        specificity=specificity,
        sensitivity=sensitivity,
        phi=correlation,
        auc=(sensitivity.value + specificity.value) / 2,
        information_value=value,
        weight_of_evidence=(float(weights[0]), float(weights[1])),
        coverage=coverage,
        is_late_only=coverage < LEAST_LANDMARK_COVERAGE,
        amplitude_label=amplitude_label(correlation),
    )


def phi(a: float, b: float, c: float, d: float) -> float:
    """(ad - bc) / sqrt(product of the margins); NaN where a margin is 0."""
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    return (a * d - b * c) / math.sqrt(margins) if margins > 0 else math.nan


def information_value(
    converted: npt.ArrayLike, others: npt.ArrayLike, smoothing: float = _SMOOTHING
) -> tuple[Floats, float]:
    """Weight of evidence of each level, and the information value over all levels.

    Source: Kullback's symmetric divergence; Siddiqi 2006, Credit Risk Scorecards.

    Args:
        converted: Converting visitors per level.
        others: Other visitors per level.
        smoothing: Added to each count, so that an empty level has a finite weight.

    Returns:
        ln(share of converters / share of others) per level, and sum of (difference · weight).
    """
    good = np.asarray(converted, dtype=np.float64) + smoothing
    bad = np.asarray(others, dtype=np.float64) + smoothing
    good, bad = good / good.sum(), bad / bad.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        weights: Floats = np.log(good / bad)
    return weights, float((good - bad) @ weights)


def amplitude_label(correlation: float) -> str:
    """Amplitude's word for a phi; empty below its smallest threshold."""
    for threshold, label in _AMPLITUDE_LABELS:
        if abs(correlation) >= threshold:
            return label
    return ""
