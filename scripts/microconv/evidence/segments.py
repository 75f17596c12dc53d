"""Does a micro-conversion mean the same in every segment, and is the crude number a trap? (M6)"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from microconv.evidence.quantities import (
    Estimate,
    Floats,
    Ints,
    chi_squared_p,
)
from microconv.evidence.stratified import MantelHaenszel, Tables, mantel_haenszel

CONFOUNDED_LOG_DIFFERENCE = 0.2
"""A crude and an adjusted odds ratio this far apart on the log scale are two different numbers."""


@dataclass(frozen=True)
class Homogeneity:
    """A test that the odds ratio is the same everywhere.

    Args:
        chi_squared: The statistic.
        degrees_of_freedom: Groups that can be compared, less one.
        p_value: NaN with fewer than two such groups.
    """

    chi_squared: float
    degrees_of_freedom: int
    p_value: float


@dataclass(frozen=True)
class SegmentProfile:
    """One dimension's answer.

    Args:
        by_segment: Odds ratio and the rest per segment, adjusted for the strata inside it; in the
            order of the segment codes.
        pooled: Over all strata.
        crude: The odds ratio of the one table that ignores segments and strata.
        homogeneity: Woolf's test over the adjusted odds ratios of the segments.
        breslow_day: Breslow-Day with Tarone's correction over one table per segment; right where
            the segments are the only strata, else confounded by the strata inside them.
    """

    by_segment: tuple[MantelHaenszel, ...]
    pooled: MantelHaenszel
    crude: Estimate
    homogeneity: Homogeneity
    breslow_day: Homogeneity

    @property
    def is_simpson(self) -> bool:
        """Whether the crude number points the other way than the adjusted one, which is sure."""
        adjusted = self.pooled.odds_ratio
        return adjusted.excludes(1.0) and (self.crude.value - 1) * (adjusted.value - 1) < 0

    @property
    def is_confounded(self) -> bool:
        """Whether crude and adjusted differ by more than `CONFOUNDED_LOG_DIFFERENCE`."""
        crude, adjusted = self.crude.value, self.pooled.odds_ratio.value
        if not (0 < crude < math.inf and 0 < adjusted < math.inf):
            return False
        return abs(math.log(crude / adjusted)) > CONFOUNDED_LOG_DIFFERENCE

    @property
    def heterogeneity_p(self) -> float:
        """The p-value for the family "differs between segments" of a Benjamini-Hochberg control.

        Breslow-Day where every segment is one stratum, Woolf's test of the adjusted odds ratios
        where strata lie inside segments: adding strata up would compare confounded tables.
        """
        is_single = self.pooled.informative_strata == sum(
            one.informative_strata > 0 for one in self.by_segment
        )
        return (self.breslow_day if is_single else self.homogeneity).p_value


def profile_segments(tables: Tables, segment: Ints) -> SegmentProfile:
    """Compare the segments of one dimension.

    Args:
        tables: One table per stratum.
        segment: The stratum's segment as a code 0, 1, …, one per stratum.
    """
    count = int(segment.max()) + 1 if len(segment) else 0
    by_segment = tuple(mantel_haenszel(tables.where(segment == code)) for code in range(count))
    return SegmentProfile(
        by_segment=by_segment,
        pooled=mantel_haenszel(tables),
        crude=mantel_haenszel(tables.pooled()).odds_ratio,
        homogeneity=woolf_homogeneity(by_segment),
        breslow_day=breslow_day(tables.grouped(segment)),
    )


def woolf_homogeneity(estimates: Sequence[MantelHaenszel]) -> Homogeneity:
    """Weighted squares of log odds ratios around their mean (Woolf 1955; Cochran's Q)."""
    kept = [
        (math.log(one.odds_ratio.value), one.log_standard_error**-2)
        for one in estimates
        if one.log_standard_error > 0
    ]
    if len(kept) < 2:
        return Homogeneity(math.nan, 0, math.nan)
    logs, weights = np.array(kept).T
    mean = float(weights @ logs / weights.sum())
    statistic = float(weights @ (logs - mean) ** 2)
    freedom = len(kept) - 1
    return Homogeneity(statistic, freedom, chi_squared_p(statistic, freedom))


def breslow_day(tables: Tables, is_tarone: bool = True) -> Homogeneity:
    """The Breslow-Day test for few large tables, with Tarone's correction unless told otherwise.

    Sources: Breslow and Day 1980, section 4.4; Tarone 1985, Biometrika 72:91.
    """
    converted = tables.exposed_converted + tables.others_converted
    informative = (tables.exposed > 0) & (tables.others > 0)
    informative &= (converted > 0) & (converted < tables.size)
    kept = tables.where(informative)
    odds_ratio = mantel_haenszel(kept).odds_ratio.value
    freedom = len(kept.exposed) - 1
    if freedom < 1 or not 0 < odds_ratio < math.inf:
        return Homogeneity(math.nan, max(freedom, 0), math.nan)
    expected = _expected_exposed_converted(kept, odds_ratio)
    converted = converted[informative]
    variance = 1 / (
        1 / expected
        + 1 / (kept.exposed - expected)
        + 1 / (converted - expected)
        + 1 / (kept.others - converted + expected)
    )
    surplus = kept.exposed_converted - expected
    statistic = float(np.sum(surplus**2 / variance))
    if is_tarone:
        statistic -= float(surplus.sum() ** 2 / variance.sum())
    return Homogeneity(statistic, freedom, chi_squared_p(statistic, freedom))


def _expected_exposed_converted(tables: Tables, odds_ratio: float) -> Floats:
    """The count a of each table whose margins stay and whose odds ratio is the common one.

    Root of (1 - psi) a² + (n0 - m + psi (n1 + m)) a - psi n1 m = 0 that lies inside the margins.
    """
    converted = tables.exposed_converted + tables.others_converted
    square = 1 - odds_ratio
    linear = tables.others - converted + odds_ratio * (tables.exposed + converted)
    constant = odds_ratio * tables.exposed * converted
    # This form of the root does not cancel, and holds at an odds ratio of 1 too.
    root: Floats = 2 * constant / (linear + np.sqrt(linear**2 + 4 * square * constant))
    return root


def strongest_factor(
    factors: Mapping[str, Tables], least_conversions: int = 10
) -> tuple[str, float] | None:
    """The yardstick for an E-value: the measured factor that goes with buying most strongly.

    Args:
        factors: For each value of a segment variable ("device mobile") the tables of units with it
            (exposed) against all others, one per stratum of the remaining variables.
        least_conversions: Values with fewer conversions on either side are passed over.

    Returns:
        Name and strength, the Mantel-Haenszel odds ratio or its inverse, whichever is above 1;
        None if nothing was measured often enough.
    """
    best: tuple[str, float] | None = None
    for name, tables in factors.items():
        if min(tables.exposed_converted.sum(), tables.others_converted.sum()) < least_conversions:
            continue
        value = mantel_haenszel(tables).odds_ratio.value
        if not 0 < value < math.inf:
            continue
        strength = max(value, 1 / value)
        if best is None or strength > best[1]:
            best = (name, strength)
    return best
