"""A warehouse on an ordinary day: ten days are loaded, the eleventh has just been exported.

Every day has one daily table of 1,000 rows. The days of the late-arrival window are open besides
the new one, so that a run of this day is to read four days and no other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from .bq_types import Row
from .compile_offline import EXPORT_DATASET, PROJECT
from .engine import SqlError
from .export_schema import EXPORT_2026
from .googlesql import Column, Result
from .metadata import metadata_rows
from .project import metadata_catalog
from .stub import Warehouse, no_rows

ROOT = Path(__file__).parents[2]
LATE_DAYS = 3  # the default of the var late_arrival_days
DAYS = [dt.date(2026, 6, 1) + dt.timedelta(days=day) for day in range(11)]
OPEN_DAYS = DAYS[-1 - LATE_DAYS :]
ROWS_OF_A_DAY = 1000

OPEN_DATES = frozenset(str(day) for day in OPEN_DAYS)
OPEN_SHARDS = frozenset(f"{day:%Y%m%d}" for day in OPEN_DAYS)


def warehouse_of_the_day(existing: Mapping[str, list[Column]]) -> Warehouse:
    """The warehouse as dbt finds it; `existing` are the tables of the runs before.

    What is new is worked out by the project's own queries on the export's metadata and on the
    memory of the last run. Which dates are open is given: that question reads tables that this run
    itself changes before it is asked.
    """
    shards = {f"events_{day:%Y%m%d}": ROWS_OF_A_DAY for day in DAYS}
    rows = metadata_rows(f"{PROJECT}.{EXPORT_DATASET}", EXPORT_2026, shards)
    catalog = metadata_catalog()
    versions = _versions(rows[f"{PROJECT}.{EXPORT_DATASET}.__TABLES__"])

    def answer(sql: str) -> Result:
        if "`stg_ga4__export_days`" in sql:
            dates: list[Row] = [{"event_date": str(day)} for day in OPEN_DAYS]
            return Result([Column("event_date", "STRING")], dates)
        if "`int_export_days_processed`" in sql:
            return Result(
                [
                    Column(name, "STRING")
                    for name in ("property_id", "event_date", "source_version")
                ],
                [
                    {
                        "property_id": EXPORT_DATASET.removeprefix("analytics_"),
                        "event_date": str(day),
                        "source_version": versions[day],
                    }
                    for day in DAYS[:-1]
                ],
            )
        try:
            return catalog.evaluate(sql, rows)
        except SqlError:
            return no_rows(sql)

    return Warehouse(existing, answer)


def _reading_version() -> str:
    """What acts while raw rows are read adds to it: salt, allowed parameters, the staging SQL."""
    variables = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    allowed = ",".join(sorted(variables["allowed_query_parameters"]))
    [staging] = re.findall(
        r'staging_version\(\) %}{{ return\("(\d+)"\) }}',
        (ROOT / "macros" / "export" / "export_shards.sql").read_text(encoding="utf-8"),
    )
    read_by = f"{variables['user_id_salt']}|{allowed}|{staging}"
    return "#" + hashlib.md5(read_by.encode()).hexdigest()[:8]


def _versions(tables: list[Row]) -> dict[dt.date, str]:
    """What macros/export/export_shards.sql calls the version of a day with one daily table."""
    return {
        dt.datetime.strptime(table["table_id"][-8:], "%Y%m%d").date(): (
            f"daily{table['size_bytes']}@{table['last_modified_time']}{_reading_version()}"
        )
        for table in tables
    }
