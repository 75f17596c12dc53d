"""Reads what a build found from the marts: the numbers behind `microconv summary`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microconv.profile import Cell, Record, Warehouse

SEGMENT_DIMENSIONS = {"device_category": "Device", "channel_group": "Channel"}
LARGEST_SEGMENTS = 6


@dataclass(frozen=True)
class FunnelRules:
    """What a funnel is called and the rules it is counted by, in words."""

    label: str
    rules: str


@dataclass(frozen=True)
class Summary:
    """What the marts say in short; rows as the warehouse returns them (rates in 0..1).

    `hidden_segment_count` is how many segments were too small to show a rate for,
    `silent_conversions` are the labels of catalogued conversions that did not happen.
    """

    place: str
    exports: list[Record]
    funnels: list[Record]
    funnel_rules: dict[str, FunnelRules]
    segments: list[Record]
    hidden_segment_count: int
    kpis: list[Record]
    findings: list[Record]
    conversion_count: int
    silent_conversions: list[str]


def read_summary(warehouse: Warehouse) -> Summary:
    """Read the marts.

    Raises:
        MicroconvError: A table is missing or the warehouse refuses a query.
    """
    segments = _read_segments(warehouse)
    shown = [row for row in segments if row["session_conversion_rate"] is not None]
    catalogued = read_catalogued(warehouse)
    return Summary(
        place=warehouse.place,
        exports=read_exports(warehouse),
        funnels=_read_funnels(warehouse),
        funnel_rules=read_funnel_rules(warehouse),
        segments=shown,
        hidden_segment_count=len(segments) - len(shown),
        kpis=_read_kpis(warehouse),
        findings=_read_findings(warehouse),
        conversion_count=len(catalogued),
        silent_conversions=[str(row["label"]) for row in catalogued if not row["happened_count"]],
    )


def read_catalogued(warehouse: Warehouse) -> list[Record]:
    """Every catalogued conversion with how often it happened."""
    return warehouse.run_query(f"""
        select
            conversions.conversion_name,
            conversions.label,
            sum(daily.conversion_count) as happened_count
        from {warehouse.relation("dim_conversions")} as conversions
        left join {warehouse.relation("mart_daily_conversions")} as daily
            on conversions.conversion_name = daily.conversion_name
            and daily.segment_dimension = 'all'
        group by conversions.conversion_name, conversions.label
        order by conversions.conversion_name
    """)


def read_exports(warehouse: Warehouse) -> list[Record]:
    """What was loaded, by kind of table: raw = accepted + rejected + duplicates."""
    return warehouse.run_query(f"""
        select
            source_table_kind,
            count(distinct event_date) as day_count,
            min(event_date) as first_date,
            max(event_date) as last_date,
            sum(raw_row_count) as raw_row_count,
            sum(accepted_count) as accepted_count,
            sum(rejected_count) as rejected_count,
            sum(duplicate_count) as duplicate_count
        from {warehouse.relation("stg_ga4__export_days")}
        group by source_table_kind
        order by source_table_kind
    """)


def _read_funnels(warehouse: Warehouse) -> list[Record]:
    return warehouse.run_query(f"""
        select
            steps.funnel_name,
            steps.step_number,
            steps.conversion_name,
            steps.step_label as label,
            steps.reached_count,
            steps.previous_step_count,
            steps.step_conversion_rate,
            steps.step_conversion_rate_low,
            steps.step_conversion_rate_high,
            steps.funnel_conversion_rate,
            steps.funnel_conversion_rate_low,
            steps.funnel_conversion_rate_high,
            steps.immature_count
        from {warehouse.relation("mart_funnel_steps")} as steps
        where steps.period_grain = 'all'
            and steps.segment_dimension = 'all'
            and steps.segment_attribution in (
                select min(segment_attribution) from {warehouse.relation("mart_funnel_steps")}
            )
        order by steps.funnel_name, steps.step_number
    """)


def read_funnel_rules(warehouse: Warehouse) -> dict[str, FunnelRules]:
    """What each funnel is called and how it is counted, by its name."""
    rows = warehouse.run_query(f"""
        select
            funnel_name,
            funnel_label,
            unit,
            step_order,
            entry,
            window_hours,
            step_window_hours,
            counting
        from {warehouse.relation("dim_funnel_steps")}
        where step_number = 1
    """)
    return {
        str(row["funnel_name"]): FunnelRules(str(row["funnel_label"]), rules_sentence(row))
        for row in rows
    }


def _hours(number: Cell) -> str:
    return f"{number:g} hour" + ("" if number == 1 else "s")


def rules_sentence(funnel: Record) -> str:
    """The rules a funnel is counted by, as one sentence.

    Args:
        funnel: A row with unit, step_order, entry, window_hours, step_window_hours and counting.
    """
    unit = funnel["unit"]
    order = {
        "ordered": "steps in this order, other actions may come between",
        "strict": "steps in this order with nothing between",
        "any": "steps in any order",
    }
    hours = f"within {_hours(funnel['window_hours'])} of step 1"
    if funnel.get("step_window_hours") is not None:
        hours += f" and {_hours(funnel['step_window_hours'])} of the step before"
    entry = "everybody enters at step 1" if funnel["entry"] == "closed" else "entry at any step"
    once = f"each {unit} once" if funnel["counting"] == "unique" else "every attempt"
    return (
        f"By {unit}; {order[str(funnel['step_order'])]}; {entry}; {hours}; {once}; "
        "only entries whose window has passed; 95 % Wilson intervals."
    )


def _read_segments(warehouse: Warehouse) -> list[Record]:
    """All sessions, then the largest segments of each dimension, for the main macro-conversion."""
    dimensions = ", ".join(f"'{name}'" for name in ("all", *SEGMENT_DIMENSIONS))
    rows = warehouse.run_query(f"""
        select
            segments.conversion_name,
            segments.segment_dimension,
            segments.segment_value,
            segments.session_count,
            segments.converting_session_count,
            segments.session_conversion_rate,
            segments.session_conversion_rate_low,
            segments.session_conversion_rate_high,
            gaps.rest_conversion_rate,
            gaps.verdict
        from {warehouse.relation("mart_segment_conversions")} as segments
        left join {warehouse.relation("mart_segment_gaps")} as gaps
            on segments.conversion_name = gaps.conversion_name
            and segments.segment_dimension = gaps.segment_dimension
            and segments.segment_value = gaps.segment_value
        where segments.period_grain = 'all'
            and segments.segment_dimension in ({dimensions})
            and segments.conversion_name in ({main_macro(warehouse)})
        order by
            segments.segment_dimension,
            segments.session_count desc,
            segments.segment_value
    """)
    kinds = groupby(rows, key=lambda row: row["segment_dimension"])
    return [row for _, kind in kinds for row in list(kind)[:LARGEST_SEGMENTS]]


def _read_kpis(warehouse: Warehouse) -> list[Record]:
    """The KPIs over all loaded days and sessions, by name."""
    return warehouse.run_query(f"""
        select
            kpis.kpi_name,
            kpis.label,
            kpis.measure,
            kpis.base_count,
            kpis.value,
            kpis.value_low,
            kpis.value_high,
            kpis.immature_count,
            kpis.benchmark_low,
            kpis.benchmark_high,
            kpis.act_below,
            kpis.outage_day_count,
            kpis.status,
            kpis.rule,
            kpis.advice
        from {warehouse.relation("mart_kpis")} as kpis
        where kpis.period_grain = 'all'
            and kpis.segment_dimension = 'all'
        order by kpis.kpi_name
    """)


def _read_findings(warehouse: Warehouse) -> list[Record]:
    """What is unwise about the catalog; conversions that never occur are told by themselves."""
    return warehouse.run_query(f"""
        select
            findings.check_name,
            findings.subject,
            findings.measured,
            findings.message
        from {warehouse.relation("mart_catalog_findings")} as findings
        where findings.severity = 'warning'
            and findings.check_name <> 'conversion_never_occurs'
        order by findings.check_name, findings.subject
    """)


def main_macro(warehouse: Warehouse) -> str:
    """SQL for the macro-conversion that the first funnel leads to, else the catalog's first."""
    return f"""
        select conversions.conversion_name
        from {warehouse.relation("dim_conversions")} as conversions
        left join {warehouse.relation("dim_funnel_steps")} as steps
            on conversions.conversion_name = steps.conversion_name
        where conversions.conversion_type = 'macro'
        order by steps.step_number is null, steps.funnel_name, conversions.conversion_name
        limit 1
    """
