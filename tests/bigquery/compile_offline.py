"""A dbt project compiled for BigQuery offline, or built on DuckDB."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .dbt_process import run_dbt
from .stub import Warehouse, serving

PROJECT = "offline-project"
DATASET = "micro_conversions"
EXPORT_DATASET = "analytics_123456"
DATABASE = "fixture.duckdb"  # what a build on DuckDB leaves in its folder

Node = dict[str, Any]


@dataclass(frozen=True)
class Compiled:
    """A project compiled for BigQuery: dbt's manifest and the statements sent while compiling."""

    manifest: dict[str, Any]
    queries: tuple[str, ...]

    def nodes(self, *kinds: str) -> list[Node]:
        """Nodes of the manifest of some resource types ('model', 'seed', 'test', 'analysis')."""
        found = self.manifest["nodes"].values()
        return [node for node in found if node["resource_type"] in kinds]


def compile_project(
    project: Path,
    work: Path,
    warehouse: Warehouse | None = None,
    variables: dict[str, Any] | None = None,
    *,
    is_full_refresh: bool = False,
) -> Compiled:
    """Compile models, tests and analyses for the target `bigquery`, without credentials or network.

    `work` is a folder for the profile, the log and the artifacts. A full refresh treats tables that
    exist as to be built anew: `is_incremental()` is false.
    """
    warehouse = warehouse or Warehouse()
    with serving(warehouse) as address:
        write_profile(project, work, bigquery_output(address))
        flags = ["--full-refresh"] if is_full_refresh else []
        run_dbt(project, work, "compile", *flags, target="bigquery", variables=variables)
    manifest = json.loads((work / "target" / "manifest.json").read_text())
    return Compiled(manifest, tuple(warehouse.queries))


def run_project(
    project: Path,
    work: Path,
    warehouse: Warehouse,
    variables: dict[str, Any] | None = None,
    *,
    is_full_refresh: bool = False,
) -> tuple[str, ...]:
    """Run the models for the target `bigquery`; returns the statements that dbt sent, in order.

    Nothing is computed: the warehouse takes every statement and pretends on as before.
    """
    with serving(warehouse) as address:
        write_profile(project, work, bigquery_output(address))
        flags = ["--full-refresh"] if is_full_refresh else []
        run_dbt(project, work, "run", *flags, target="bigquery", variables=variables)
    return tuple(warehouse.queries)


def build_on_duckdb(
    project: Path, work: Path, events: str, variables: dict[str, Any] | None = None
) -> None:
    """`dbt build` without data tests on DuckDB from the export files of a glob.

    The profile is the example that the project ships, so that it is tested with it. Data tests are
    left out: they judge the data of users, and the fixture is bad on purpose.
    """
    work.mkdir(parents=True, exist_ok=True)
    (work / "profiles.yml").write_text((project / "profiles.example.yml").read_text())
    run_dbt(
        project,
        work,
        "build",
        "--exclude-resource-type=test",
        "--exclude-resource-type=unit_test",
        target="duckdb",
        variables=variables,
        environment={"DUCKDB_PATH": str(work / DATABASE), "GA4_EXPORT_FILES": events},
    )


def write_profile(project: Path, work: Path, output: dict[str, Any]) -> None:
    """A profiles.yml in `work` with one BigQuery output."""
    named = re.search(r"^profile: *(\S+)", (project / "dbt_project.yml").read_text(), re.MULTILINE)
    assert named, "dbt_project.yml names no profile"
    profile = {named[1]: {"target": "bigquery", "outputs": {"bigquery": output}}}
    work.mkdir(parents=True, exist_ok=True)
    (work / "profiles.yml").write_text(json.dumps(profile))  # JSON is YAML


def bigquery_output(address: str) -> dict[str, Any]:
    """A profile's output for a server at an address of this machine."""
    return {
        "type": "bigquery",
        "method": "oauth-secrets",  # `oauth` looks for credentials of the machine
        "token": "no-token",
        "project": PROJECT,
        "dataset": DATASET,
        "location": "US",
        "api_endpoint": address,
        "threads": 4,
        "job_retries": 0,
        "job_execution_timeout_seconds": 60,
    }
