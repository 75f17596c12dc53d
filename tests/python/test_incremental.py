"""An incremental build ends in exactly the rows of a full refresh, and reads no more than it must.

Every scenario starts from a copy of one built warehouse whose export has what real ones have: a day
that is missing, a day whose late hits are still to come, and a newest day that is intraday only.
"""

from __future__ import annotations

import datetime as dt
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from project_run import Warehouse
from small_export import SECOND, Row, SmallExport, day_path, write_rows

SEED = 11
FIRST, SECOND_DAY, MISSING, FOURTH, LATE, INTRADAY = range(6)  # the days of the export, by number
WINDOW = {FOURTH, LATE, INTRADAY}  # late_arrival_days is 3
COMPARED = ("stg_", "dim_", "fct_", "mart_")
SHOWN_ROWS = 3


# ---- comparing warehouses ------------------------------------------------------------------------


def first_differences(
    left: Warehouse, right: Warehouse, *, left_may_lack_tables: bool = False
) -> list[str]:
    """Every staging, core and mart table that differs, with its first rows on either side alone."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    tables = load_tables(connection, left, "left_side")
    right_tables = load_tables(connection, right, "right_side")
    if left_may_lack_tables:
        right_tables = {table: right_tables[table] for table in tables}
    else:
        assert len(tables) >= 15
    assert tables == right_tables, "tables or columns differ"
    differences = []
    for table, columns in tables.items():
        sides = [f"select * from {side}.{table}" for side in ("left_side", "right_side")]
        for name, (here, there) in (("incremental", sides), ("full refresh", sides[::-1])):
            only = connection.execute(f"{here} except all {there}").fetchall()
            if only:
                rows = [str(dict(zip(columns, row, strict=True))) for row in only]
                shown = "\n    ".join(sorted(rows)[:SHOWN_ROWS])
                differences.append(f"{table}: {len(only)} rows only in {name}\n    {shown}")
    connection.close()
    return differences


def load_tables(
    connection: duckdb.DuckDBPyConnection, warehouse: Warehouse, schema: str
) -> dict[str, list[str]]:
    """Copies the compared tables and views into a schema; returns their columns, sorted.

    loaded_at, which tells when and not what, is left out.
    """
    connection.execute(f"create schema {schema}")
    connection.execute(f"attach '{warehouse.path}' as micro_conversions (read_only)")
    rows = connection.execute(
        """
        select table_name, list(column_name order by column_name)
        from information_schema.columns
        where table_catalog = 'micro_conversions' and column_name <> 'loaded_at'
        group by table_name
        order by table_name
        """
    ).fetchall()
    tables = {table: columns for table, columns in rows if table.startswith(COMPARED)}
    for table, columns in tables.items():
        connection.execute(
            f"create table {schema}.{table} as"
            f" select {', '.join(columns)} from micro_conversions.main.{table}"
        )
    connection.execute("detach micro_conversions")
    return tables


def assert_equal_tables(left: Warehouse, right: Warehouse) -> None:
    """Fails with every table that differs and its first differing rows."""
    differences = first_differences(left, right)
    assert not differences, "\n".join(differences)


def full_refresh_of(warehouse: Warehouse, root: Path) -> Warehouse:
    """A new warehouse, built at once from the export files of another."""
    other = Warehouse(root, pattern=warehouse.environment["GA4_EXPORT_FILES"])
    other.build()
    return other


def copy_of(warehouse: Warehouse, root: Path) -> Warehouse:
    """A copy of a warehouse and its export (files keep their times, so that none looks changed)."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copytree(warehouse.export, root / "export")
    for file in warehouse.root.glob(f"{warehouse.path.name}*"):  # and its write-ahead log
        shutil.copy2(file, root)
    return Warehouse(root)


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


# ---- the warehouse that the scenarios start from -------------------------------------------------


def new_export(seed: int) -> SmallExport:
    return SmallExport(seed=seed, day_count=6)


def write_first_state(export: SmallExport, folder: Path) -> None:
    """The export as it was: a day missing, a day without its late hits, the newest intraday."""
    days = export.dates
    export.write(folder, days[FIRST], days[SECOND_DAY], days[FOURTH])
    write_rows(day_path(folder, days[LATE]), export.part_of(days[LATE], 0.7))
    write_rows(
        day_path(folder, days[INTRADAY], "intraday"),
        export.part_of(days[INTRADAY], 0.5),
        without=["traffic_source"],
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The first state of the export of SEED, built at once. Scenarios copy it."""
    warehouse = Warehouse(tmp_path_factory.mktemp("base"))
    write_first_state(new_export(SEED), warehouse.export)
    warehouse.build()
    return warehouse


# ---- scenarios -----------------------------------------------------------------------------------


def late_hits_arrive(export: SmallExport, folder: Path) -> None:
    export.write(folder, export.dates[LATE])


def changed_day_is_delivered_again(export: SmallExport, folder: Path) -> None:
    """Rows change and vanish, visitors vanish, log-ins vanish, so that identities fall apart."""
    day = export.dates[SECOND_DAY]
    pick = random.Random(export.seed)
    devices = export.devices_of(day)
    gone = set(pick.sample(devices, k=len(devices) // 4))
    logged_out = {device for device in devices if pick.random() < 0.4}

    def changed(row: Row) -> Row | None:
        device = row["user_pseudo_id"]
        if device in gone or pick.random() < 0.1:
            return None
        if device in logged_out:
            row["user_id"] = None
        if pick.random() < 0.1:
            row["event_name"] = pick.choice(["sign_up", "purchase", "add_to_cart", None])
        if pick.random() < 0.1 and row["event_timestamp"]:
            row["event_timestamp"] += SECOND
        return row

    export.rewrite(day, changed)
    export.write(folder, day)


def missing_day_and_daily_table_come(export: SmallExport, folder: Path) -> None:
    """The intraday table of the day whose daily table comes stays for a while."""
    export.write(folder, export.dates[MISSING], export.dates[INTRADAY])


def intraday_table_goes(export: SmallExport, folder: Path) -> None:
    export.write(folder, export.dates[INTRADAY])
    day_path(folder, export.dates[INTRADAY], "intraday").unlink()


SCENARIOS: list[tuple[Callable[[SmallExport, Path], None], set[int]]] = [
    (late_hits_arrive, WINDOW),
    (changed_day_is_delivered_again, WINDOW | {SECOND_DAY}),
    (missing_day_and_daily_table_come, WINDOW | {MISSING}),
]


@pytest.mark.parametrize(
    ("happens", "expected_days"), SCENARIOS, ids=lambda value: getattr(value, "__name__", "")
)
def test_incremental_equals_full_refresh_when(
    base: Warehouse,
    tmp_path: Path,
    happens: Callable[[SmallExport, Path], None],
    expected_days: set[int],
) -> None:
    export = new_export(SEED)
    warehouse = copy_of(base, tmp_path / "incremental")
    happens(export, warehouse.export)
    warehouse.build()
    assert days_read(warehouse, export) == expected_days
    assert_best_tables_read(warehouse)
    assert first_differences(warehouse, base), "the scenario changed nothing: it tests nothing"
    assert_equal_tables(warehouse, full_refresh_of(warehouse, tmp_path / "full"))


def test_days_loaded_one_at_a_time_equal_all_at_once(base: Warehouse, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    files = sorted(base.export.iterdir(), key=lambda path: path.name[-16:])
    for number, file in enumerate(files):
        shutil.copy2(file, warehouse.export)
        if number > 0:  # the first two together
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
