"""The headline: what comparable visitors at the same point of the visit do later (M1, M11).

The treated are decision points on which a micro-conversion is done for the first time; the controls
are decision points of the same stratum on which it is not done yet (they may do it later, so the
comparison is like intention to treat). Only for what happens on a page: an off-session event such
as a push message must use `stratified.mantel_haenszel` instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.jackknife import jackknife_estimate, jackknife_ratio
from microconv.evidence.quantities import CONFIDENCE, Bools, Estimate, Floats, Ints, sums_by

LEAST_OVERLAP = 0.8
"""Below this share of treated with a control in their stratum, the comparison is of a part."""


@dataclass(frozen=True)
class Trials:
    """Counts of one micro-conversion, a row per stratum, bucket and arm; all arrays alike long.

    Args:
        stratum: Code of the stratum.
        bucket: Hash bucket of the visitor, from 0.
        is_treated: True for the arm that does it on this step.
        n: Decision points with complete follow-up, still unconverted at the end of the step.
        converted: Those that convert between the end of the step and the horizon.
        revenue: Sum of revenue in that time, in the currency of the report.
    """

    stratum: Ints
    bucket: Ints
    is_treated: Bools
    n: Floats
    converted: Floats
    revenue: Floats

    @classmethod
    def from_columns(
        cls,
        stratum: npt.ArrayLike,
        bucket: npt.ArrayLike,
        is_treated: npt.ArrayLike,
        n: npt.ArrayLike,
        converted: npt.ArrayLike,
        revenue: npt.ArrayLike | None = None,
    ) -> Trials:
        """Trials of any columns; without revenue it counts as 0."""
        size = np.asarray(n, dtype=np.float64)
        return cls(
            np.asarray(stratum, dtype=np.int64),
            np.asarray(bucket, dtype=np.int64),
            np.asarray(is_treated, dtype=np.bool_),
            size,
            np.asarray(converted, dtype=np.float64),
            np.zeros_like(size) if revenue is None else np.asarray(revenue, dtype=np.float64),
        )

    def where(self, mask: Bools) -> Trials:
        """The rows for which `mask` holds, such as those of one segment or of the last third."""
        return Trials(
            self.stratum[mask],
            self.bucket[mask],
            self.is_treated[mask],
            self.n[mask],
            self.converted[mask],
            self.revenue[mask],
        )


@dataclass(frozen=True)
class MatchedLift:
    """Treated against comparable controls.

    Args:
        treated_rate: Share of treated that convert within the horizon, in 0..1.
        control_rate: The same of controls, weighted like the treated over strata.
        lift: Ratio of the two.
        difference: Difference of the two, in 0..1.
        treated_count: Treated decision points in strata that hold controls.
        treated_converted: Those of them that convert.
        control_count: Controls in these strata.
        overlap: Share of all treated that these strata hold; NaN without any.
    """

    treated_rate: float
    control_rate: float
    lift: Estimate
    difference: Estimate
    treated_count: float
    treated_converted: float
    control_count: float
    overlap: float


@dataclass(frozen=True)
class MatchedValue:
    """Revenue after a micro-conversion, in currency per first micro-conversion.

    Args:
        treated_value: Mean revenue of treated within the horizon.
        control_value: The same of comparable controls.
        incremental: Difference of the two.
    """

    treated_value: float
    control_value: float
    incremental: Estimate


def matched_lift(trials: Trials, confidence: float = CONFIDENCE) -> MatchedLift:
    """The lift of the treated over controls of the same stratum, with a jackknife interval.

    Strata are those that hold both arms; controls are standardised to the treated (ATT), and the
    interval is exp(log ± t(G - 1) · se) over the G buckets that hold anything.
    """
    cells = _Cells.of(trials, trials.converted)
    treated, control = cells.levels()
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(treated / control)
    differences = treated - control
    used = cells.used[:, 0]
    n1, n0 = cells.treated_n[:, 0], cells.control_n[:, 0]
    total = float(n1.sum())
    return MatchedLift(
        treated_rate=float(treated[0]),
        control_rate=float(control[0]),
        lift=jackknife_ratio(float(logs[0]), logs[1:], confidence),
        difference=jackknife_estimate(float(differences[0]), differences[1:], confidence),
        treated_count=float(n1[used].sum()),
        treated_converted=float(cells.treated_sum[used, 0].sum()),
        control_count=float(n0[used].sum()),
        overlap=float(n1[used].sum()) / total if total else math.nan,
    )


def matched_value(trials: Trials, confidence: float = CONFIDENCE) -> MatchedValue:
    """Revenue of the treated less that of comparable controls, with a jackknife interval."""
    treated, control = _Cells.of(trials, trials.revenue).levels()
    gained = treated - control
    return MatchedValue(
        treated_value=float(treated[0]),
        control_value=float(control[0]),
        incremental=jackknife_estimate(float(gained[0]), gained[1:], confidence),
    )


def matched_lift_by_segment(
    trials: Trials, segment: Ints, confidence: float = CONFIDENCE
) -> dict[int, MatchedLift]:
    """The lift inside each segment; strata must not reach across segments.

    Args:
        segment: Code of the segment, one per row of `trials`.
    """
    return {
        int(code): matched_lift(trials.where(segment == code), confidence)
        for code in np.unique(segment)
    }


def holds_out_of_time(overall: Estimate, last_third: Estimate) -> bool:
    """Whether the last third of the time alone shows the same direction, with certainty."""
    if overall.value > 1:
        return last_third.low > 1
    return last_third.high < 1


def is_bot_sensitive(filtered: Estimate, unfiltered: Estimate, tolerance: float = 0.1) -> bool:
    """Whether a ratio moves by more than `tolerance` on the log scale once bots are let in."""
    one, other = filtered.value, unfiltered.value
    if not (0 < one < math.inf and 0 < other < math.inf):
        return False
    return abs(math.log(one / other)) > tolerance


@dataclass(frozen=True)
class _Cells:
    """Counts per stratum (rows) for all buckets and without each (columns: all, then one each)."""

    treated_n: Floats
    treated_sum: Floats
    control_n: Floats
    control_sum: Floats

    @classmethod
    def of(cls, trials: Trials, outcome: Floats) -> _Cells:
        strata, row = np.unique(trials.stratum, return_inverse=True)
        buckets, column = np.unique(trials.bucket, return_inverse=True)
        shape = (len(strata), len(buckets))
        place = row * shape[1] + column

        def with_and_without(values: Floats, mask: Bools) -> Floats:
            per_bucket = sums_by(place[mask], values[mask], shape[0] * shape[1]).reshape(shape)
            total = per_bucket.sum(axis=1, keepdims=True)
            return np.hstack([total, total - per_bucket])

        treated, control = trials.is_treated, ~trials.is_treated
        return cls(
            with_and_without(trials.n, treated),
            with_and_without(outcome, treated),
            with_and_without(trials.n, control),
            with_and_without(outcome, control),
        )

    @property
    def used(self) -> Bools:
        """Strata that hold both arms."""
        both: Bools = (self.treated_n > 0) & (self.control_n > 0)
        return both

    def levels(self) -> tuple[Floats, Floats]:
        """Mean outcome of treated and of standardised controls, a column each."""
        used = self.used
        weight = np.where(used, self.treated_n, 0.0)
        control_mean = np.divide(
            self.control_sum, self.control_n, out=np.zeros_like(self.control_n), where=used
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            total = weight.sum(axis=0)
            treated = np.where(used, self.treated_sum, 0.0).sum(axis=0) / total
            control = (weight * control_mean).sum(axis=0) / total
        return treated, control
