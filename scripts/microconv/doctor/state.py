"""Lists, export and warehouse of a project, each looked at as the commands look at it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from microconv.check.exports import DEFAULT_PATTERN, check_export
from microconv.check.project import check_project, project_variables
from microconv.doctor.findings import Finding
from microconv.errors import MicroconvError, NotBuiltError
from microconv.profile import find_profiles_dir, open_export, open_warehouse

if TYPE_CHECKING:
    from microconv.profile import Warehouse

_DAYS = "stg_ga4__export_days"


def list_findings(project_dir: Path) -> Iterator[Finding]:
    """Whether the lists would be accepted."""
    found = check_project(project_dir, seeds_only=True)
    errors, warnings = found.having("error"), found.having("warning")
    counts = f"{found.conversion_count} conversions, {found.funnel_count} funnels"
    if errors:
        first = errors[0]
        said = f"{len(errors)} wrong entries; the first: {first.file}, {first.message}"
        yield Finding("Lists", "fail", said, "`microconv check` lists all of them.")
    elif warnings:
        yield Finding(
            "Lists", "warn", f"{counts}; {len(warnings)} warnings.", "See `microconv check`."
        )
    else:
        yield Finding("Lists", "ok", f"{counts}.")


def setting_findings(project_dir: Path) -> Iterator[Finding]:
    """Whether the property's time zone is one, and whether ids are salted."""
    variables = project_variables(project_dir)
    zone = str(variables.get("property_time_zone") or "")
    try:
        ZoneInfo(zone)
        yield Finding("Settings", "ok", f"Days end in the time zone {zone}.")
    except (ZoneInfoNotFoundError, ValueError):
        yield Finding(
            "Settings",
            "fail",
            f"property_time_zone is '{zone}', which is no time zone.",
            "Write one such as Europe/Berlin in dbt_project.yml.",
        )
    if _reads_tables(variables) and not variables.get("user_id_salt"):
        yield Finding(
            "Settings",
            "warn",
            "user_id_salt is empty: a list of addresses could be matched against the hashes.",
            "Set it in dbt_project.yml before the first build.",
        )


def _reads_tables(variables: Mapping[str, Any]) -> bool:
    return bool(variables.get("ga4_dataset") or variables.get("ga4_properties"))


def profile_findings(project_dir: Path) -> Iterator[Finding]:
    """Whether dbt's profile loads, and where the target lies; its secrets are not shown."""
    folder = find_profiles_dir(project_dir)
    with open_export(project_dir) as warehouse:
        credentials = warehouse.config.credentials
        target = warehouse.config.target_name
        kind = credentials.type
    place = f"{credentials.database}.{credentials.schema}"
    yield Finding("Profile", "ok", f"{folder / 'profiles.yml'}, target {target}: {kind}, {place}.")
    keyfile = getattr(credentials, "keyfile", None)
    if keyfile and _others_may_read(Path(keyfile)):
        yield Finding(
            "Profile", "warn", f"Others may read the key file {keyfile}.", f"chmod 600 {keyfile}"
        )


def _others_may_read(path: Path) -> bool:
    """Whether the file is not its owner's alone, as far as it and its folder say."""
    return (
        path.is_file()
        and bool(path.stat().st_mode & 0o077)
        and bool(path.parent.stat().st_mode & 0o011)
    )


def export_findings(project_dir: Path) -> Iterator[Finding]:
    """Whether there is an export, and its newest day."""
    variables = project_variables(project_dir)
    named = os.environ.get("GA4_EXPORT_FILES")
    if named or not _reads_tables(variables):
        yield from _file_findings(named or DEFAULT_PATTERN, project_dir)
        return
    days = sorted(_export_days(project_dir))
    yield _days_finding("Export", days, "tables")


def _file_findings(pattern: str, project_dir: Path) -> Iterator[Finding]:
    found = check_export(pattern, project_dir, None)
    errors = [one for one in found.problems if one.severity == "error"]
    warnings = [one for one in found.problems if one.severity == "warning"]
    if errors:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        yield Finding("Export", "fail", f"{first.file}: {first.message}{more}", first.remedy)
    elif warnings:
        first = warnings[0]
        yield Finding("Export", "warn", f"{first.file}: {first.message}", first.remedy)
    if found.days:
        yield _days_finding("Export", sorted(found.days), f"files of {pattern}")


def _days_finding(subject: str, days: list[str], what: str) -> Finding:
    if not days:
        return Finding(subject, "fail", f"There are no {what}.", "Look at the export's dataset.")
    first, last = (f"{day[:4]}-{day[4:6]}-{day[6:8]}" for day in (days[0], days[-1]))
    return Finding(subject, "ok", f"{what}: {len(days)} days, {first} to {last}.")


def _export_days(project_dir: Path) -> set[str]:
    """Dates of the export as YYYYMMDD, as a build finds them."""
    with open_export(project_dir) as warehouse:
        shards = warehouse.call_macro("export_shards")
    return {str(shard["event_date"]).replace("-", "") for shard in shards}


def warehouse_findings(project_dir: Path) -> Iterator[Finding]:
    """Whether the tables are there, whether somebody holds them, and what waits to be built."""
    try:
        with open_warehouse(project_dir) as warehouse:
            place, loaded = warehouse.place, _loaded_days(warehouse)
            file = warehouse.config.credentials.path if warehouse.is_duckdb else ""
    except NotBuiltError as error:
        yield Finding("Tables", "warn", "Nothing was built yet.", error.remedy)
        return
    if not loaded:
        yield Finding("Tables", "warn", f"{place}: no day is loaded.", "Run `make build`.")
        return
    first, last = min(loaded), max(loaded)
    yield Finding("Tables", "ok", f"{place}: {len(loaded)} days, {first} to {last}.")
    if file and _others_may_read(Path(file)):
        said = f"Others on this machine may read the visitors in {file}."
        yield Finding("Tables", "warn", said, f"chmod 600 {file}, or close its folder to others.")
    try:
        waiting = sorted(_export_days(project_dir) - {day.replace("-", "") for day in loaded})
    except MicroconvError:
        return  # what is wrong with the export stands in a line of its own
    if waiting:
        listed = ", ".join(waiting[:3]) + (" …" if len(waiting) > 3 else "")
        yield Finding(
            "Freshness",
            "warn",
            f"{len(waiting)} days of the export are not in the tables: {listed}.",
            "Run `make build`.",
        )
    else:
        yield Finding("Freshness", "ok", "Every day of the export is in the tables.")


def _loaded_days(warehouse: Warehouse) -> set[str]:
    rows = warehouse.run_query(
        f"select distinct event_date from {warehouse.relation(_DAYS)} where raw_row_count > 0"
    )
    return {str(row["event_date"]) for row in rows}
