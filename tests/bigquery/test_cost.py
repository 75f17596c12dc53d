"""What a run on BigQuery reads: the raw export once, no column and no day more than it needs.

The statements are those that dbt compiles; who reads what comes from Google's analyzer.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from microconv.cost.reads import FILE

from .analysis import Analysis
from .compile_offline import Compiled
from .conftest import ROOT
from .cost_reads import reads_csv
from .daily_run import OPEN_DATES, OPEN_SHARDS
from .export_schema import EXPORT_2026
from .googlesql import Catalog, Column
from .project import EXPORT_TABLE
from .project_reads import RAW, model_of, project_reads, short, wasteful_reads
from .reads import Read, reads
from .test_harness import planted

pytestmark = pytest.mark.slow

# Tables that a daily run may read as a whole, each with the reason. Staged events are not among
# them: whatever reads those names the open dates.
BY_VISITOR = "a changed visitor's past days decide too, and they may lie anywhere in history"
SMALL = "a row per day and name at most"
WHOLE_READS = {
    "dim_audience_moments": "a row per moment and conversion",
    "dim_conversions": "the catalog: a row per conversion",
    "dim_dates": "a row per day",
    "dim_funnel_steps": "a row per funnel and step",
    "dim_visitors": "the score of every visitor decays every day",
    "fct_experiment_exposures": "marts count all of history; one row per visitor and experiment",
    "fct_feedback": "marts count all of history; one row per answer to a survey",
    "fct_macro_conversions": "marts count all of history; one row per sale",
    "fct_sessions": "segments are the largest of all sessions; " + BY_VISITOR,
    "int_browser_conversions_counted": "a row per conversion, day and browser",
    "int_clock_events": BY_VISITOR,
    "int_clock_steps": "weekly snapshots look at all of history; " + BY_VISITOR,
    "int_cohort_visitors": "who began when, rebuilt like the marts that read it; narrow columns",
    "int_conversion_events_matched": BY_VISITOR,
    "int_conversions_counted": "marts count all of history; " + BY_VISITOR,
    "int_conversions_followed": "marts count all of history; " + BY_VISITOR,
    "int_conversions_pathed": "marts count all of history; " + BY_VISITOR,
    "int_conversions_derived": "whose time has run out may be anybody; " + BY_VISITOR,
    "int_conversions_required": BY_VISITOR,
    "int_decision_points": "marts count all of history",
    "int_event_names_counted": SMALL,
    "int_evidence_subjects": "marts count all of history; " + BY_VISITOR,
    "int_experiment_conversions": "marts count all of history; rows of visitors in experiments",
    "int_experiment_exposures_matched": "whose an exposure is may change; " + BY_VISITOR,
    "int_experiment_variants": "a row per experiment and variant",
    "int_export_as_of": "one row",
    "int_export_days_counted": SMALL,
    "int_export_days_processed": SMALL,
    "int_feedback_followed": "marts count all of history; one row per answer to a survey",
    "int_feedback_matched": "whose an answer is may change; one row per answer to a survey",
    "int_feedback_segmented": "marts count all of history; a few rows per answer to a survey",
    "int_feedback_steps_reached": "marts count all of history; a few rows per answer to a survey",
    "int_first_conversions": "marts count all of history; " + BY_VISITOR,
    "int_funnel_drops": "rebuilt from the attempts of all of history, like the mart that reads it",
    "int_funnel_spells": "marts count all of history; " + BY_VISITOR,
    "int_funnel_steps_gathered": "marts count all of history; " + BY_VISITOR,
    "int_funnel_steps_walked": "marts count all of history; " + BY_VISITOR,
    "int_funnel_unit_days": "marts count all of history",
    "int_funnel_units_counted": "a row per period, segment and set of steps",
    "int_kpi_parts_counted": "a row per KPI, period, segment and one of twenty groups",
    "int_kpi_units_measured": "marts count all of history",
    "int_page_views": "what followed a drop-off may lie on any day; five narrow columns",
    "int_requirements_leveled": "a row per requirement of a derived conversion",
    "int_refunds_collected": "a refund may net a sale of any day; one row per refund",
    "int_sales_cycles_counted": "a row per moment at which somebody converted",
    "int_sales_cycles_measured": "a row per visitor who converted and macro-conversion",
    "int_session_days": BY_VISITOR,
    "int_sessions_attributed": BY_VISITOR,
    "int_sessions_segmented": "marts count all of history",
    "int_sessions_watched": "marts count all of history; one narrow row per visit",
    "int_tracking_counted": "a row per day, event name and key of a parameter",
    "int_visitor_device_days": BY_VISITOR,
    "int_visitor_devices_identified": BY_VISITOR,
    "int_visitor_moments_gathered": "who has stalled changes every day; a few rows per visitor",
    "int_visitor_days_staged": "where everybody stood at the end of each week; four narrow columns",
    "int_visitors_changed": "this run's own list",
    "int_visitors_segmented": "how every visitor began, rebuilt like the marts that read it",
    "int_visits_numbered": "which visit is whose first may change with any day of history",
    "mart_alert_parts": "what microconv wrote; a row per part of an alert",
    "mart_alerts": "what microconv wrote; a row per alert",
    "mart_watch_runs": "what microconv wrote; a row per day on which it watched",
    "mart_cohorts": "a row per macro-conversion, week, behaviour and age",
    "mart_conversion_outages": "a row per conversion and silent day",
    "mart_conversion_reach": "a row per micro- and macro-conversion",
    "mart_conversion_silences": "a row per conversion and low day",
    "mart_daily_conversions": "a row per conversion, day and segment",
    "mart_evidence_checks": "a row per macro-conversion",
    "mart_funnel_steps": "a row per funnel, period, segment and step",
    "mart_kpi_outages": "a row per KPI and period with a silent day",
    "mart_kpis": "a row per KPI, period and segment",
    "mart_lead_scores": "the score of every visitor decays every day",
    "mart_segment_conversions": "a row per conversion, period and segment",
    "mart_segment_gaps": "a row per conversion and segment",
    "mart_stalled_visitors": "who has stalled changes every day; a few rows per visitor",
    "mart_visitor_stages": "where everybody stands changes every day; a row per visitor",
    "stg_ga4__export_days": SMALL,
}
# Tables replaced by days that are small, and data tests that may read others of them as a whole.
SMALL_BY_DAY = {
    "stg_ga4__export_days": SMALL,
    "int_event_names_counted": SMALL,
    "int_refunds_collected": "one row per refund",
    "int_tracking_counted": SMALL,
}
WHOLE_TESTS = {
    ("assert_sessions_hold_every_event", "int_session_days"): "a session may last over many days",
}


@pytest.fixture(scope="module")
def daily(incremental: Compiled, full: Compiled, analyzed: Analysis) -> dict[str, list[Read]]:
    """Reads of an ordinary day's run."""
    return project_reads(incremental, EXPORT_2026, analyzed.tables(full))


