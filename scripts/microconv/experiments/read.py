"""Reads mart_experiments: counts per experiment, variant and conversion, never a visitor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from microconv.deciding import Arm

if TYPE_CHECKING:
    from microconv.profile import Record, Warehouse


@dataclass(frozen=True)
class Counts:
    """How many followed visitors of a variant did one thing, for one macro-conversion.

    Args:
        converted: Did it within the horizon.
        eligible: Of a micro-conversion, not only with or after the macro.
        joint: Of these, those who did the macro too, later.
        revenue: Value of the macro-conversions, in US dollars; NaN for a micro-conversion.
        revenue_squared: Sum of its squares per visitor.
    """

    converted: float
    eligible: float
    joint: float
    revenue: float = math.nan
    revenue_squared: float = math.nan


@dataclass(frozen=True)
class Variant:
    """Who saw one variant.

    Args:
        name: Of the variant.
        is_control: Whether others are compared with it.
        weight: Planned part of visitors beside the others'; NaN if the plan leaves it out.
        exposed: Visitors who saw this variant only.
        followed: Those of them whose horizon is loaded as a whole.
        switched: Visitors who saw this one first and another one later.
        excluded: Visitors who saw it in excluded sessions only.
        consentless: Exposures that are nobody's.
        first_date: Of the exposures of anybody who is compared; None without any.
        last_date: Of the newest first exposure.
        counts: By macro-conversion and what is measured.
    """

    name: str
    is_control: bool
    weight: float
    exposed: float
    followed: float
    switched: float
    excluded: float
    consentless: float
    first_date: date | None
    last_date: date | None
    counts: Mapping[tuple[str, str], Counts]

    def arm(self, macro: str, micro: str) -> Arm:
        """The counts that the validation takes."""
        both = self.counts[macro, micro]
        return Arm(self.followed, both.eligible, self.counts[macro, macro].converted, both.joint)


@dataclass(frozen=True)
class Trial:
    """One experiment as it was counted.

    Args:
        name: Of the experiment.
        variants: Those that are listed, the control first.
        variant_count: How many were seen.
        horizon_days: So long each visitor is followed.
        as_of_date: The last loaded day.
        definitions_version: Of the lists that the counts rest on.
    """

    name: str
    variants: tuple[Variant, ...]
    variant_count: int
    horizon_days: float
    as_of_date: date
    definitions_version: str

    @property
    def control(self) -> Variant | None:
        """The control, if it was seen."""
        return next((one for one in self.variants if one.is_control), None)

    @property
    def treated(self) -> tuple[Variant, ...]:
        """All other variants."""
        return tuple(one for one in self.variants if not one.is_control)

    @property
    def last_date(self) -> date | None:
        """When somebody last entered."""
        return max((one.last_date for one in self.variants if one.last_date), default=None)


@dataclass(frozen=True)
class Rejection:
    """Exposure events that name no experiment."""

    source_name: str
    event_name: str
    reason: str
    events: float


def read_trials(warehouse: Warehouse) -> list[Trial]:
    """All experiments of the mart, the newest first."""
    rows = warehouse.run_query(f"""
        select * from {warehouse.relation("mart_experiments")}
        order by experiment_name, variant_name, macro_name, conversion_name
    """)
    by_name: dict[str, list[Record]] = {}
    for row in rows:
        by_name.setdefault(str(row["experiment_name"]), []).append(row)
    trials = [_trial(name, held) for name, held in by_name.items()]
    return sorted(trials, key=lambda one: (-(one.last_date or date.min).toordinal(), one.name))


def read_rejections(warehouse: Warehouse) -> list[Rejection]:
    """What names no experiment, the most frequent first."""
    rows = warehouse.run_query(f"""
        select source_name, event_name, rejection_reason, event_count
        from {warehouse.relation("mart_experiment_rejections")}
        order by event_count desc, source_name, rejection_reason
    """)
    return [
        Rejection(
            str(row["source_name"]),
            str(row["event_name"]),
            str(row["rejection_reason"]),
            _number(row["event_count"]),
        )
        for row in rows
    ]


def _trial(name: str, rows: Sequence[Record]) -> Trial:
    by_variant: dict[str, list[Record]] = {}
    for row in rows:
        by_variant.setdefault(str(row["variant_name"]), []).append(row)
    variants = [_variant(variant, held) for variant, held in by_variant.items()]
    first: Any = rows[0]
    return Trial(
        name,
        tuple(sorted(variants, key=lambda one: (not one.is_control, one.name))),
        int(first["variant_count"]),
        _number(first["horizon_days"]),
        first["as_of_date"],
        str(first["definitions_version"]),
    )


def _variant(name: str, rows: Sequence[Record]) -> Variant:
    first: Any = rows[0]
    return Variant(
        name,
        bool(first["is_control"]),
        _number(first["planned_weight"]),
        _number(first["exposed_count"]),
        _number(first["followed_count"]),
        _number(first["switched_count"]),
        _number(first["excluded_count"]),
        _number(first["consentless_exposure_count"]),
        first["first_exposure_date"],
        first["last_exposure_date"],
        {(str(row["macro_name"]), str(row["conversion_name"])): _counts(row) for row in rows},
    )


def _counts(row: Record) -> Counts:
    return Counts(
        _number(row["converted_count"]),
        _number(row["eligible_count"]),
        _number(row["joint_count"]),
        _number(row["revenue_usd"]),
        _number(row["revenue_usd_squared"]),
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
