"""Reads the cohort marts: counts by week, and counts by stratum, one behaviour at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from microconv.aggregates.cells import by_micro, columns_of
from microconv.aggregates.literals import literal
from microconv.aggregates.read import Aggregates
from microconv.aggregates.types import Basis
from microconv.evidence.matched import Trials
from microconv.evidence.quantities import Floats
from microconv.watching.cohorts import Cohort, Outcomes

ALL, WITH, WITHOUT = "all", "with", "without"


@dataclass(frozen=True)
class Cell:
    """A row of `mart_cohorts`; outcomes are NaN until its last visitor was followed to the age."""

    week: date
    kind: str
    behaviour: str
    group: str
    age_days: int
    complete_day: date
    is_complete: bool
    visitors: float
    early: float
    converted: float
    retained: float
    revenue: float
    revenue_squared: float

    @property
    def cohort(self) -> Cohort:
        """As the table by week takes it."""
        return Cohort(self.week, self.complete_day, self.outcomes)

    @property
    def outcomes(self) -> Outcomes:
        """Conversions and what they brought."""
        return Outcomes(
            self.visitors, self.converted, self.revenue, self.revenue_squared, self.early
        )


@dataclass(frozen=True)
class Behaviour:
    """Visitors with and without a behaviour, by stratum and bucket, over all complete weeks.

    Args:
        name: Of the behaviour.
        converted: Trials whose outcome is the macro-conversion, with its revenue.
        returned: Trials whose outcome is having been seen again in the last week of the horizon.
    """

    name: str
    converted: Trials
    returned: Trials


def read_cells(aggregates: Aggregates, basis: Basis) -> list[Cell]:
    """Everybody at all ages, and the sides of behaviours at the age of the horizon."""
    rows = aggregates.warehouse.run_query(f"""
        select
            cohort_week,
            behaviour_kind,
            behaviour_name,
            behaviour_group,
            age_days,
            complete_date,
            is_complete,
            visitor_count,
            early_visitor_count,
            converted_count,
            retained_count,
            revenue_usd,
            revenue_usd_squared
        from {aggregates.table("mart_cohorts")}
        where macro_name = {_text(aggregates, basis.macro_name)}
            and (behaviour_group = 'all' or age_days = {round(basis.horizon_days)})
        order by cohort_week, behaviour_name, behaviour_group, age_days
    """)
    return [_cell(row) for row in rows]


def read_behaviours(aggregates: Aggregates, basis: Basis) -> Iterator[Behaviour]:
    """Strata (first week, device, channel) of complete weeks; one behaviour is held at a time."""
    batches = aggregates.warehouse.run_batches(f"""
        select
            behaviour_name as micro_name,
            behaviour_group,
            cohort_week,
            device_category,
            channel_group,
            bucket,
            visitor_count,
            converted_count,
            retained_count,
            revenue_usd
        from {aggregates.table("mart_cohort_strata")}
        where macro_name = {_text(aggregates, basis.macro_name)}
        order by behaviour_name
    """)
    for name, parts in by_micro(batches):
        yield _behaviour(name, parts)


def total(cells: Sequence[Cell]) -> Outcomes:
    """All weeks together."""
    parts = [one.outcomes for one in cells]
    return Outcomes(
        sum(one.visitors for one in parts),
        sum(one.converted for one in parts),
        sum(one.revenue for one in parts),
        sum(one.revenue_squared for one in parts),
        sum(one.early for one in parts),
    )


def _behaviour(name: str, batches: list[Any]) -> Behaviour:
    frame = columns_of(batches)
    weeks = frame["cohort_week"].astype("datetime64[D]").astype(np.int64)
    places = [weeks, frame["device_category"].codes, frame["channel_group"].codes]
    _, stratum = np.unique(np.column_stack(places), axis=0, return_inverse=True)
    groups = frame["behaviour_group"]
    is_with = np.array([one == WITH for one in groups.names])[groups.codes]

    def trials(outcome: str, revenue: Floats | None) -> Trials:
        return Trials.from_columns(
            stratum.reshape(-1),
            frame["bucket"],
            is_with,
            frame["visitor_count"],
            frame[outcome],
            revenue,
        )

    revenue = frame["revenue_usd"].astype(np.float64)
    return Behaviour(name, trials("converted_count", revenue), trials("retained_count", None))


def _cell(row: dict[str, Any]) -> Cell:
    def number(name: str) -> float:
        return float("nan") if row[name] is None else float(row[name])

    return Cell(
        week=row["cohort_week"],
        kind=str(row["behaviour_kind"]),
        behaviour=str(row["behaviour_name"]),
        group=str(row["behaviour_group"]),
        age_days=int(row["age_days"]),
        complete_day=row["complete_date"],
        is_complete=bool(row["is_complete"]),
        visitors=number("visitor_count"),
        early=number("early_visitor_count"),
        converted=number("converted_count"),
        retained=number("retained_count"),
        revenue=number("revenue_usd"),
        revenue_squared=number("revenue_usd_squared"),
    )


def _text(aggregates: Aggregates, value: str) -> str:
    return literal(value, aggregates.warehouse.is_duckdb)
