"""An incremental build ends in exactly the rows of a full refresh, and reads no more than it must.

Every scenario starts from a copy of one built warehouse.
"""

from __future__ import annotations

import ast
import csv
import datetime as dt
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from project_run import PROJECT, Warehouse, parsed_manifest
from small_export import SmallExport, day_path, write_rows
from warehouse_states import (
    FIRST,
    FOURTH,
    INTRADAY,
    LATE,
    MISSING,
    SECOND_DAY,
    SEED,
    assert_equal_tables,
    changed_day_is_delivered_again,
    copy_of,
    eventful_night_at_once,
    first_differences,
    first_warehouse,
    full_refresh_of,
    intraday_table_goes,
    late_hits_arrive,
    missing_day_and_daily_table_come,
    new_export,
    write_first_state,
)

WINDOW = {FOURTH, LATE, INTRADAY}  # late_arrival_days is 3
SEEDS_STAY = ("--exclude", "resource_type:seed")
# Columns of lists that no kept row depends on, so that history need not be derived again for them.
DESCRIPTIONS = {
    "conversion_catalog": {
        "label",
        "milestone_type",
        "supports",
        "vertical",
        "lead_points",
        "hypothesis",
    },
    "funnels": {"label"},
    "funnel_stages": {"funnel_part", "intent_level"},
    "lead_score_weights": {
        "conversion_name",
        "points",
        "half_life_days",
        "cap",
        "origin",
        "fitted_on",
    },
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return first_warehouse(tmp_path_factory)


def files_read(warehouse: Warehouse) -> set[str]:
    """The export files that the last run's SQL of base_ga4__events names."""
    compiled = list((warehouse.root / "target" / "compiled").rglob("base_ga4__events.sql"))
    assert len(compiled) == 1
    return set(re.findall(r"[^/']+\.parquet", compiled[0].read_text()))


def assert_best_tables_read(warehouse: Warehouse) -> None:
    """Of two tables of a day only the daily one may be read."""
    names = files_read(warehouse)
    worse = {name for name in names if name.replace("intraday_", "") in names - {name}}
    assert not worse, f"read beside their daily table: {worse}"


def days_read(warehouse: Warehouse, export: SmallExport) -> set[int]:
    """The days, by number, whose files the last run read."""
    numbers = {f"{day:%Y%m%d}": number for number, day in enumerate(export.dates)}
    return {numbers[name.removesuffix(".parquet")[-8:]] for name in files_read(warehouse)}


@pytest.mark.slow
def test_two_nights_end_in_a_full_refresh_each(
    base: Warehouse, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Late hits and a day delivered again; then a day that was missing and a daily table."""
    export = new_export(SEED)
    first_night = eventful_night_at_once(tmp_path_factory)
    warehouse = copy_of(base, tmp_path / "incremental")
    shutil.copytree(first_night.export, warehouse.export, dirs_exist_ok=True)
    warehouse.build()
    assert days_read(warehouse, export) == WINDOW | {SECOND_DAY}
    assert first_differences(warehouse, base), "the first night changed nothing: it tests nothing"
    assert_equal_tables(warehouse, first_night)

    missing_day_and_daily_table_come(export, warehouse.export)
    warehouse.build()
    assert days_read(warehouse, export) == WINDOW | {MISSING}
    assert_best_tables_read(warehouse)
    assert first_differences(warehouse, first_night), "the second night changed nothing"
    assert_equal_tables(warehouse, full_refresh_of(warehouse, tmp_path / "full"))


def test_days_loaded_one_at_a_time_equal_all_at_once(base: Warehouse, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    files = sorted(base.export.iterdir(), key=lambda path: path.name[-16:])
    for number, file in enumerate(files):
        shutil.copy2(file, warehouse.export)
        if number >= len(files) - 3:  # those before together with the first of these
            warehouse.build()
    assert_equal_tables(warehouse, base)


def test_running_again_changes_nothing_and_an_empty_table_wipes_nothing(
    base: Warehouse, tmp_path: Path
) -> None:
    export = new_export(SEED)
    warehouse = copy_of(base, tmp_path)
    # An empty table for a day that is loaded, and for one that is not.
    write_rows(day_path(warehouse.export, export.dates[FIRST]), [])
    write_rows(day_path(warehouse.export, export.dates[MISSING]), [])
    warehouse.build()
    assert days_read(warehouse, export) == WINDOW
    assert_equal_tables(warehouse, base)


@pytest.mark.slow
def test_a_changed_definition_rederives_history_without_reading_it_again(
    base: Warehouse, tmp_path: Path
) -> None:
    """As when the seeds were edited: a rule, a way of counting, a channel, a funnel's window."""
    warehouse = copy_of(base, tmp_path / "incremental")
    connection = duckdb.connect(str(warehouse.path))
    for change in (
        "insert into conversion_rules (conversion_name, rule_group, event_name)"
        " values ('search', 9, 'user_engagement')",
        "update conversion_catalog set counting = 'once_per_session'"
        " where conversion_name = 'view_item'",
        "update channel_groups set channel_group = 'Found' where channel_group = 'Organic Search'",
        "update funnels set window_hours = 1 where funnel_name = 'shop_by_visitor'",
    ):
        connection.execute(change)
    connection.close()
    warehouse.build(*SEEDS_STAY)
    assert days_read(warehouse, new_export(SEED)) == WINDOW
    changed = {difference.split(":")[0] for difference in first_differences(warehouse, base)}
    assert {"fct_sessions", "fct_micro_conversions", "fct_funnel_attempts"} <= changed
    full = copy_of(warehouse, tmp_path / "full")
    full.build("--full-refresh", *SEEDS_STAY)
    assert_equal_tables(warehouse, full)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("counting = 'attempts'", "mart_funnel_steps"),
        ("step_window_hours = 0.01", "fct_funnel_attempts"),
    ],
)
def test_a_funnel_that_counts_otherwise_counts_so_from_the_first_day(
    base: Warehouse, tmp_path: Path, change: str, table: str
) -> None:
    warehouse = copy_of(base, tmp_path / "incremental")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"update funnels set {change} where funnel_name = 'shop_by_visitor'")
    warehouse.build(*SEEDS_STAY)
    changed = {difference.split(":")[0] for difference in first_differences(warehouse, base)}
    assert {table, "mart_funnel_velocity"} <= changed
    full = copy_of(warehouse, tmp_path / "full")
    full.build("--full-refresh", *SEEDS_STAY)
    assert_equal_tables(warehouse, full)