@pytest.fixture(scope="module")
def first(full: Compiled, analyzed: Analysis) -> dict[str, list[Read]]:
    """Reads of the first run, or of a full refresh."""
    return project_reads(full, EXPORT_2026, analyzed.tables(full))


@pytest.fixture(scope="module")
def whole_reads(incremental: Compiled) -> dict[str, str]:
    """Reasons by table; seeds are small by nature."""
    seeds = {node["name"]: "a list that people edit" for node in incremental.nodes("seed")}
    return WHOLE_READS | seeds


@pytest.fixture(scope="module")
def contract() -> frozenset[str]:
    """Dotted paths of the fields that macros/export/ga4_export_columns.sql names."""
    return frozenset(_leaves(_contract(ROOT / "macros/export/ga4_export_columns.sql")))


def test_a_daily_run_reads_only_what_it_needs(
    daily: dict[str, list[Read]], contract: frozenset[str], whole_reads: dict[str, str]
) -> None:
    problems = wasteful_reads(daily, contract, OPEN_SHARDS, OPEN_DATES, whole_reads)
    assert not problems, "\n".join(problems)


def test_data_tests_look_at_recent_days_of_what_is_replaced_by_days(
    incremental: Compiled, daily: dict[str, list[Read]]
) -> None:
    by_day = {
        node["name"]
        for node in incremental.nodes("model")
        if node["config"]["meta"].get("replaces") in ("days", "open_dates")
    }
    whole = {
        (model_of(one), short(read.table))
        for one, tables in daily.items()
        if one.startswith("test.")
        for read in tables
        if read.days is None and short(read.table) in by_day - set(SMALL_BY_DAY)
    }
    assert whole == WHOLE_TESTS.keys()


