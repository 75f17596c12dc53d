"""What planning a test rests on: rates, the evidence of each micro-conversion, past experiments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from microconv.evidence.quantities import Estimate
from microconv.evidence.verdict import Verdict
from microconv.writing import beside

if TYPE_CHECKING:
    from microconv.profile import Record, Warehouse

MICROS, VALIDATIONS = "evidence_micro_conversions", "evidence_proxy_validations"
# What it means that a command wrote no row.
_NOTHING = {
    MICROS: "`microconv correlate` found no micro- and macro-conversion to compare, so no share of"
    " a macro-conversion is known.",
    VALIDATIONS: "`microconv experiments` found no past experiment to judge, so no proxy is"
    " validated.",
}


@dataclass(frozen=True)
class Rate:
    """How many visitors of the window did something: a row of mart_planning_rates."""

    name: str
    is_macro: bool
    converted: float


@dataclass(frozen=True)
class Window:
    """The weeks that rates are of.

    Args:
        start: First day.
        end: Last day.
        days: How many.
        subjects: Visitors who came.
        horizon_days: So long each was followed.
        as_of_date: The last loaded day.
        definitions_version: Of the lists that the counts rest on.
    """

    start: date
    end: date
    days: int
    subjects: float
    horizon_days: float
    as_of_date: date
    definitions_version: str

    @property
    def per_week(self) -> float:
        """Visitors a week who can enter an experiment."""
        return 7 * self.subjects / self.days if self.days > 0 else 0.0


@dataclass(frozen=True)
class Known:
    """What `correlate` concluded about one micro-conversion."""

    verdict: Verdict
    lift: Estimate


@dataclass(frozen=True)
class Basis:
    """All that a plan rests on.

    Args:
        window: The weeks that rates are of; None where nothing was built to take any from.
        rates: By conversion.
        known: By macro- and micro-conversion, of the present definitions.
        validated: Correlation of true lifts by macro- and micro-conversion, where validated.
        missing: What was not found or is of other definitions, in words.
    """

    window: Window | None
    rates: Mapping[str, Rate]
    known: Mapping[tuple[str, str], Known]
    validated: Mapping[tuple[str, str], Estimate]
    missing: tuple[str, ...]


def read_basis(warehouse: Warehouse) -> Basis:
    """Read everything; tables that commands write may be absent or old."""
    rows = warehouse.run_query(f"""
        select * from {warehouse.relation("mart_planning_rates")} order by conversion_name
    """)
    window = _window(rows[0]) if rows else None
    rates = [_rate(row) for row in rows]
    evidence, why_evidence = _written(warehouse, MICROS, window, "correlate")
    validations, why_validations = _written(warehouse, VALIDATIONS, window, "experiments")
    return Basis(
        window,
        {one.name: one for one in rates},
        {_pair(row): _known(row) for row in evidence},
        {
            _pair(row): _estimate(row, "true_correlation")
            for row in validations
            if row["validity"] == "validated"
        },
        tuple(reason for reason in (why_evidence, why_validations) if reason),
    )


def _written(
    warehouse: Warehouse, table: str, window: Window | None, command: str
) -> tuple[Sequence[Record], str]:
    """Rows of a table that a command wrote, if they are of what is built now; else why not."""
    relation = beside(warehouse, table)
    if not warehouse.has(relation):
        return (), f"There is no {table} yet: run `microconv {command}` first."
    rows = warehouse.run_query(f"select * from {relation} order by macro_name, micro_name")
    if not rows:
        return (), _NOTHING[table]
    if window and {str(row["definitions_version"]) for row in rows} != {window.definitions_version}:
        return (), f"{table} is of other definitions: run `microconv {command}` again."
    return rows, ""


def _window(row: Record) -> Window:
    known: Any = row
    return Window(
        known["window_start_date"],
        known["window_end_date"],
        int(known["window_day_count"]),
        float(known["subject_count"]),
        float(known["horizon_days"]),
        known["as_of_date"],
        str(known["definitions_version"]),
    )


def _rate(row: Record) -> Rate:
    known: Any = row
    return Rate(
        str(known["conversion_name"]),
        known["conversion_type"] == "macro",
        float(known["converted_count"]),
    )


def _known(row: Record) -> Known:
    return Known(Verdict(str(row["verdict"])), _estimate(row, "matched_lift"))


def _pair(row: Record) -> tuple[str, str]:
    return str(row["macro_name"]), str(row["micro_name"])


def _estimate(row: Record, name: str) -> Estimate:
    return Estimate(*(_number(row.get(f"{name}{part}")) for part in ("", "_low", "_high")))


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
