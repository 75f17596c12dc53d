"""Runs every check over a project and gathers what they found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microconv.check.exports import DEFAULT_PATTERN, ExportFiles, check_export
from microconv.check.guard_rails import guard_rail_warnings
from microconv.check.problems import Problem
from microconv.check.references import check_references
from microconv.check.rules import check_table
from microconv.check.schema import SEEDS
from microconv.check.settings import setting_problems
from microconv.check.table import Table, read_table
from microconv.errors import MicroconvError
from microconv.profile import find_seeds_dir

# Used where dbt_project.yml says nothing.
DEFAULT_LIMITS = {"max_funnel_steps": 12, "max_derivation_levels": 3}


@dataclass(frozen=True)
class CheckResult:
    """All problems, and how much was looked at (files and days are None when no files were
    checked).
    """

    problems: list[Problem]
    conversion_count: int
    rule_count: int
    funnel_count: int
    file_count: int | None
    day_count: int | None

    def having(self, severity: str) -> list[Problem]:
        """The errors or the warnings."""
        return [problem for problem in self.problems if problem.severity == severity]


def check_project(
    project_dir: Path,
    export: str | None = None,
    seeds_only: bool = False,
    seeds_dir: Path | None = None,
) -> CheckResult:
    """Check all seeds of a project and the export files that a build would read.

    Args:
        project_dir: The folder of dbt_project.yml.
        export: Glob of export files; None for GA4_EXPORT_FILES or the demo export.
        seeds_only: Leave the export files alone.
        seeds_dir: The folder of the seeds; None for the one that a build would read.

    Raises:
        MicroconvError: dbt_project.yml cannot be read.
    """
    variables = project_variables(project_dir)
    folder = seeds_dir or find_seeds_dir(project_dir)
    tables = {
        name: read_table(folder, name, [c.name for c in columns]) for name, columns in SEEDS.items()
    }
    for table in tables.values():
        check_table(table)
    check_references(
        tables, _limit(variables, "max_funnel_steps"), _limit(variables, "max_derivation_levels")
    )
    problems = [problem for table in tables.values() for problem in in_file_order(table)]
    problems += guard_rail_warnings(tables)
    problems += setting_problems(variables, _micros(tables["conversion_catalog"]))
    files = None if seeds_only else _export_files(project_dir, export, variables)
    return _result(tables, problems, files)


def _micros(catalog: Table) -> list[str]:
    """Names of its micro-conversions; ingredients are none."""
    rows = catalog.rows
    return [row.get("conversion_name") for row in rows if row.get("conversion_type") == "micro"]


def in_file_order(table: Table) -> list[Problem]:
    """The problems of one seed from top to bottom, as somebody with the file open wants them."""
    return sorted(table.problems, key=lambda problem: problem.row or 0)


def project_variables(project_dir: Path) -> Mapping[str, Any]:
    """The vars of dbt_project.yml; empty when it has none.

    Raises:
        MicroconvError: The file is missing or is not YAML.
    """
    import yaml

    path = project_dir / "dbt_project.yml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:  # also a date that is none
        raise MicroconvError(f"{path} cannot be read: {error}") from error
    variables = content.get("vars") if isinstance(content, dict) else None
    return variables if isinstance(variables, dict) else {}


def _limit(variables: Mapping[str, Any], name: str) -> int:
    configured = variables.get(name, DEFAULT_LIMITS[name])
    if not isinstance(configured, int) or isinstance(configured, bool):
        raise MicroconvError(
            f"The var {name} in dbt_project.yml is not a whole number.",
            f"Write {DEFAULT_LIMITS[name]}.",
        )
    return configured


def _export_files(
    project_dir: Path, export: str | None, variables: Mapping[str, Any]
) -> ExportFiles | None:
    """Check the files, unless the project reads tables of BigQuery and nobody named files."""
    named = export or os.environ.get("GA4_EXPORT_FILES")
    reads_tables = variables.get("ga4_dataset") or variables.get("ga4_properties")
    if not named and reads_tables:
        return None
    path = os.environ.get("DUCKDB_PATH") or "target/micro_conversions.duckdb"
    database = None if path.startswith(("md:", ":memory:")) else project_dir / path
    return check_export(named or DEFAULT_PATTERN, project_dir, database)


def _result(
    tables: Mapping[str, Table], problems: list[Problem], files: ExportFiles | None
) -> CheckResult:
    rules = tables["conversion_rules"].rows
    return CheckResult(
        problems=problems + (files.problems if files else []),
        conversion_count=len(tables["conversion_catalog"].rows),
        rule_count=len({(row.get("conversion_name"), row.get("rule_group")) for row in rules}),
        funnel_count=len(tables["funnels"].rows),
        file_count=len(files.files) if files else None,
        day_count=len(files.days) if files else None,
    )