def test_every_reason_for_reading_a_whole_table_is_still_needed(
    daily: dict[str, list[Read]],
) -> None:
    models = [tables for name, tables in daily.items() if name.startswith("model.")]
    whole = {one.table.rpartition(".")[2] for tables in models for one in tables if not one.days}
    assert set(WHOLE_READS) - whole == set()


def test_the_first_run_reads_the_same_raw_columns(
    first: dict[str, list[Read]], contract: frozenset[str]
) -> None:
    raw = {name: one for name, tables in first.items() for one in tables if _is_raw(one)}
    assert list(raw) == [f"model.micro_conversions.{RAW}"]
    (read,) = raw.values()
    assert read.columns == contract
    assert read.days  # by name also where all shards are read: a wildcard must not find others


def test_the_command_knows_what_is_read(
    first: dict[str, list[Read]], daily: dict[str, list[Read]], incremental: Compiled
) -> None:
    """`WRITE_READS=1 make test-bigquery` writes the file anew; its difference shows the cost."""
    text = reads_csv(first, daily, incremental)
    if os.environ.get("WRITE_READS"):
        FILE.write_text(text, encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("model", "old", "new", "message"),
    [
        (
            "int_export_as_of",
            "`offline-project`.`micro_conversions`.`stg_ga4__export_days`",
            "(select date '2026-06-11' as event_date from"
            " `offline-project`.`analytics_123456`.`events_*` where _table_suffix = '20260611')",
            "only base_ga4__events may read the raw export",
        ),
        (
            RAW,
            "cast(export.platform as string)",
            "cast(export.platform || export.geo.continent as string)",
            "outside ga4_export_columns(): geo.continent",
        ),
        (RAW, "where export._table_suffix in (", "where export.event_name in (", "all shards"),
        (
            RAW,
            "_table_suffix in ('0260608',",
            "_table_suffix in ('0260607',",
            "20260607, 20260608",
        ),
        (
            "int_session_days",
            "and event_date in (date",
            "and event_date not in (date",
            "int_session_days: reads all days of base_ga4__events",
        ),
        (
            "int_session_days",
            "and event_date in (date '2026-06-08',",
            "and event_date in (date '2026-06-01',",
            "int_session_days: reads more days of base_ga4__events than are open",
        ),
        (
            "int_event_names_counted",
            "where event_date in (date",
            "where event_date is null or event_date in (date",
            "reads all days of base_ga4__events",
        ),
    ],
)
def test_waste_is_named(
    model: str,
    old: str,
    new: str,
    message: str,
    incremental: Compiled,
    full: Compiled,
    analyzed: Analysis,
    contract: frozenset[str],
    whole_reads: dict[str, str],
) -> None:
    wrong = planted(incremental, model, old, new)
    found = project_reads(wrong, EXPORT_2026, analyzed.tables(full), only={model})
    problems = wasteful_reads(found, contract, OPEN_SHARDS, OPEN_DATES, whole_reads)
    assert any(message in problem for problem in problems), problems


def test_a_table_read_as_a_whole_needs_a_reason(
    daily: dict[str, list[Read]], contract: frozenset[str], whole_reads: dict[str, str]
) -> None:
    fewer = {name: why for name, why in whole_reads.items() if name != "mart_segment_conversions"}
    problems = wasteful_reads(daily, contract, OPEN_SHARDS, OPEN_DATES, fewer)
    assert sorted(problems) == [
        f"{reader}: reads all days of mart_segment_conversions"
        for reader in (
            "bi_days",
            "bi_segments",
            "mart_kpis",
            "mart_segment_gaps",
            "mart_tracked_rates",
        )
    ]


