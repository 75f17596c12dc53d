"""Where the export lies: files that a glob names, or tables of BigQuery, and what is there now."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from microconv.aggregates.literals import literal
from microconv.check.engine import engine, sql_text
from microconv.check.exports import DEFAULT_PATTERN, FILE_NAME, damage_of, matching_files
from microconv.check.project import project_variables
from microconv.errors import MicroconvError

# Only a daily table is final; a build takes the others until it comes.
DAILY, FRESH, INTRADAY = "daily", "fresh", "intraday"
_KINDS = {"": DAILY, "fresh_": FRESH, "intraday_": INTRADAY}
_NAME = re.compile(r"events_(intraday_|fresh_)?([0-9]{8})")
_IN_PATH = re.compile(r"analytics_([0-9]+)")
# As in macros/export/export_shards.sql: a property whose id nobody said.
_UNNAMED = "property"


@dataclass(frozen=True)
class Shard:
    """A day's table, as a file or on BigQuery; `fault` says why it cannot be read yet, if so."""

    property_id: str
    day: date
    kind: str
    fault: str = ""


class Place(Protocol):
    """Where exports lie."""

    @property
    def properties(self) -> list[str]:
        """The properties that must be there; empty where only the export itself tells."""
        ...

    def shards(self, day: date | None = None) -> list[Shard]:
        """The tables there are now; those of one day are looked into for faults.

        Raises:
            MicroconvError: The place cannot be looked at.
        """
        ...


@dataclass(frozen=True)
class Files:
    """Daily Parquet files, by a glob as in GA4_EXPORT_FILES."""

    pattern: str
    project_dir: Path

    def __str__(self) -> str:
        return self.pattern

    @property
    def properties(self) -> list[str]:
        """Files alone say which properties there are."""
        return []

    def shards(self, day: date | None = None) -> list[Shard]:
        """The files whose names are those of export days."""
        found = []
        for path in matching_files(self.pattern, self.project_dir):
            named = FILE_NAME.fullmatch(path.name)
            its_day = _day(named.group(2)) if named else None
            if named and its_day:
                in_path = _IN_PATH.search(str(path))
                property_id = in_path.group(1) if in_path else _UNNAMED
                fault = _fault_of_file(path) if its_day == day else ""
                found.append(Shard(property_id, its_day, _KINDS[named.group(1) or ""], fault))
        return found


@dataclass(frozen=True)
class Tables:
    """Tables of BigQuery, of one property or several."""

    datasets: Mapping[str, str]
    """Property id to `project.dataset`."""
    project_dir: Path

    def __str__(self) -> str:
        return ", ".join(self.datasets.values())

    @property
    def properties(self) -> list[str]:
        """Those that dbt_project.yml names."""
        return list(self.datasets)

    def shards(self, day: date | None = None) -> list[Shard]:
        """The tables whose names are those of export days; one metadata query."""
        from microconv.profile import open_warehouse

        with open_warehouse(self.project_dir) as warehouse:
            rows = warehouse.run_query(self.query())
        found = []
        for row in rows:
            named = _NAME.fullmatch(str(row["table_id"]))
            its_day = _day(named.group(2)) if named else None
            if named and its_day:
                fault = "" if row["row_count"] else "has no rows"
                kind = _KINDS[named.group(1) or ""]
                found.append(Shard(str(row["property_id"]), its_day, kind, fault))
        return found

    def query(self) -> str:
        """The statement that lists them: a row per table, whatever its traffic."""
        parts = [
            f"select {literal(property_id, is_duckdb=False)} as property_id, table_id, row_count "
            f"from {_quoted(dataset)}.__TABLES__ "
            r"where regexp_contains(table_id, r'^events_(intraday_|fresh_)?[0-9]{8}$')"
            for property_id, dataset in self.datasets.items()
        ]
        return "\nunion all\n".join(parts)


def find_place(project_dir: Path) -> Place:
    """Where a build would read the export of the target in use.

    Raises:
        MicroconvError: The profile is wrong, or the files are where nobody can look.
    """
    from microconv.profile import load_credentials

    credentials = load_credentials(project_dir)
    if credentials.type != "duckdb":
        variables = project_variables(project_dir)
        return Tables(datasets_of(variables, credentials.database), project_dir)
    pattern = os.environ.get("GA4_EXPORT_FILES") or DEFAULT_PATTERN
    if "://" in pattern:
        raise MicroconvError(
            f"Files behind an address ({pattern}) cannot be looked at.",
            "Copy them beside the database first, or leave the waiting to what copies them.",
        )
    return Files(pattern, project_dir)


def datasets_of(variables: Mapping[str, Any], database: str) -> dict[str, str]:
    """The datasets of the properties, as the macro `export_properties` finds them.

    Args:
        variables: The vars of dbt_project.yml.
        database: The target's project, where nothing else is said.
    """
    found = {}
    for listed in variables.get("ga4_properties") or [{}]:
        named = str(listed.get("dataset") or variables.get("ga4_dataset") or "analytics")
        parts = named.split(".")
        dataset = parts[-1]
        own_project = parts[0] if len(parts) == 2 else None
        project = listed.get("project") or own_project or variables.get("ga4_project") or database
        in_name = dataset.split("analytics_")[-1] if "analytics_" in dataset else _UNNAMED
        found[str(listed.get("property_id") or in_name)] = f"{project}.{dataset}"
    return found


def _quoted(dataset: str) -> str:
    project, _, name = dataset.rpartition(".")
    for part in (project, name):
        if not re.fullmatch(r"[A-Za-z0-9_.:-]+", part):
            raise MicroconvError(
                f"'{dataset}' is no dataset of BigQuery.",
                "Write ga4_dataset in dbt_project.yml as project.dataset.",
            )
    return f"`{project}`.`{name}`"


def _fault_of_file(path: Path) -> str:
    """Why the file cannot be read yet: a copy that is still being written has no end."""
    import duckdb

    try:
        if damage_of(path):
            return "is not whole (still being written, or damaged)"
        name = sql_text(str(path))
        rows = engine().execute(f"select num_rows from parquet_file_metadata({name})")
        [(row_count,)] = rows.fetchall()
    except (OSError, duckdb.Error):
        return "cannot be read"
    return "" if row_count else "has no rows"


def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
