"""Counts events and parameters of an export: names, types and numbers, never a value."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microconv.check.engine import engine, sql_text
from microconv.check.exports import DEFAULT_PATTERN, check_export
from microconv.check.project import project_variables
from microconv.errors import FINDINGS, MicroconvError

if TYPE_CHECKING:
    from microconv.profile import Warehouse

WAREHOUSE_DAYS = 28
"""Days that are read of staged events where nobody says how many: every day costs."""
_TYPES = ("string", "int", "float", "double")


@dataclass(frozen=True)
class Parameter:
    """A parameter of an event: how many of its events carry it, and in which types."""

    name: str
    event_count: int
    types: tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """An event name. Visitors are `user_pseudo_id`s; events without consent have none."""

    name: str
    event_count: int
    visitor_count: int
    key_event_count: int
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class Export:
    """What was looked at, in words, and its events, the most frequent first."""

    place: str
    first_date: date
    last_date: date
    day_count: int
    events: tuple[Event, ...]


def read_export(project_dir: Path, export: str | None, days: int | None) -> Export:
    """Count what the export files hold, or the staged events where the project reads tables.

    Args:
        project_dir: The folder of dbt_project.yml.
        export: Glob of export files; None for GA4_EXPORT_FILES, the tables, or the demo export.
        days: Only so many of the newest days; None for all files, or `WAREHOUSE_DAYS` of tables.

    Raises:
        MicroconvError: There is no export that can be read.
    """
    named = export or os.environ.get("GA4_EXPORT_FILES")
    variables = project_variables(project_dir)
    if not named and (variables.get("ga4_dataset") or variables.get("ga4_properties")):
        from microconv.profile import open_warehouse

        with open_warehouse(project_dir) as warehouse:
            return read_staged(warehouse, days or WAREHOUSE_DAYS)
    return read_files(named or DEFAULT_PATTERN, project_dir, days)


def read_files(pattern: str, project_dir: Path, days: int | None) -> Export:
    """Count the rows of export files as exported, copies included, one table per day."""
    import duckdb

    if "://" in pattern:
        raise MicroconvError(
            f"{pattern} is an address; discover reads files.", "Name a folder of this machine."
        )
    found = check_export(pattern, project_dir, None)
    if not found.files:
        first = found.problems[0]
        raise MicroconvError(f"{first.file}: {first.message}", first.remedy, FINDINGS)
    chosen = _best_per_day(found.files)
    newest = max(day for _, day in chosen)
    if days is not None:
        chosen = {key: path for key, path in chosen.items() if (newest - key[1]).days < days}
    names = ", ".join(sql_text(str(path)) for path in chosen.values())
    rows = f"""
        (
            select nullif(trim(event_name), '') as event_name, user_pseudo_id, event_params
            from read_parquet([{names}], union_by_name = true)
        )
    """
    try:
        events = _records(events_query(rows))
        parameters = _records(parameters_query(rows, is_duckdb=True))
    except duckdb.Error as error:
        raise MicroconvError(
            f"The export files cannot be read: {str(error).splitlines()[0]}",
            "`microconv check` says which one.",
            FINDINGS,
        ) from error
    dates = sorted({day for _, day in chosen})
    place = f"{len(chosen)} export {'file' if len(chosen) == 1 else 'files'}"
    return Export(place, dates[0], dates[-1], len(dates), _joined(events, parameters))


def read_staged(warehouse: Warehouse, days: int) -> Export:
    """Count accepted events of the newest days, as a build has staged them."""
    [span] = warehouse.run_query(f"""
        select max(event_date) as last_date from {warehouse.relation("stg_ga4__export_days")}
    """)
    last = span["last_date"]
    if not isinstance(last, date):
        raise MicroconvError("No day was loaded yet.", "Run `make build` first.", FINDINGS)
    first = last - timedelta(days=days - 1)
    rows = f"""
        (
            select event_name, user_pseudo_id, event_params
            from {warehouse.relation("stg_ga4__events")}
            where event_date between date '{first.isoformat()}' and date '{last.isoformat()}'
        )
    """
    events = warehouse.run_query(events_query(rows))
    parameters = warehouse.run_query(parameters_query(rows, warehouse.is_duckdb))
    place = f"accepted events of {warehouse.place}"
    return Export(place, first, last, days, _joined(events, parameters))


def events_query(rows: str) -> str:
    """Counts per event name, for both warehouses."""
    return f"""
        select
            event_name,
            count(*) as event_count,
            count(distinct user_pseudo_id) as visitor_count
        from {rows} as events
        where event_name is not null
        group by event_name
    """


def parameters_query(rows: str, is_duckdb: bool) -> str:
    """Counts per event name and parameter, with the types that values arrive in.

    GA4 marks a key event with the parameter `firebase_conversion`.
    """
    if is_duckdb:
        # A join with unnest() would carry every row's array along, twelve times as slow.
        pairs = f"select event_name, unnest(event_params) as parameter from {rows} as events"
    else:
        pairs = f"""
            select events.event_name, parameter
            from {rows} as events
            cross join unnest(events.event_params) as parameter
        """
    types = ",\n".join(
        f"sum(case when parameter.value.{kind}_value is not null then 1 else 0 end) as {kind}_count"
        for kind in _TYPES
    )
    return f"""
        select
            event_name,
            parameter.key as parameter_name,
            count(*) as event_count,
            sum(
                case
                    when parameter.key = 'firebase_conversion'
                        and (parameter.value.int_value = 1 or parameter.value.string_value = '1')
                        then 1
                    else 0
                end
            ) as key_event_count,
            {types}
        from ({pairs}) as pairs
        where event_name is not null
            and parameter.key is not null
        group by event_name, parameter.key
    """


def _best_per_day(files: list[Path]) -> dict[tuple[str, date], Path]:
    """The table that a build would take: daily before fresh before intraday."""
    best: dict[tuple[str, date], tuple[int, Path]] = {}
    for path in files:
        named = re.search(r"analytics_([0-9]+)", str(path))
        digits = path.stem[-8:]
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        rank = 2 if "intraday_" in path.name else 1 if "fresh_" in path.name else 0
        key = (named.group(1) if named else "property", day)
        if key not in best or rank < best[key][0]:
            best[key] = (rank, path)
    return {key: path for key, (_, path) in sorted(best.items())}


def _records(sql: str) -> list[dict[str, Any]]:
    cursor = engine().execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _joined(events: list[Any], parameters: list[Any]) -> tuple[Event, ...]:
    """Events with their parameters, each the most frequent first."""
    of_event: dict[str, list[Parameter]] = {}
    marked: dict[str, int] = {}
    for row in parameters:
        name = str(row["event_name"])
        marked[name] = marked.get(name, 0) + int(row["key_event_count"])
        types = tuple(kind for kind in _TYPES if row[f"{kind}_count"])
        found = Parameter(str(row["parameter_name"]), int(row["event_count"]), types)
        of_event.setdefault(name, []).append(found)
    found_events = [
        Event(
            name=str(row["event_name"]),
            event_count=int(row["event_count"]),
            visitor_count=int(row["visitor_count"]),
            key_event_count=marked.get(str(row["event_name"]), 0),
            parameters=tuple(
                sorted(
                    of_event.get(str(row["event_name"]), []),
                    key=lambda one: (-one.event_count, one.name),
                )
            ),
        )
        for row in events
    ]
    return tuple(sorted(found_events, key=lambda one: (-one.event_count, one.name)))
