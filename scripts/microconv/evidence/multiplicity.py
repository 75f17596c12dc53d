"""Many questions at once, and hidden reasons: false discovery rate, E-value, trend over doses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.proportions import wilson
from microconv.evidence.quantities import Estimate, Floats, two_sided_p


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """The q-value of each p-value of one family; NaN stays NaN and is not counted.

    Source: Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57:289.
    """
    p = np.asarray(p_values, dtype=np.float64)
    q = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    if not len(known):
        return q
    order = known[np.argsort(p[known], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


@dataclass(frozen=True)
class EValue:
    """How strong a hidden factor would have to be, as a risk ratio with both micro and macro.

    Args:
        point: To explain away the estimate.
        limit: To move the interval to 1; 1 if it covers 1 already, NaN without an interval.
    """

    point: float
    limit: float


def e_value(risk_ratio: Estimate) -> EValue:
    """The E-value of a risk ratio, or of an odds ratio of a rare outcome.

    Source: VanderWeele and Ding 2017, Annals of Internal Medicine 167:268.
    """
    nearest = risk_ratio.low if risk_ratio.value >= 1 else risk_ratio.high
    limit = 1.0 if risk_ratio.has_interval else math.nan
    if risk_ratio.excludes(1.0):
        limit = _bound(nearest)
    return EValue(_bound(risk_ratio.value), limit)


def _bound(ratio: float) -> float:
    if math.isnan(ratio):
        return math.nan
    above = math.inf if ratio == 0 else max(ratio, 1 / ratio)
    return math.inf if above == math.inf else above + math.sqrt(above * (above - 1))


@dataclass(frozen=True)
class Trend:
    """Cochran-Armitage: does the rate rise in a straight line with the dose?

    Args:
        z: Standard normal if it does not; positive if it rises.
        p_value: Two-sided.
    """

    z: float
    p_value: float


@dataclass(frozen=True)
class Dose:
    """One row of a dose table.

    Args:
        label: Such as "0", "1", "2", "3+".
        visitors: How many had this dose.
        converted: How many of them converted.
        rate: With its Wilson interval.
    """

    label: str
    visitors: float
    converted: float
    rate: Estimate


@dataclass(frozen=True)
class DoseTable:
    """Doses that were declared before looking, and the trend over them."""

    doses: tuple[Dose, ...]
    trend: Trend


def dose_table(
    labels: Sequence[str],
    scores: npt.ArrayLike,
    visitors: npt.ArrayLike,
    converted: npt.ArrayLike,
) -> DoseTable:
    """Rate per declared dose. Never choose a threshold from it: the best one is chance's winner.

    Args:
        labels: One per dose, ascending.
        scores: The dose as a number, for the trend.
        visitors: Visitors per dose, with follow-up.
        converted: Those of them that converted afterwards.
    """
    n = np.asarray(visitors, dtype=np.float64)
    x = np.asarray(converted, dtype=np.float64)
    doses = tuple(
        Dose(label, float(trials), float(successes), wilson(float(successes), float(trials)))
        for label, trials, successes in zip(labels, n, x, strict=True)
    )
    return DoseTable(doses, cochran_armitage(scores, n, x))


def cochran_armitage(
    scores: npt.ArrayLike, trials: npt.ArrayLike, successes: npt.ArrayLike
) -> Trend:
    """The trend test; z² is the M² of Agresti times N / (N - 1).

    Sources: Cochran 1954, Biometrics 10:417; Armitage 1955, Biometrics 11:375.
    """
    s, n, x = (np.asarray(one, dtype=np.float64) for one in (scores, trials, successes))
    total = float(n.sum())
    if total == 0:
        return Trend(math.nan, math.nan)
    p = float(x.sum()) / total
    spread = float(n @ s**2 - (n @ s) ** 2 / total)
    variance = p * (1 - p) * spread
    if not variance > 0:
        return Trend(math.nan, math.nan)
    z = float(s @ (x - n * p)) / math.sqrt(variance)
    return Trend(z, two_sided_p(z))
