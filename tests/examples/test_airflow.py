"""examples/airflow loads and runs, on DuckDB, a first day and the next one."""

from __future__ import annotations

import json
from pathlib import Path

from example_case import FIRST_DAY, PROJECT, SECOND_DAY, Shop, python_of

DAGS = PROJECT / "examples" / "airflow" / "dags"


def test_airflow_runs_a_first_and_an_incremental_day(tmp_path: Path) -> None:
    python = python_of("airflow")
    shop = Shop(tmp_path)
    home = {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "MICRO_CONVERSIONS_HOME": str(PROJECT),
    }
    airflow = str(python.with_name("airflow"))
    shop.run(airflow, "db", "migrate", also=home)
    shop.run(airflow, "dags", "reserialize", also=home)
    errors = shop.run(airflow, "dags", "list-import-errors", "-o", "json", also=home)
    assert "[]" in errors.splitlines(), "the DAG does not load"
    for day in (FIRST_DAY, SECOND_DAY):
        if day == SECOND_DAY:
            shop.second_day_comes()
        script = str(PROJECT / "tests" / "examples" / "airflow_day.py")
        said = shop.run(str(python), script, str(day), also=home)
        found = json.loads(said.splitlines()[-1])
        assert found["run"] == "success"
        assert set(found["tasks"].values()) == {"success"}
        assert {"wait", "check", "build", "report"} <= set(found["tasks"])
        assert shop.newest_whole_day() == day
        assert shop.is_whole()