# ---- the reader of reads, on small statements ----------------------------------------------------


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    small = Catalog()
    small.add(
        "p.d.t",
        [
            Column("a", "INT64"),
            Column("b", "INT64"),
            Column("s", "STRUCT<x STRING, y STRUCT<z INT64, w INT64>>"),
            Column("items", "ARRAY<STRUCT<key STRING, value STRUCT<v INT64>>>"),
            Column("event_date", "DATE"),
        ],
    )
    return small


@pytest.mark.parametrize(
    ("sql", "columns", "days"),
    [
        ("select a from t", "a", None),
        ("with c as (select * from t) select b from c", "b", None),
        ("with c as (select a, b + 1 as e from t) select a from c", "a", None),
        ("select s.y.z from t", "s.y.z", None),
        ("select s.y.z, s.y as y from t", "s.y", None),
        ("select sum(i.value.v) from t, unnest(t.items) as i where i.key = 'k'",
         "items.key items.value.v", None),
        ("select array(select i.key from unnest(t.items) as i) from t", "items.key", None),
        ("select 1 from t where a in (select b from t)", "a b", None),
        ("select 1 from t where exists (select b from t where a = 1)", "a", None),
        ("select a from t where event_date = '2026-01-02'", "a event_date", "2026-01-02"),
        ("select a from (select * from t) where event_date in ('2026-01-02', '2026-01-03')",
         "a event_date", "2026-01-02 2026-01-03"),
        ("select a from t where event_date = '2026-01-02' or a = 1", "a event_date", None),
        ("select a from t where event_date >= '2026-01-02'", "a event_date", None),
        ("select a from t where event_date = '2026-01-02' union all select a from t",
         "a event_date", None),
        ("select a, row_number() over (order by a) as n from t qualify n = 1", "a", None),
        ("select * from (select event_date, row_number() over (order by a) as n from t)"
         " where event_date = '2026-01-02'", "a event_date", None),
    ],
)  # fmt: skip
def test_reads_are_seen_through_ctes_records_and_arrays(
    catalog: Catalog, sql: str, columns: str, days: str | None
) -> None:
    (read,) = reads(catalog.analyze(re.sub(r"\b(from|join) t\b", r"\1 `p.d.t` as t", sql)))
    assert sorted(read.columns) == columns.split()
    assert read.days == (None if days is None else frozenset(days.split()))


def test_a_view_is_looked_through(catalog: Catalog) -> None:
    catalog.add("p.d.v", catalog.columns("p.d.t"))
    views = {"p.d.v": catalog.analyze("select * from `p.d.t` where b = 1")}
    sql = "select s.x from `p.d.v` where event_date = '2026-01-02'"
    (read,) = reads(catalog.analyze(sql), views)
    assert read == Read("p.d.t", frozenset({"b", "event_date", "s.x"}), frozenset({"2026-01-02"}))


def _is_raw(read: Read) -> bool:
    return read.table == EXPORT_TABLE


def _contract(path: Path) -> dict[str, Any]:
    """The mapping that a macro returns, rendered by Jinja itself with the macro beside it."""
    import jinja2

    class ReturnedError(Exception):
        pass

    def give_back(value: Any) -> Any:
        raise ReturnedError(value)

    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    source = path.read_text(encoding="utf-8")
    items = re.search(r"macro ga4_item_fields\(\).*?return\((.*?)\) -\}\}", source, re.DOTALL)
    assert items, "ga4_item_fields() is not beside ga4_export_columns()"
    inlined = source.replace("[ga4_item_fields()]", f"[{items[1]}]")
    template = environment.from_string(inlined + "{{ ga4_export_columns() }}")
    try:
        template.render({"return": give_back})
    except ReturnedError as returned:
        mapping: dict[str, Any] = returned.args[0]
        return mapping
    raise AssertionError("ga4_export_columns() returns nothing")


def _leaves(fields: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name, kind in fields.items():
        inner = kind[0] if isinstance(kind, list) else kind
        found += [prefix + name] if isinstance(inner, str) else _leaves(inner, f"{prefix}{name}.")
    return found
