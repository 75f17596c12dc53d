"""What bi/ ships: definitions that name the models' columns, and SQL that runs on a build."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import bi_definitions
import pytest
import yaml
from export_rows import change_tables, copy_tables
from project_run import PROJECT, Warehouse
from report_case import built_report

QUERIES = sorted((PROJECT / "bi" / "sql").glob("*.sql"))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_report(tmp_path_factory)


def test_the_files_are_those_of_the_models() -> None:
    """`python scripts/bi_definitions.py` writes them anew."""
    assert bi_definitions.differing(bi_definitions.definitions()) == []


def test_every_column_has_a_friendly_name_of_its_own() -> None:
    for page in bi_definitions.pages():
        labels = [column.label for column in page.columns]
        assert len({*labels}) == len(labels)
        assert all(column.description for column in page.columns)
        assert not [label for label in labels if "_" in label]


def test_a_chart_of_superset_reads_columns_that_there_are() -> None:
    for page in bi_definitions.pages():
        chart = bi_definitions.CHARTS[page.name]
        known = {column.name for column in page.columns}
        named = chart.get("columns") or f"{chart['line']} {chart['by']} {chart['over']}"
        assert {*named.split()} <= known


def test_the_bundle_of_superset_names_its_own_parts(tmp_path: Path) -> None:
    bi_definitions.pack(bi_definitions.definitions(), tmp_path / "b.zip", "duckdb:////data/copy.db")
    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        read = {name: yaml.safe_load(bundle.read(name)) for name in bundle.namelist()}
    [database] = [one for name, one in read.items() if "/databases/" in name]
    datasets = {one["uuid"]: one for name, one in read.items() if "/datasets/" in name}
    charts = {one["uuid"]: one for name, one in read.items() if "/charts/" in name}
    [dashboard] = [one for name, one in read.items() if "/dashboards/" in name]
    assert database["sqlalchemy_uri"] == "duckdb:////data/copy.db"
    assert {one["database_uuid"] for one in datasets.values()} == {database["uuid"]}
    assert {one["dataset_uuid"] for one in charts.values()} == datasets.keys()
    shown = [one for one in dashboard["position"].values() if isinstance(one, dict)]
    assert {one["meta"]["uuid"] for one in shown if one["type"] == "CHART"} == charts.keys()


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_ready_query_answers_on_a_build(path: Path, warehouse: Warehouse) -> None:
    sql = path.read_text(encoding="utf-8")
    assert sql.startswith("-- ") and "-- Chart: " in sql
    rows = warehouse.records(sql)
    assert rows
    for name in rows[0]:
        if name.endswith(("_rate", "_value")) or name in ("value", "probability"):
            if name in ("rest_conversion_rate", "segment_value", "q_value"):
                continue
            assert {f"{name}_low", f"{name}_high"} <= rows[0].keys(), f"{name} without its interval"


def test_a_page_says_what_the_marts_say(warehouse: Warehouse) -> None:
    [(pages, marts)] = warehouse.rows(
        """
        select
            (select count(*) from bi_funnels where period_grain = 'all'),
            (
                select count(*) from mart_funnel_steps
                where period_grain = 'all' and segment_attribution = 'entry'
                    and segment_dimension in
                        ('all', 'device_category', 'channel_group', 'visitor_type')
            )
        """
    )
    assert pages == marts > 0
    differing = warehouse.rows(
        """
        select days.calendar_date, days.conversion_name
        from bi_days as days
        inner join mart_daily_conversions as marts
            on days.calendar_date = marts.conversion_date
            and days.conversion_name = marts.conversion_name
            and marts.segment_dimension = 'all'
        where days.session_count <> marts.session_count
            or days.conversion_count <> marts.conversion_count
            or days.revenue_usd is distinct from marts.revenue_usd
        """
    )
    assert differing == []
    assert warehouse.value("select count(*) from bi_key_figures where value is not null") > 0


def test_segments_and_key_figures_are_rows_of_the_marts(warehouse: Warehouse) -> None:
    for page, mart, shared in (
        (
            "bi_segments",
            "mart_segment_conversions"
            " where period_grain = 'all' and segment_dimension not like '% x %'",
            "conversion_name, segment_dimension, segment_value, session_count,"
            " session_conversion_rate, visitor_count, visitor_conversion_rate_high",
        ),
        (
            "bi_segments where verdict is not null",
            "mart_segment_gaps where segment_dimension not like '% x %'",
            "conversion_name, segment_dimension, segment_value, session_count, rate_ratio, q_value,"
            " verdict, session_conversion_rate, rest_conversion_rate",
        ),
        (
            "(select distinct * exclude (week_start_date, week_value, week_value_low,"
            " week_value_high, week_base_count, week_immature_count) from bi_key_figures)",
            "mart_kpis where period_grain = 'all' and segment_dimension = 'all'",
            "kpi_name, value, value_low, value_high, base_count, status",
        ),
        (
            "bi_key_figures where week_start_date is not null",
            "(select *, value as week_value, value_low as week_value_low from mart_kpis)"
            " where period_grain = 'week' and segment_dimension = 'all'",
            "kpi_name, week_value, week_value_low",
        ),
    ):
        found = warehouse.rows(f"select {shared} from {page} order by all")
        expected = warehouse.rows(f"select {shared} from {mart} order by all")
        assert found == expected and found, page


def test_the_calendar_has_every_day_once(warehouse: Warehouse) -> None:
    days = warehouse.records("select * from dim_dates order by calendar_date")
    last = dt.date(2026, 11, 8)
    assert [one["calendar_date"] for one in days] == [
        last - dt.timedelta(days=back) for back in reversed(range(35))
    ]
    for one in days:
        day = one["calendar_date"]
        assert one["weekday_number"] == day.isoweekday()
        assert one["week_start_date"] == day - dt.timedelta(days=day.weekday())
        assert one["month_start_date"] == day.replace(day=1)
        assert one["followed_day_count"] == (last - day).days
        assert one["is_loaded"] and not one["is_holiday"]


@pytest.mark.slow
def test_nobody_is_a_lead_who_did_not_allow_it(warehouse: Warehouse, tmp_path: Path) -> None:
    changed = Warehouse(tmp_path)
    copy_tables(warehouse.path, changed.path)
    change_tables(
        changed.path,
        "update dim_visitors set has_consent = false where session_count % 3 = 0",
        "update dim_visitors set has_ads_consent = false where session_count % 3 = 1",
    )
    changed.dbt("run", "--select", "bi_leads").must_succeed()
    listed = changed.rows("select visitor_id from bi_leads order by all")
    allowed = changed.rows(
        "select visitor_id from mart_lead_scores inner join dim_visitors using (visitor_id)"
        " where dim_visitors.session_count % 3 = 2 order by all"
    )
    assert listed == allowed and listed
