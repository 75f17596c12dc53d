"""Rung 2: two runs of dbt give the same rows on DuckDB and on Google's reference executor.

The second run finds a day delivered anew, a day that came late, days that replace others and a day
whose table is gone, so that what incremental models delete and insert is compared too.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import duckdb as duckdb_package
import pytest
from microconv.watch.columns import TABLES

from . import passed
from .bq_types import Row
from .compare import differences, key_of
from .compile_offline import DATABASE, Compiled, build_on_duckdb, run_project
from .conftest import ROOT, VARIABLES
from .execute import read_duckdb, seed_rows
from .export_schema import EXPORT_2026
from .fixture import write_parquet
from .fixture_events import fixture_events
from .googlesql import Result
from .project import relation
from .reference_run import ReferenceWarehouse

pytestmark = pytest.mark.slow

# What a row was made of and when, physically: two warehouses cannot agree on it.
PHYSICAL = {"source_version", "loaded_at", "definitions_version"}
# Tables that come after the first run, one of them late, and a day that the first run finds without
# some of its rows.
COMING = {"20260228", "20260308", "fresh_20260309", "intraday_20260309", "intraday_20260310"}
REDELIVERED = "20260302"
# A day of the late-arrival window, whose table is gone when it is to be read again.
GONE = "20260307"
EVENTS = "model.micro_conversions.base_ga4__events"
FIRST, LATER = "2 executed", "2 later run"

# The shipped list of derived conversions is empty: these are of every kind, over each other too.
DERIVED = (
    "compared,view_item,1,item:item_id,session,,done,,,",
    "cart_left,add_to_cart,1,,session,add_to_cart,done,,,",
    "cart_left,purchase,1,,session,add_to_cart,not_done,,,",
    "back,compared,1,,3 days,first_visit,done,,,",
    "back,view_item,1,page_path,3 days,first_visit,done,session_number,at_least,1",
)

# What `microconv watch` writes between two runs, and a build must keep.
_CELLS: dict[str, Any] = {
    "text": "it's",
    "number": 0.5,
    "integer": 3,
    "truth": True,
    "date": dt.date(2026, 3, 9),
}
WRITTEN: dict[str, Row] = {
    name: {column: _CELLS[kind] for column, kind in columns.items()}
    for name, columns in TABLES.items()
}

Tables = dict[str, Result]  # by unique id


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with these derived conversions."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("macros", "models", "seeds", "analyses", "tests/data", "tests/generic"):
        shutil.copytree(ROOT / name, copy / name)
    for name in ("dbt_project.yml", "profiles.example.yml"):
        shutil.copy(ROOT / name, copy)
    with (copy / "seeds" / "conversion_catalog.csv").open("a", encoding="utf-8") as catalog:
        catalog.writelines(
            f"{name},{name},micro,secondary_action,interest,purchase,ecommerce,every_event,none,0,\n"
            for name in sorted({row.partition(",")[0] for row in DERIVED})
        )
    with (copy / "seeds" / "derived_conversions.csv").open("a", encoding="utf-8") as derived:
        derived.writelines(f"{row}\n" for row in DERIVED)
    with (copy / "seeds" / "experiment_variants.csv").open("a", encoding="utf-8") as variants:
        variants.writelines(("VWO-12,1,control,2.5\n", "VWO-12,0,treatment,1\n"))
    return copy


@pytest.fixture(scope="module")
def deliveries() -> dict[str, list[Row]]:
    """The export as each run finds it; in the end the whole fixture has been read."""
    events = fixture_events()
    first = [
        event
        for place, event in enumerate(events)
        if event["_TABLE_SUFFIX"] not in COMING
        and (place % 4 or event["_TABLE_SUFFIX"] != REDELIVERED)
    ]
    return {FIRST: first, LATER: [one for one in events if one["_TABLE_SUFFIX"] != GONE]}


@pytest.fixture(scope="module")
def duckdb(
    project: Path, deliveries: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Tables]:
    """Every seed and model after each run on DuckDB."""
    work = tmp_path_factory.mktemp("duckdb")
    changed = {REDELIVERED, *COMING}
    tables = {}
    for run, events in deliveries.items():
        rows = [one for one in events if run == FIRST or one["_TABLE_SUFFIX"] in changed]
        files = write_parquet(rows, EXPORT_2026, work / "export")
        if run == LATER:
            next((work / "export").rglob(f"events_{GONE}.parquet")).unlink()
        build_on_duckdb(project, work, files, VARIABLES)
        tables[run] = read_duckdb(work)
        if run == FIRST:
            write_on_duckdb(work)
    return tables


def write_on_duckdb(work: Path) -> None:
    with duckdb_package.connect(str(work / DATABASE)) as connection:
        for name, row in WRITTEN.items():
            columns, places = ", ".join(row), ", ".join("?" * len(row))
            connection.execute(
                f"insert into {name} ({columns}) values ({places})", list(row.values())
            )


@pytest.fixture(scope="module")
def warehouse(full: Compiled, project: Path) -> ReferenceWarehouse:
    """Google's executor as a warehouse that holds the seeds."""
    models = full.nodes("model")
    views = frozenset(relation(one) for one in models if one["config"]["materialized"] == "view")
    warehouse = ReferenceWarehouse(view_names=views)
    for seed in full.nodes("seed"):
        warehouse.build(relation(seed), seed_rows(seed | {"root_path": str(project)}))
    return warehouse


