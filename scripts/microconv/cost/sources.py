"""Where an estimate's numbers come from: export files, a build on DuckDB, BigQuery's metadata."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microconv.check.exports import DEFAULT_PATTERN
from microconv.check.project import project_variables
from microconv.cost.estimate import Scenario, TableSize
from microconv.cost.reads import EXPORT, columns_read, load_statements
from microconv.cost.sizes import (
    demo_sizes,
    growth_of,
    measure_build,
    measure_export,
    scaled,
)
from microconv.errors import FINDINGS, MicroconvError, NotBuiltError
from microconv.profile import find_project_dir, open_warehouse

if TYPE_CHECKING:
    from microconv.profile import Warehouse

LATE_ARRIVAL_DAYS = 3  # used where dbt_project.yml says nothing


@dataclass(frozen=True)
class Basis:
    """Sizes of tables, the site they are of, and where both come from, in words."""

    sizes: dict[str, TableSize]
    scenario: Scenario
    sentences: list[str]


def read_basis(export: str | None, events_per_day: float | None, history_days: int | None) -> Basis:
    """Look at the export and at what was built; the site is the export's unless it is given.

    Args:
        export: Glob of export files; None for GA4_EXPORT_FILES or the demo export.
        events_per_day: Raw events a day of the site; None for those of the export.
        history_days: Days that are loaded; None for those of the export.

    Raises:
        MicroconvError: The profile is wrong, or there is neither an export nor events_per_day.
    """
    folder = find_project_dir()
    variables = project_variables(folder)
    sizes, days, rows, sentences = _look(folder, variables, export, events_per_day is not None)
    open_days = int(variables.get("late_arrival_days", LATE_ARRIVAL_DAYS)) + 1
    scenario = Scenario(
        events_per_day=events_per_day or (rows / days if days else 0),
        history_days=history_days or days or 365,
        open_days=open_days,
    )
    said = "as given" if events_per_day else "as in the export"
    held = "as given" if history_days else "as in the export" if days else "a year, to be specific"
    sentences.append(
        f"Site: {scenario.events_per_day:,.0f} events a day ({said}), {scenario.history_days:,} "
        f"days of history ({held}). A daily run opens {open_days} days (late_arrival_days and the "
        "new one); a full run reads all."
    )
    return Basis(sizes, scenario, sentences)


def _look(
    folder: Path, variables: Mapping[str, Any], export: str | None, is_site_given: bool
) -> tuple[dict[str, TableSize], int, int, list[str]]:
    """Sizes, days and raw rows of the export, and sentences."""
    sizes, sentences = demo_sizes(), []
    place: tuple[str, str] | None = None
    try:
        with open_warehouse(folder) as warehouse:
            credentials = warehouse.config.credentials
            if credentials.type == "bigquery":
                return bigquery_sizes(warehouse, variables, sizes)
            place = (credentials.path, credentials.schema)
    except NotBuiltError:
        pass
    days = rows = 0
    columns = columns_read(load_statements())
    pattern = export or os.environ.get("GA4_EXPORT_FILES") or DEFAULT_PATTERN
    try:
        found = measure_export(pattern, folder, columns[EXPORT])
        sizes[EXPORT], days, rows = found.size, found.day_count, found.row_count
        sentences.append(f"Export: {found.basis}.")
    except MicroconvError:
        if not is_site_given:
            raise
        sentences.append("Export: no files; widths of columns as in the demo shop's export.")
    built = measure_build(*place, columns) if place else {}
    sizes |= built
    sentences.append(
        f"Tables of the project: {len(built)} measured in {place[0]}, per raw event or day; the "
        "rest as in the demo shop."
        if place and built
        else "Tables of the project: not built yet, so rows per event and widths are those of the "
        "demo shop, and your site will differ."
    )
    return sizes, days, rows, sentences


def bigquery_sizes(
    warehouse: Warehouse, variables: Mapping[str, Any], demo: Mapping[str, TableSize]
) -> tuple[dict[str, TableSize], int, int, list[str]]:
    """Sizes from BigQuery's list of tables, which costs the minimum of a query twice.

    The list has bytes per table, not per column: columns share them as in the demo shop.

    Raises:
        MicroconvError: The export's dataset holds no daily tables, or a query is refused.
    """
    credentials = warehouse.config.credentials
    project = variables.get("ga4_project") or credentials.database
    dataset = variables.get("ga4_dataset") or "analytics"
    (raw,) = warehouse.run_query(f"""
        select
            count(distinct substr(table_id, -8)) as day_count,
            sum(row_count) as row_count,
            sum(size_bytes) as size_bytes
        from `{project}`.`{dataset}`.__TABLES__
        where regexp_contains(table_id, r'^events_[0-9]{{8}}$')
    """)
    days, rows, size_bytes = (
        float(str(raw[name] or 0)) for name in ("day_count", "row_count", "size_bytes")
    )
    if not days or not rows:
        raise MicroconvError(
            f"{project}.{dataset} holds no daily tables of a GA4 export.",
            "Set ga4_project and ga4_dataset in dbt_project.yml.",
            FINDINGS,
        )
    sizes = {**demo, EXPORT: scaled(demo[EXPORT], size_bytes / rows)}
    tables = warehouse.run_query(f"""
        select table_id, row_count, size_bytes
        from `{credentials.database}`.`{credentials.schema}`.__TABLES__
        where row_count > 0
    """)
    units = {"events": rows, "run": rows, "days": days, "fixed": 1.0}
    known = [table for table in tables if str(table["table_id"]) in demo]
    for table in known:
        name, count = str(table["table_id"]), float(str(table["row_count"]))
        size = scaled(demo[name], float(str(table["size_bytes"])) / count)
        sizes[name] = replace(size, rows=count / units[growth_of(name)])
    sentences = [
        f"Export: {rows:,.0f} rows in {days:,.0f} daily tables of {project}.{dataset} by their "
        "metadata; how a table's bytes divide among its columns is as in the demo shop.",
        f"Tables of the project: {len(known)} by their metadata; the rest as in the demo shop.",
    ]
    return sizes, int(days), int(rows), sentences
