"""Fetches the aggregates from DuckDB or BigQuery, never an event, one micro-conversion at a time.

A table is a relation that dbt built, or, for another day of knowledge, the mart's own SELECT as dbt
compiles it: see `as_of`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from microconv.aggregates.cells import Cells, by_micro, columns_of
from microconv.aggregates.types import (
    ALL,
    FACTORS,
    Basis,
    Conversion,
    DecisionPoints,
    Landmarks,
    Patterns,
    Reach,
    WeeklyCuts,
    row_of,
)
from microconv.evidence.outage import Outage, find_outage
from microconv.evidence.quantities import Floats, Ints
from microconv.summary_data import main_macro

if TYPE_CHECKING:
    from microconv.profile import Warehouse

MARTS = (
    "mart_decision_points",
    "mart_conversion_patterns",
    "mart_conversion_landmarks",
    "mart_conversion_reach",
    "mart_evidence_checks",
    "mart_score_snapshots",
    "int_cohort_visitors",
    "mart_cohorts",
    "mart_cohort_strata",
)


# Days since the last time, in the middle of each age bin of mart_score_snapshots.
_AGE_DAYS = {1: 0.5, 2: 2.0, 3: 5.0, 4: 10.5, 5: 22.0, 6: 45.0}
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Aggregates:
    """The aggregates of one warehouse.

    Args:
        warehouse: An open connection.
        selects: SELECT statements that stand in for built marts, by name.
    """

    warehouse: Warehouse
    selects: Mapping[str, str]

    def table(self, mart: str) -> str:
        """What stands after `from`."""
        if mart in self.selects:
            return f"({self.selects[mart]}) as {mart}"
        return f"{self.warehouse.relation(mart)} as {mart}"

    def conversions(self) -> dict[str, Conversion]:
        """The catalog by name."""
        rows = self.warehouse.run_query(f"""
            select conversion_name, label, conversion_type, stage_number, lead_points
            from {self.warehouse.relation("dim_conversions")}
        """)
        return {
            str(row["conversion_name"]): Conversion(
                str(row["conversion_name"]),
                str(row["label"]),
                str(row["conversion_type"]),
                int(row["stage_number"] or 0),  # type: ignore[arg-type]
                float(row["lead_points"] or 0),  # type: ignore[arg-type]
            )
            for row in rows
        }

    def main_macro(self) -> str | None:
        """The macro that the first funnel leads to, else the catalog's first."""
        rows = self.warehouse.run_query(main_macro(self.warehouse))
        return str(rows[0]["conversion_name"]) if rows else None

    def bases(self) -> list[Basis]:
        """What the run rests on, a row per macro."""
        rows = self.warehouse.run_query(f"""
            select * from {self.table("mart_evidence_checks")} order by macro_name
        """)
        return [row_of(Basis, row) for row in rows]

    def reach(self, macro: str, is_bot_filtered: bool = True) -> list[Reach]:
        """Counts by visitor, a row per micro-conversion and placebo."""
        rows = self.warehouse.run_query(f"""
            select * from {self.table("mart_conversion_reach")}
            where macro_name = {self._text(macro)}
                and is_bot_filtered = {"true" if is_bot_filtered else "false"}
            order by micro_name
        """)
        return [row_of(Reach, row) for row in rows]

    def decision_points(self, macro: str) -> Iterator[DecisionPoints]:
        """All decision points (as `ALL`), then those of each micro-conversion that has any.

        Only one micro-conversion is held at a time.
        """
        batches = self.warehouse.run_batches(f"""
            select * from {self.table("mart_decision_points")}
            where macro_name = {self._text(macro)}
            order by case when micro_name = '{ALL}' then 0 else 1 end, micro_name
        """)
        cells = None
        for name, parts in by_micro(batches):
            if cells is None:
                cells = Cells.of(parts)
                yield cells.points
            else:
                yield cells.of_micro(name, parts)

    def patterns(self, macro: str, bits: Sequence[int], has_factors: bool) -> Patterns:
        """Decision points by pattern of some micro-conversions.

        Args:
            bits: Their evidence bits; bit k of the result's mask is `bits[k]`.
            has_factors: Keep strata apart; else they are summed over.
        """
        wanted = sum(1 << bit for bit in bits)
        source = self.table("mart_conversion_patterns")
        names = list(FACTORS) if has_factors else []
        columns = ", ".join(["chosen_mask", *names])
        frame = columns_of(
            self.warehouse.run_batches(f"""
                select
                    {", ".join([f"done_before_mask & {wanted} as chosen_mask", *names])},
                    cast(sum(step_count) as int64) as step_count,
                    cast(sum(next_step_converted_count) as int64) as next_step_converted_count
                from {source}
                where macro_name = {self._text(macro)}
                group by {columns}
                order by {columns}
            """)
        )
        if not frame:
            return Patterns(np.zeros(0, dtype=np.int64), {}, np.zeros(0), np.zeros(0))
        return Patterns(
            _gathered_bits(frame["chosen_mask"], bits),
            {name: frame[name] for name in names if len(frame[name].names) > 1},
            frame["step_count"].astype(float),
            frame["next_step_converted_count"].astype(float),
        )

    def landmarks(self, macro: str, bits: Sequence[int]) -> Landmarks:
        """Visitors by pattern at the landmark; bits as in `patterns`."""
        frame = columns_of(
            self.warehouse.run_batches(f"""
                select
                    done_mask,
                    cast(sum(subject_count) as int64) as subject_count,
                    cast(sum(converted_count) as int64) as converted_count
                from {self.table("mart_conversion_landmarks")}
                where macro_name = {self._text(macro)}
                group by done_mask
                order by done_mask
            """)
        )
        if not frame:
            return Landmarks(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
        return Landmarks(
            _gathered_bits(frame["done_mask"], bits),
            frame["subject_count"].astype(float),
            frame["converted_count"].astype(float),
        )

    def weekly_cuts(self, macro: str) -> WeeklyCuts:
        """Visitors at weekly cuts, for learning a score."""
        bits = {
            row.evidence_bit: row.micro_name
            for row in self.reach(macro)
            if row.evidence_bit is not None
        }
        names = tuple(bits[bit] for bit in sorted(bits))
        frame = columns_of(
            self.warehouse.run_batches(f"""
                select cut_date, age_pattern, manual_score, subject_count, converted_count
                from {self.table("mart_score_snapshots")}
                where macro_name = {self._text(macro)}
                order by cut_date, age_pattern, manual_score
            """)
        )
        if not frame:
            empty = np.zeros(0)
            return WeeklyCuts(
                names, empty.astype(np.int64), np.zeros((0, len(names))), empty, empty, empty
            )
        patterns = frame["age_pattern"]
        ages = np.array([ages_of(pattern, sorted(bits)) for pattern in patterns.names])
        return WeeklyCuts(
            names,
            frame["cut_date"].astype("datetime64[D]").astype(np.int64) + _EPOCH,
            ages.reshape(-1, len(names))[patterns.codes],
            frame["subject_count"].astype(float),
            frame["converted_count"].astype(float),
            frame["manual_score"].astype(float),
        )

    @cached_property
    def _outages(self) -> dict[date, dict[str, Outage]]:
        """What was read of outages, by day: every macro of a run asks for the same."""
        return {}

    def outages(self, until: date) -> Mapping[str, Outage]:
        """Days on which a conversion was hardly counted, up to a day, by conversion."""
        if until not in self._outages:
            self._outages[until] = self._read_outages(until)
        return self._outages[until]

    def _read_outages(self, until: date) -> dict[str, Outage]:
        rows = self.warehouse.run_query(f"""
            select conversion_date, conversion_name, conversion_count, session_count, is_ramp_up
            from {self.warehouse.relation("mart_daily_conversions")}
            where segment_dimension = 'all'
                and conversion_date <= date {self._text(until.isoformat())}
        """)
        visits: dict[date, float] = {}
        counts: dict[str, dict[date, float]] = {}
        too_early: set[tuple[str, date]] = set()
        for row in rows:
            day, name = row["conversion_date"], str(row["conversion_name"])
            assert isinstance(day, date)
            visits[day] = max(visits.get(day, 0.0), float(row["session_count"] or 0))  # type: ignore[arg-type]
            counts.setdefault(name, {})[day] = float(row["conversion_count"] or 0)  # type: ignore[arg-type]
            if row["is_ramp_up"]:
                too_early.add((name, day))
        outages = {}
        for name, counted in counts.items():
            days = [day for day in sorted(visits) if (name, day) not in too_early]
            events = [counted.get(day, 0.0) for day in days]
            outages[name] = find_outage(days, events, [visits[day] for day in days])
        return outages

    def _text(self, value: str) -> str:
        from microconv.aggregates.literals import literal

        return literal(value, self.warehouse.is_duckdb)


def ages_of(pattern: str, bits: Sequence[int]) -> list[float]:
    """Days since each micro-conversion was last done, infinite for never.

    Args:
        pattern: Pairs of evidence bit and age bin, such as `0:2 5:1`.
        bits: The evidence bits of the result, in its order.
    """
    pairs = (pair.split(":") for pair in pattern.split())
    ages = {int(bit): _AGE_DAYS[int(age)] for bit, age in pairs}
    return [ages.get(bit, math.inf) for bit in bits]


def _gathered_bits(mask: Floats | Ints, bits: Sequence[int]) -> Ints:
    """Chosen bits of a mask, moved together: bit k of the result is `bits[k]`."""
    whole = mask.astype(np.int64)
    gathered = np.zeros(len(whole), dtype=np.int64)
    for place, bit in enumerate(bits):
        gathered |= ((whole >> bit) & 1) << place
    return gathered
