"""`--as-of`: dbt's own SELECT with another day, and what it says is what a smaller export says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from microconv.aggregates.as_of import whole
from microconv.aggregates.read import MARTS
from microconv.demo import generate_demo
from project_run import PROJECT, Warehouse, shared_warehouse

LAST, EARLIER = date(2026, 10, 31), date(2026, 10, 24)


def test_a_mart_that_reads_a_mart_reads_its_select() -> None:
    found = whole(
        {
            "a": ('"d"."a"', "select 1 as one"),
            "b": ('"d"."b"', 'with a as (select * from "d"."a") select * from a'),
            "c": ('"d"."c"', 'select * from "d"."b"'),
        }
    )
    assert found["a"] == "select 1 as one"
    assert "(select 1 as one) as a" in found["c"] and '"d"' not in found["c"]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    def build(new: Warehouse) -> None:
        new.is_as_shipped = True
        generate_demo(new.export, days=26, visitors_per_day=40, seed=3, until=LAST)
        new.build("-s", *(f"+{mart}" for mart in (*MARTS, "mart_daily_conversions")))

    return shared_warehouse(tmp_path_factory, "as_of", build)


@pytest.fixture
def environment(warehouse: Warehouse, tmp_path: Path) -> dict[str, str]:
    """Where a process of its own finds a copy of the build: dbt keeps state."""
    copy = tmp_path / "micro_conversions.duckdb"
    for file in warehouse.root.glob("micro_conversions.duckdb*"):  # and its log, if there is one
        shutil.copy(file, tmp_path / file.name)
    return {
        **{name: value for name, value in os.environ.items() if name != "DBT_TARGET"},
        "PYTHONPATH": str(PROJECT / "scripts"),
        "DUCKDB_PATH": str(copy),
        "GA4_EXPORT_FILES": str(warehouse.export / "events_*.parquet"),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(warehouse.root / "profiles"),
        "DBT_TARGET_PATH": str(warehouse.root / "target"),
    }


def correlate(environment: dict[str, str], *arguments: str) -> Any:
    command = "from microconv.cli import app; app()"
    options = ("correlate", "--no-write", "--format", "json", *arguments)
    done = subprocess.run(
        [sys.executable, "-c", command, *options], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_another_day_is_known_by_what_it_knew(
    environment: dict[str, str], warehouse: Warehouse
) -> None:
    manifest = warehouse.root / "target" / "manifest.json"
    before = manifest.read_bytes()
    now = correlate(environment)
    assert correlate(environment, "--as-of", LAST.isoformat()) == now
    then = correlate(environment, "--as-of", EARLIER.isoformat())
    # The manifest of the build stays: compiling has a folder of its own.
    assert manifest.read_bytes() == before
    assert {row["as_of_date"] for row in then["evidence_checks"]} == {EARLIER.isoformat()}

    def exposed(found: Any) -> int:
        return sum(row["exposed_count"] for row in found["evidence_micro_conversions"])

    assert 0 < exposed(then) < exposed(now)
