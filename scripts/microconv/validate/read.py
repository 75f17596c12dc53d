"""Counts the raw export by day, through the macros by which a build reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microconv.errors import FINDINGS, MicroconvError

if TYPE_CHECKING:
    from microconv.profile import Record, Warehouse

BASELINE_DAYS = 28
"""A day is compared with so many before it: four of each weekday."""

Key = tuple[str, date]


@dataclass(frozen=True)
class Table:
    """A day's table or file that a build may read: of which property and date, and which kind."""

    property_id: str
    event_date: date
    kind: str
    name: str


@dataclass(frozen=True)
class Profile:
    """What was counted, by property and date.

    Args:
        place: Where the export lies, in words.
        tables: Every table in the window, also those that a build passes over.
        days: The dates that are judged, a record of counts each (macro export_profile).
        mix: Rows by event name of all dates in the window.
        lacking: Fields that staging reads and a date's table does not have in a fitting type.
        kinds: Which kind of table a build reads of a date.
        judged: Which dates are judged, with rows or without.
    """

    place: str
    tables: tuple[Table, ...]
    days: tuple[Record, ...]
    mix: Mapping[Key, Mapping[str, int]]
    lacking: Mapping[Key, tuple[str, ...]]
    kinds: Mapping[Key, str]
    judged: tuple[Key, ...]

    def row_counts(self, property_id: str) -> dict[date, int]:
        """Rows by date of one property, of dates that have any."""
        return {
            day: sum(counts.values()) for (of, day), counts in self.mix.items() if of == property_id
        }


@contextmanager
def export_named(pattern: str | None) -> Iterator[None]:
    """Have macros read the files of a glob instead of those of GA4_EXPORT_FILES."""
    before = os.environ.get("GA4_EXPORT_FILES")
    if pattern is not None:
        os.environ["GA4_EXPORT_FILES"] = pattern
    try:
        yield
    finally:
        if pattern is not None:
            del os.environ["GA4_EXPORT_FILES"]
            if before is not None:
                os.environ["GA4_EXPORT_FILES"] = before


def read_profile(
    project_dir: Path, export: str | None, days: int, baseline_days: int = BASELINE_DAYS
) -> Profile:
    """Count the newest days and what the days before them held.

    Args:
        project_dir: The folder of dbt_project.yml.
        export: Glob of export files; None for GA4_EXPORT_FILES, the demo export or the tables.
        days: How many of the newest dates of each property are judged.
        baseline_days: How many dates before these are counted by event name.

    Raises:
        MicroconvError: There is no export, or a table of it that is none of GA4's.
    """
    from microconv.profile import open_export

    with export_named(export), open_export(project_dir) as warehouse:
        return profile_of(warehouse, days, baseline_days)


def profile_of(warehouse: Warehouse, days: int, baseline_days: int) -> Profile:
    """The same through an open connection."""
    listed = [dict(row) for row in warehouse.call_macro("export_shards")]
    if not listed:
        raise MicroconvError(
            "The export holds no day.",
            "Look at ga4_project and ga4_dataset in dbt_project.yml.",
            FINDINGS,
        )
    judged = _newest(listed, days)
    window = _newest(listed, days + baseline_days)
    inside = [shard for shard in listed if _key(shard) in window]
    best = warehouse.call_macro("best_shards", candidates=inside)
    newest = [shard for shard in best if _key(shard) in judged]
    rows = warehouse.run_query(warehouse.call_macro("export_profile", shards=newest))
    return Profile(
        place=_place(warehouse),
        tables=tuple(
            Table(*_key(shard), str(shard["source_table_kind"]), str(shard["path"]))
            for shard in inside
        ),
        days=tuple(rows),
        mix=_mix(warehouse.run_query(warehouse.call_macro("export_event_mix", shards=best))),
        lacking=_lacking(warehouse.run_query(warehouse.call_macro("shard_columns", shards=best))),
        kinds={_key(shard): str(shard["source_table_kind"]) for shard in best},
        judged=tuple(sorted(judged)),
    )


def _place(warehouse: Warehouse) -> str:
    if warehouse.is_duckdb:
        return "export files"
    found = warehouse.call_macro("export_properties")
    return ", ".join(f"{one['project']}.{one['dataset']}" for one in found)


def _key(shard: Mapping[str, Any]) -> Key:
    return str(shard["property_id"]), date.fromisoformat(str(shard["event_date"]))


def _newest(shards: list[dict[str, Any]], days: int) -> set[Key]:
    """Dates of each property that lie in so many days up to its newest one."""
    keys = {_key(shard) for shard in shards}
    last = {of: max(day for own, day in keys if own == of) for of, _ in keys}
    return {(of, day) for of, day in keys if day > last[of] - timedelta(days=days)}


def _mix(rows: list[Record]) -> dict[Key, dict[str, int]]:
    found: dict[Key, dict[str, int]] = {}
    for row in rows:
        day = row["event_date"]
        assert isinstance(day, date)
        of_day = found.setdefault((str(row["property_id"]), day), {})
        of_day[str(row["event_name"])] = int(row["row_count"] or 0)  # type: ignore[arg-type]
    return found


def _lacking(rows: list[Record]) -> dict[Key, tuple[str, ...]]:
    found: dict[Key, tuple[str, ...]] = {}
    for row in rows:
        day = row["event_date"]
        assert isinstance(day, date)
        named = str(row["missing_columns"] or "")
        found[str(row["property_id"]), day] = tuple(named.split(", ")) if named else ()
    return found
