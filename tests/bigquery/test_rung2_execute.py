"""Rung 2: the same events give the same rows on DuckDB and on Google's reference executor."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import passed
from .analysis import Analysis
from .bq_types import Row
from .compare import differences, key_of
from .compile_offline import Compiled, build_on_duckdb, compile_project
from .conftest import ROOT, VARIABLES, warehouse
from .execute import execute_project, read_duckdb
from .export_schema import EXPORT_2026
from .fixture import write_parquet
from .fixture_events import fixture_events
from .googlesql import Result
from .project import relation

# What a row was made of and when, physically: two warehouses cannot agree on it.
PHYSICAL = {"source_version", "loaded_at", "definitions_version"}
# What exists in a first run by the time that the models which ask for it are compiled.
BUILT_EARLIER = {"stg_ga4__export_days"}


@pytest.fixture(scope="module")
def events() -> list[Row]:
    return fixture_events()


@pytest.fixture(scope="module")
def duckdb(events: list[Row], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Rows of every seed and model as DuckDB builds them, by unique id."""
    work = tmp_path_factory.mktemp("duckdb")
    files = write_parquet(events, EXPORT_2026, work / "export")
    build_on_duckdb(ROOT, work, files, VARIABLES)
    return read_duckdb(work)


@pytest.fixture(scope="module")
def compiled(full: Compiled, analyzed: Analysis, duckdb: dict[str, Result], work: Path) -> Compiled:
    """The first run, compiled while queries that macros run see the parents of their model.

    Those rows come from DuckDB: the test below holds them equal to what BigQuery's would be.
    """
    built = {
        relation(node): Result(analyzed.columns[node["unique_id"]], duckdb[node["unique_id"]].rows)
        for node in full.nodes("seed", "model")
        if node["unique_id"] in duckdb and node["unique_id"] in analyzed.columns
    }
    earlier = {
        name: result.columns
        for name, result in built.items()
        if name.rpartition(".")[2] in BUILT_EARLIER
    }
    first_run = warehouse(EXPORT_2026, earlier, built)
    return compile_project(ROOT, work, first_run, VARIABLES, is_full_refresh=True)


def test_every_model_has_the_same_rows_on_both_warehouses(
    compiled: Compiled, duckdb: dict[str, Result], events: list[Row]
) -> None:
    bigquery = execute_project(compiled, EXPORT_2026, events)
    problems: dict[str, list[str]] = {}
    for node in compiled.nodes("seed", "model"):
        ours, theirs = duckdb[node["unique_id"]], bigquery[node["unique_id"]]
        key = [name for name in key_of(compiled, node, theirs) if name not in PHYSICAL]
        found = differences(node["name"], key, ours, theirs, PHYSICAL)
        problems |= {node["name"]: found} if found else {}
    passed.record("2 executed", [node["name"] for node in compiled.nodes("model")], problems)
    if problems:
        pytest.fail("\n".join(line for found in problems.values() for line in found), pytrace=False)


def test_the_fixture_reaches_every_model(duckdb: dict[str, Result], compiled: Compiled) -> None:
    """Equal because both are empty would prove nothing."""
    empty = [node["name"] for node in compiled.nodes("model") if not duckdb[node["unique_id"]].rows]
    assert empty == []
