"""examples/airflow loads, and runs on DuckDB."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

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

    def run(self, day: date) -> dict[str, Any]:
        """States of a run's tasks."""
        script = str(PROJECT / "tests" / "examples" / "airflow_day.py")
        said = self.shop.run(str(self.python), script, str(day), also=self.home)
        found = json.loads(said.splitlines()[-1])
        assert found["run"] == "success"
        assert set(found["tasks"].values()) == {"success"}
        tasks: dict[str, Any] = found["tasks"]
        return tasks


@pytest.fixture
def airflow(tmp_path: Path) -> Airflow:
    found = Airflow(python_of("airflow"), Shop(tmp_path))
    found.command("db", "migrate")
    return found


def test_the_dag_loads(airflow: Airflow) -> None:
    airflow.command("dags", "reserialize")
    assert "[]" in airflow.command("dags", "list-import-errors", "-o", "json").splitlines()
    listed = airflow.command("dags", "list", "-o", "json")
    assert '"micro_conversions_daily"' in listed


def test_airflow_runs_a_first_and_an_incremental_day(airflow: Airflow) -> None:
    for day in (FIRST_DAY, SECOND_DAY):
        if day == SECOND_DAY:
            airflow.shop.second_day_comes()
        tasks = airflow.run(day)
        assert {"wait", "check", "build", "report"} <= set(tasks)
        assert airflow.shop.newest_whole_day() == day
        assert airflow.shop.is_whole()
