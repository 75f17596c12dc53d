"""What the warehouse's aggregates look like in Python: typed rows and numpy columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from microconv.evidence.patterns import stratum_codes
from microconv.evidence.quantities import Bools, Floats, Ints

if TYPE_CHECKING:
    from microconv.profile import Record

NOT_YET = "not_yet"
DONE_HERE = "done_here"
LAG_STATES = ("done_under_1d", "done_1_3d", "done_3_7d", "done_over_7d")
STATES = (NOT_YET, DONE_HERE, *LAG_STATES)
"""How a decision point stands to a micro-conversion; the lags are those of `evidence.lags`."""

ALL = "(all)"
"""In place of a micro-conversion: every decision point of a macro, each once."""

DEPTH, DAY = "depth_bin", "day_bin"
FACTORS = (DEPTH, DAY, "device_category", "channel_group", "country", "visitor_type")
"""What a stratum is made of; those that are not asked for are one value throughout."""

_Row = TypeVar("_Row", "Reach", "Basis")


@dataclass(frozen=True)
class Labels:
    """A text column: a code per row and what each code means."""

    codes: Ints
    names: tuple[str, ...]


@dataclass(frozen=True)
class Strata:
    """What decision points are compared within.

    Args:
        labels: Per factor (depth and day bin, segment dimensions, visitor type) what codes mean.
        codes: Stratum × factor.
    """

    labels: Mapping[str, tuple[str, ...]]
    codes: Ints

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The factors that are segments, not clocks."""
        return tuple(name for name in self.labels if name not in (DEPTH, DAY))

    def factor(self, name: str) -> Ints:
        """The code of one factor per stratum."""
        return self.codes[:, list(self.labels).index(name)]

    def without(self, name: str) -> Ints:
        """A code per stratum that is the same for strata that differ in one factor only."""
        place = list(self.labels).index(name)
        return stratum_codes(np.delete(self.codes, place, axis=1))


@dataclass(frozen=True)
class DecisionPoints:
    """Decision points of one macro, by how they stand to one micro-conversion; arrays alike long.

    Args:
        micro_name: The micro-conversion, or a placebo.
        strata: What `stratum` means.
        stratum: Place in `strata` per row.
        state: Code of `STATES` per row.
        is_bot: Whether the row is of suspected robots.
        is_last_third: Whether it is of the last third of the window.
        bucket: Hash bucket of the visitor.
        steps: Decision points at risk.
        next_converted: Those on which the macro follows before the next step.
        followed: Those with complete follow-up, unconverted at the end of the step.
        followed_converted: Those of them that the macro follows within the horizon.
        followed_revenue: Revenue of these macros, in US dollars.
    """

    micro_name: str
    strata: Strata
    stratum: Ints
    state: Ints
    is_bot: Bools
    is_last_third: Bools
    bucket: Ints
    steps: Floats
    next_converted: Floats
    followed: Floats
    followed_converted: Floats
    followed_revenue: Floats

    def where(self, mask: Bools) -> DecisionPoints:
        """The rows for which `mask` holds."""
        arrays = {name: getattr(self, name)[mask] for name in _ARRAYS}
        return replace(self, **arrays)


_ARRAYS = tuple(
    field.name for field in fields(DecisionPoints) if field.name not in ("micro_name", "strata")
)


@dataclass(frozen=True)
class Patterns:
    """Decision points by which micro-conversions were done before; bots are left out.

    Args:
        mask: Bit per micro-conversion, in the order that was asked for.
        factors: What a stratum is made of; empty where it was summed over.
        steps: Decision points.
        next_converted: Those on which the macro follows before the next step.
    """

    mask: Ints
    factors: Mapping[str, Labels]
    steps: Floats
    next_converted: Floats


@dataclass(frozen=True)
class Landmarks:
    """Visitors unconverted at the landmark, by what they had done before it."""

    mask: Ints
    subjects: Floats
    converted: Floats


@dataclass(frozen=True)
class WeeklyCuts:
    """Visitors at weekly cuts, grouped by when they had last done what.

    Args:
        names: The micro-conversions.
        cut: Day of the cut per row, as the ordinal of its date.
        age_days: Row × micro-conversion: days since it was last done; infinite for never.
        subjects: Visitors, unconverted and active at the cut.
        converted: Those of them that convert within the horizon after the cut.
        manual_score: Points of the present weights at the cut.
    """

    names: tuple[str, ...]
    cut: Ints
    age_days: Floats
    subjects: Floats
    converted: Floats
    manual_score: Floats

    def where(self, mask: Bools) -> WeeklyCuts:
        """The rows for which `mask` holds."""
        return WeeklyCuts(
            self.names,
            self.cut[mask],
            self.age_days[mask],
            self.subjects[mask],
            self.converted[mask],
            self.manual_score[mask],
        )


@dataclass(frozen=True)
class Reach:
    """Counts by visitor of one micro-conversion for one macro; the columns of the mart's row."""

    macro_name: str
    micro_name: str
    evidence_bit: int | None
    is_placebo: bool
    subject_count: float
    converted_subject_count: float
    with_subject_count: float
    with_converted_count: float
    posthog_success_with_count: float
    posthog_failure_with_count: float
    first_micro_count: float
    first_micro_converted_count: float
    first_micro_revenue_usd: float
    first_micro_revenue_usd_squared: float
    top_hundredth_revenue_usd: float
    first_micro_total_count: float
    macro_preceded_count: float
    first_macro_count: float
    tracked_preceded_count: float
    tracked_macro_count: float
    converter_occurrence_count: float
    post_macro_occurrence_count: float
    same_step_macro_count: float
    exposure_before_macro_count: float
    occurrence_count: float
    in_session_occurrence_count: float
    landmark_macro_count: float
    monthly_subject_count: float


@dataclass(frozen=True)
class Basis:
    """What a run rests on, per macro: the row of `mart_evidence_checks`."""

    macro_name: str
    as_of_date: date
    window_start_date: date
    third_start_date: date | None
    horizon_days: float
    landmark_days: float
    lookback_days: float
    missing_lookback_days: float
    clock: str
    subject: str
    subject_count: float
    bot_subject_count: float
    safari_subject_count: float
    event_count: float
    consentless_event_count: float
    decision_count: float
    followed_decision_count: float
    first_macro_count: float
    order_count: float
    mean_order_value_usd: float
    definitions_version: str


@dataclass(frozen=True)
class Conversion:
    """A conversion of the catalog in the words of its owner."""

    conversion_name: str
    label: str
    conversion_type: str
    stage_number: int
    lead_points: float


def row_of(kind: type[_Row], record: Record) -> _Row:
    """A typed row of a record; a missing number is NaN, since it is not known."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        value = record.get(field.name)
        if field.type == "float":
            value = float("nan") if value is None else float(value)  # type: ignore[arg-type]
        values[field.name] = value
    return kind(**values)
