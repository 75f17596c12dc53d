"""An incremental build ends in exactly the rows of a full refresh, and reads no more than it must.

Every scenario starts from a copy of one built warehouse.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from project_run import Warehouse
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
    seeds_stay = ["--exclude", "resource_type:seed"]
    warehouse.build(*seeds_stay)
    assert days_read(warehouse, new_export(SEED)) == WINDOW
    changed = {difference.split(":")[0] for difference in first_differences(warehouse, base)}
    assert {"fct_sessions", "fct_micro_conversions", "fct_funnel_attempts"} <= changed
    full = copy_of(warehouse, tmp_path / "full")
    full.build("--full-refresh", *seeds_stay)
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
