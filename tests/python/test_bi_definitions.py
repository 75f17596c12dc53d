"""What bi/ ships: definitions that name the models' columns, and SQL that runs on a build."""

from __future__ import annotations

import zipfile
from pathlib import Path

import bi_definitions
import pytest
import yaml
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
            if name in ("rest_conversion_rate", "segment_value"):
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


def test_nobody_is_a_lead_who_did_not_allow_it(warehouse: Warehouse) -> None:
    listed = warehouse.rows("select visitor_id from bi_leads order by all")
    allowed = warehouse.rows(
        """
        select visitor_id from mart_lead_scores
        inner join dim_visitors using (visitor_id)
        where dim_visitors.has_consent and dim_visitors.has_ads_consent
        order by all
        """
    )
    assert listed == allowed
    # Those who may not be listed are there, so that leaving them out can fail.
    assert len(listed) < warehouse.value("select count(*) from mart_lead_scores")