def lists_of_kept_rows() -> set[str]:
    """The seeds that incremental models read, also through what is built anew in every run."""
    nodes = parsed_manifest().nodes
    kept = {name for name, node in nodes.items() if node.config.materialized == "incremental"}
    found: set[str] = set()
    waiting = list(kept)
    while waiting:
        for name in nodes[waiting.pop()].depends_on_nodes:
            if name in nodes and name not in found | kept:
                found.add(name)
                waiting.append(name)
    return {nodes[name].name for name in found if nodes[name].resource_type == "seed"}


def test_every_column_that_kept_rows_depend_on_derives_history_anew() -> None:
    """A column of a list is among the definitions or, by the next test, of no matter here."""
    macro = parsed_manifest().macros["macro.micro_conversions.definition_lists"].macro_sql
    [literal] = re.findall(r"return\((\{.*\})\)", macro, flags=re.DOTALL)
    definitions = ast.literal_eval(literal)
    for name in lists_of_kept_rows():
        with (PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            columns = set(next(csv.reader(file)))
        known = set(definitions.get(name, ())) | DESCRIPTIONS.get(name, set())
        assert columns == known, (
            f"seeds/{name}.csv: name the column in macros/definitions_version.sql, or in "
            f"DESCRIPTIONS here if no kept row depends on it: {sorted(columns ^ known)}"
        )


@pytest.mark.slow
def test_columns_that_only_describe_change_no_kept_row(base: Warehouse, tmp_path: Path) -> None:
    """Every column of DESCRIPTIONS is changed in every row, and history is not derived anew."""
    warehouse = copy_of(base, tmp_path / "incremental")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            "insert into lead_score_weights (conversion_name, points, half_life_days, cap, origin)"
            " select conversion_name, 7, 3, 20, 'by hand' from conversion_catalog"
            " where conversion_name not in (select conversion_name from lead_score_weights)"
        )
        for name, columns in DESCRIPTIONS.items():
            types = dict(
                connection.execute(
                    "select column_name, data_type from information_schema.columns"
                    f" where table_name = '{name}'"
                ).fetchall()
            )
            for column in columns - {"conversion_name", "fitted_on"}:
                other = f"coalesce({column}, 0) + 1"
                if types[column] == "VARCHAR":
                    other = f"coalesce({column}, '') || ' anew'"
                connection.execute(f"update {name} set {column} = {other}")
    warehouse.build(*SEEDS_STAY)
    changed = {difference.split(":")[0] for difference in first_differences(warehouse, base)}
    assert {"dim_conversions", "mart_lead_scores"} <= changed
    full = copy_of(warehouse, tmp_path / "full")
    full.build("--full-refresh", *SEEDS_STAY)
    assert_equal_tables(warehouse, full)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [21])
def test_two_properties_through_eventful_nights_equal_a_full_refresh(
    tmp_path: Path, seed: int
) -> None:
    """Several things happen in one night, to two properties that share visitors' identities."""
    warehouse = Warehouse(tmp_path / "incremental")
    warehouse.pattern = str(warehouse.export / "analytics_*" / "events_*.parquet")
    # An old property: its tables lack columns that came later.
    old, new = warehouse.export / "analytics_11", warehouse.export / "analytics_22"
    exports = {old: new_export(seed), new: new_export(seed + 1)}
    for folder, export in exports.items():
        write_first_state(export, folder)
    days = exports[old].dates
    for day in (days[FIRST], days[SECOND_DAY]):
        write_rows(day_path(old, day), exports[old].days[day], without=["batch_page_id", "items"])
    warehouse.build()
    late_hits_arrive(exports[old], old)
    changed_day_is_delivered_again(exports[new], new)
    warehouse.build()
    missing_day_and_daily_table_come(exports[old], old)
    intraday_table_goes(exports[new], new)
    warehouse.build()
    assert_equal_tables(warehouse, full_refresh_of(warehouse, tmp_path / "full"))


def test_a_reordered_file_is_the_same_day(tmp_path: Path) -> None:
    """Which copy of a repeated row is kept must not depend on where it lies in the file."""
    export = SmallExport(seed=5, day_count=1, visitor_count=30, first_date=dt.date(2026, 1, 5))
    day = export.dates[0]
    builds = []
    for name in ("one", "other"):
        warehouse = Warehouse(tmp_path / name)
        export.write(warehouse.export, day)
        warehouse.build("--select", "stg_ga4__events", "base_ga4__events")
        builds.append(warehouse)
        export.rewrite(day, lambda row: row)
    kept = "select * exclude (source_version) from base_ga4__events order by event_id"
    assert builds[0].rows(kept) == builds[1].rows(kept)
