"""examples/airflow loads, and runs on DuckDB."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from example_case import FIRST_DAY, PROJECT, SECOND_DAY, Shop, python_of

DAGS = PROJECT / "examples" / "airflow" / "dags"


@dataclass
class Airflow:
    """An Airflow with the example's DAGs and a shop to run them on."""

    python: Path
    shop: Shop

    @property
    def home(self) -> dict[str, str]:
        return {
            "AIRFLOW_HOME": str(self.shop.root / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "MICRO_CONVERSIONS_HOME": str(PROJECT),
        }

    def command(self, *arguments: str) -> str:
        return self.shop.run(str(self.python.with_name("airflow")), *arguments, also=self.home)

    def run(self, dag: str, day: date, *only: str) -> dict[str, Any]:
        """States of a run's tasks."""
        script = str(PROJECT / "tests" / "examples" / "airflow_day.py")
        said = self.shop.run(str(self.python), script, dag, str(day), *only, also=self.home)
        found = json.loads(said.splitlines()[-1])
        assert found["run"] == "success"
        assert set(found["tasks"].values()) == {"success"}
        tasks: dict[str, Any] = found["tasks"]
        return tasks


@pytest.fixture
def airflow(tmp_path: Path) -> Airflow:
    found = Airflow(python_of("airflow"), Shop(tmp_path))
    # Cosmos draws its tasks from the manifest.
    found.shop.run(str(PROJECT / ".venv" / "bin" / "dbt"), "--quiet", "parse")
    found.command("db", "migrate")
    return found


def test_every_dag_loads(airflow: Airflow) -> None:
    airflow.command("dags", "reserialize")
    assert "[]" in airflow.command("dags", "list-import-errors", "-o", "json").splitlines()
    listed = airflow.command("dags", "list", "-o", "json")
    for name in ("micro_conversions_daily", "micro_conversions_models"):
        assert f'"{name}"' in listed


def test_airflow_runs_a_first_and_an_incremental_day(airflow: Airflow) -> None:
    for day in (FIRST_DAY, SECOND_DAY):
        if day == SECOND_DAY:
            airflow.shop.second_day_comes()
        tasks = airflow.run("micro_conversions_daily", day)
        assert {"wait", "check", "build", "report"} <= set(tasks)
        assert airflow.shop.newest_whole_day() == day
        assert airflow.shop.is_whole()


def test_a_task_per_model_is_one_of_every_model_and_runs(airflow: Airflow) -> None:
    """All of them would take dbt's start a hundred times: a seed and the largest model do."""
    ran = ("conversion_catalog_seed", "base_ga4__events_model")
    only = ["wait", "check", *(f"build.{name}_build" for name in ran)]
    tasks = airflow.run("micro_conversions_models", FIRST_DAY, *only)
    manifest = json.loads((airflow.shop.root / "target" / "manifest.json").read_text())
    nodes = [one for one in manifest["nodes"].values() if one["resource_type"] in ("model", "seed")]
    assert {f"build.{one['name']}_{one['resource_type']}_build" for one in nodes} == {
        name for name in tasks if name.startswith("build.")
    }
    with duckdb.connect(str(airflow.shop.root / "shop.duckdb"), read_only=True) as connection:
        tables = {row[0] for row in connection.execute("show tables").fetchall()}
        assert tables == {"conversion_catalog", "base_ga4__events"}
        [(newest,)] = connection.execute("select max(event_date) from base_ga4__events").fetchall()
    assert newest == date(2026, 11, 8), "the newest day is intraday"
