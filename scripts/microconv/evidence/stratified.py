"""2 × 2 tables in many strata: Mantel-Haenszel odds ratio, risk ratio and risk difference (M2).

Each step of the visit is its own outcome, so nobody's future is needed and censoring cannot bias
the odds ratio; with 1-3 % risk per step it is close to a ratio of rates and of hazards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.quantities import (
    CONFIDENCE,
    Bools,
    Estimate,
    Floats,
    Ints,
    chi_squared_p,
    linear_estimate,
    log_estimate,
    ratio,
    sums_by,
)


@dataclass(frozen=True)
class Tables:
    """One 2 × 2 table per stratum, as four arrays of the same length.

    Args:
        exposed: Units that had done the micro-conversion.
        exposed_converted: Those of them that converted.
        others: Units that had not done it.
        others_converted: Those of them that converted.
    """

    exposed: Floats
    exposed_converted: Floats
    others: Floats
    others_converted: Floats

    @classmethod
    def from_counts(
        cls,
        exposed: npt.ArrayLike,
        exposed_converted: npt.ArrayLike,
        others: npt.ArrayLike,
        others_converted: npt.ArrayLike,
    ) -> Tables:
        """Tables of any columns of counts, a row per stratum."""
        columns = (exposed, exposed_converted, others, others_converted)
        return cls(*(np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in columns))

    @classmethod
    def from_rows(
        cls, stratum: Ints, is_exposed: Bools, n: npt.ArrayLike, converted: npt.ArrayLike
    ) -> Tables:
        """Tables of long rows: stratum code from 0, whether exposed, units, converted units."""
        count = int(stratum.max()) + 1 if len(stratum) else 0
        n_array, y_array = np.asarray(n, dtype=np.float64), np.asarray(converted, dtype=np.float64)
        return cls(
            sums_by(stratum, n_array * is_exposed, count),
            sums_by(stratum, y_array * is_exposed, count),
            sums_by(stratum, n_array * ~is_exposed, count),
            sums_by(stratum, y_array * ~is_exposed, count),
        )

    @property
    def size(self) -> Floats:
        """Units per stratum."""
        return self.exposed + self.others

    def where(self, mask: Bools) -> Tables:
        """The strata for which `mask` holds."""
        return Tables(
            self.exposed[mask],
            self.exposed_converted[mask],
            self.others[mask],
            self.others_converted[mask],
        )

    def grouped(self, group: Ints) -> Tables:
        """Strata added up by a code 0, 1, … per stratum."""
        count = int(group.max()) + 1 if len(group) else 0
        return Tables(
            sums_by(group, self.exposed, count),
            sums_by(group, self.exposed_converted, count),
            sums_by(group, self.others, count),
            sums_by(group, self.others_converted, count),
        )

    def pooled(self) -> Tables:
        """The crude table: all strata added up."""
        return self.grouped(np.zeros(len(self.exposed), dtype=np.int64))


@dataclass(frozen=True)
class MantelHaenszel:
    """What strata say together.

    Args:
        odds_ratio: Mantel-Haenszel, Robins-Breslow-Greenland interval.
        log_standard_error: Of the log odds ratio.
        risk_ratio: Mantel-Haenszel, Greenland-Robins interval.
        risk_difference: Mantel-Haenszel, Sato interval.
        chi_squared: Cochran-Mantel-Haenszel, 1 degree of freedom, no continuity correction.
        p_value: Of `chi_squared`.
        z: Signed root of `chi_squared`.
        informative_strata: Strata that hold both arms and both outcomes.
    """

    odds_ratio: Estimate
    log_standard_error: float
    risk_ratio: Estimate
    risk_difference: Estimate
    chi_squared: float
    p_value: float
    z: float
    informative_strata: int


def mantel_haenszel(tables: Tables, confidence: float = CONFIDENCE) -> MantelHaenszel:
    """Odds ratio, risk ratio, risk difference and test over all strata that hold both arms.

    Sources: Mantel and Haenszel 1959; Robins, Breslow and Greenland 1986, Biometrics 42:311;
    Greenland and Robins 1985, Biometrics 41:55; Sato 1989, Biometrics 45:1323.
    """
    both = tables.where((tables.exposed > 0) & (tables.others > 0))
    odds_ratio, error = _odds_ratio(both, confidence)
    chi_squared, z = _cochran_mantel_haenszel(both)
    converted = both.exposed_converted + both.others_converted
    return MantelHaenszel(
        odds_ratio=odds_ratio,
        log_standard_error=error,
        risk_ratio=_risk_ratio(both, confidence),
        risk_difference=_risk_difference(both, confidence),
        chi_squared=chi_squared,
        p_value=chi_squared_p(chi_squared, 1),
        z=z,
        informative_strata=int(np.sum((converted > 0) & (converted < both.size))),
    )


def cochran_mantel_haenszel(
    tables: Tables, is_continuity_corrected: bool = False
) -> tuple[float, float]:
    """The test of no association in any stratum: chi squared (1 df) and its p-value."""
    chi_squared, _ = _cochran_mantel_haenszel(tables, is_continuity_corrected)
    return chi_squared, chi_squared_p(chi_squared, 1)


def _cochran_mantel_haenszel(
    tables: Tables, is_continuity_corrected: bool = False
) -> tuple[float, float]:
    kept = tables.where((tables.exposed > 0) & (tables.others > 0))
    n, converted = kept.size, kept.exposed_converted + kept.others_converted
    surplus = float(np.sum(kept.exposed_converted - kept.exposed * converted / n))
    variance = float(
        np.sum(kept.exposed * kept.others * converted * (n - converted) / (n**2 * (n - 1)))
    )
    if not variance > 0:
        return math.nan, math.nan
    distance = abs(surplus) - (0.5 if is_continuity_corrected else 0.0)
    chi_squared = max(distance, 0.0) ** 2 / variance
    return chi_squared, math.copysign(math.sqrt(chi_squared), surplus)


def _odds_ratio(tables: Tables, confidence: float) -> tuple[Estimate, float]:
    a, c = tables.exposed_converted, tables.others_converted
    b, d, n = tables.exposed - a, tables.others - c, tables.size
    r, s = a * d / n, b * c / n
    total_r, total_s = float(r.sum()), float(s.sum())
    value = ratio(total_r, total_s)
    if total_r == 0 or total_s == 0:
        return Estimate(value, math.nan, math.nan), math.nan
    p, q = (a + d) / n, (b + c) / n
    variance = float(
        np.sum(p * r) / (2 * total_r**2)
        + np.sum(p * s + q * r) / (2 * total_r * total_s)
        + np.sum(q * s) / (2 * total_s**2)
    )
    error = math.sqrt(variance)
    return log_estimate(math.log(value), error, confidence), error


def _risk_ratio(tables: Tables, confidence: float) -> Estimate:
    a, c, n1, n0 = _cells(tables)
    n, converted = tables.size, a + c
    r, s = float(np.sum(a * n0 / n)), float(np.sum(c * n1 / n))
    value = ratio(r, s)
    if r == 0 or s == 0:
        return Estimate(value, math.nan, math.nan)
    variance = float(np.sum((n1 * n0 * converted - a * c * n) / n**2)) / (r * s)
    return log_estimate(math.log(value), math.sqrt(variance), confidence)


def _risk_difference(tables: Tables, confidence: float) -> Estimate:
    a, c, n1, n0 = _cells(tables)
    n = tables.size
    weight = float(np.sum(n1 * n0 / n))
    if weight == 0:
        return Estimate(math.nan, math.nan, math.nan)
    value = float(np.sum((a * n0 - c * n1) / n)) / weight
    # Sato's variance holds with few large and with many small strata.
    p = (n1**2 * c - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (a * (n0 - c) + c * (n1 - a)) / (2 * n)
    variance = max(float(value * np.sum(p) + np.sum(q)), 0.0) / weight**2
    return linear_estimate(value, math.sqrt(variance), confidence)


def _cells(tables: Tables) -> tuple[Floats, Floats, Floats, Floats]:
    return (
        tables.exposed_converted,
        tables.others_converted,
        tables.exposed,
        tables.others,
    )
