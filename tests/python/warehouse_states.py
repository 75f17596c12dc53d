"""Warehouses to compare: the states of one export, copies, full refreshes, and what differs.

The export has what real ones have: a day that is missing, a day whose late hits are still to come,
and a newest day that is intraday only.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from project_run import Warehouse, shared_warehouse
from small_export import SECOND, Row, SmallExport, day_path, write_rows

NO_TESTS = ("--exclude-resource-type", "test", "unit_test")
SEED = 11
FIRST, SECOND_DAY, MISSING, FOURTH, LATE, INTRADAY = range(6)  # the days of the export, by number
COMPARED = ("stg_", "dim_", "fct_", "mart_", "evidence_")
LEFTOVER = "__dbt_"  # in the names that dbt gives to what it builds before it is put in place
SHOWN_ROWS = 3


# ---- the first state -----------------------------------------------------------------------------


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


def first_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The first state of the export of SEED, built at once. Tests copy it."""

    def build(new: Warehouse) -> None:
        write_first_state(new_export(SEED), new.export)
        new.build()

    return shared_warehouse(tmp_path_factory, "first", build)


# ---- the nights ----------------------------------------------------------------------------------


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


def eventful_night_at_once(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The export after late hits came and a day was delivered again, built at once.

    An incremental build on top of the first warehouse must end in it.
    """

    def build(new: Warehouse) -> None:
        before = first_warehouse(tmp_path_factory)
        shutil.copytree(before.export, new.export, dirs_exist_ok=True)
        export = new_export(SEED)
        late_hits_arrive(export, new.export)
        changed_day_is_delivered_again(export, new.export)
        new.build()

    return shared_warehouse(tmp_path_factory, "eventful_night", build)


@dataclass(frozen=True)
class Night:
    """What one run has to carry: the tables before, and the export since and the tables after."""

    old: Warehouse
    new: Warehouse

    def begin(self, root: Path) -> Warehouse:
        """A warehouse with the tables before and the export since."""
        warehouse = copy_of(self.old, root)
        warehouse.pattern = self.new.environment["GA4_EXPORT_FILES"]
        return warehouse

    def assert_each_table_is_old_or_new(self, warehouse: Warehouse, when: str) -> None:
        not_old = _tables_of(first_differences(warehouse, self.old))
        neither = not_old & _tables_of(first_differences(warehouse, self.new))
        assert not neither, f"{when}: neither old nor new: {neither}"


def _tables_of(differences: list[str]) -> set[str]:
    return {difference.split(":")[0] for difference in differences}


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

    loaded_at, which tells when and not what, is left out, and so is what a killed run left behind.
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
    tables = {
        table: columns
        for table, columns in rows
        if table.startswith(COMPARED) and LEFTOVER not in table
    }
    for table, columns in tables.items():
        connection.execute(
            f"create table {schema}.{table} as"
            f" select {', '.join(columns)} from micro_conversions.main.{table}"
        )
    connection.execute("detach micro_conversions")
    return tables


def leftovers(warehouse: Warehouse) -> list[str]:
    """The tables and views that dbt had begun and did not put in place or remove."""
    tables = warehouse.rows("select table_name from information_schema.tables order by 1")
    return [table for (table,) in tables if LEFTOVER in table]


def assert_equal_tables(left: Warehouse, right: Warehouse) -> None:
    """Fails with every table that differs and its first differing rows."""
    differences = first_differences(left, right)
    assert not differences, "\n".join(differences)


def assert_mended(warehouse: Warehouse, right: Warehouse) -> None:
    """After an undisturbed run the tables are right and nothing of earlier runs is left."""
    assert_equal_tables(warehouse, right)
    assert leftovers(warehouse) == []


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