@pytest.fixture(scope="module")
def bigquery(
    full: Compiled,
    project: Path,
    warehouse: ReferenceWarehouse,
    deliveries: dict[str, list[Row]],
    work: Path,
) -> dict[str, Tables]:
    """Every seed and model after each run of dbt-bigquery in that warehouse."""
    tables = {}
    for run, events in deliveries.items():
        warehouse.give_export(EXPORT_2026, events)
        run_project(project, work, warehouse, VARIABLES)
        tables[run] = {
            node["unique_id"]: warehouse.content(relation(node))
            for node in full.nodes("seed", "model")
            if relation(node)
        }
        if run == FIRST:
            for node in full.nodes("model"):
                if node["name"] in WRITTEN:
                    columns = warehouse.content(relation(node)).columns
                    warehouse.build(relation(node), Result(columns, [WRITTEN[node["name"]]]))
    return tables


@pytest.mark.parametrize("run", [FIRST, LATER])
def test_every_model_has_the_same_rows_on_both_warehouses(
    full: Compiled, duckdb: dict[str, Tables], bigquery: dict[str, Tables], run: str
) -> None:
    problems: dict[str, list[str]] = {}
    for node in full.nodes("seed", "model"):
        ours, theirs = duckdb[run][node["unique_id"]], bigquery[run][node["unique_id"]]
        key = [name for name in key_of(full, node, theirs) if name not in PHYSICAL]
        found = differences(node["name"], key, ours, theirs, PHYSICAL)
        problems |= {node["name"]: found} if found else {}
    passed.record(run, [node["name"] for node in full.nodes("model")], problems)
    if problems:
        pytest.fail("\n".join(line for found in problems.values() for line in found), pytrace=False)


def test_the_fixture_reaches_every_model(full: Compiled, duckdb: dict[str, Tables]) -> None:
    """Equal because both are empty would prove nothing."""
    tables = duckdb[LATER]
    empty = [node["name"] for node in full.nodes("model") if not tables[node["unique_id"]].rows]
    assert empty == []


def test_the_later_run_replaces_rows_of_every_incremental_model(
    full: Compiled, warehouse: ReferenceWarehouse, bigquery: dict[str, Tables]
) -> None:
    """Equal because it was a full refresh would prove nothing either."""
    replaced = {
        relation(node)
        for node in full.nodes("model")
        if node["config"]["materialized"] == "incremental"
    }
    assert {name for name, count in warehouse.deleted.items() if count} == replaced


def test_a_day_whose_shard_is_missing_stays(
    duckdb: dict[str, Tables], bigquery: dict[str, Tables]
) -> None:
    for tables in (duckdb, bigquery):
        first, later = (
            [row for row in tables[run][EVENTS].rows if f"{row['event_date']:%Y%m%d}" == GONE]
            for run in (FIRST, LATER)
        )
        assert first
        assert len(later) == len(first)
