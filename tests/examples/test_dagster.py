"""examples/dagster loads and runs, on DuckDB, a first day and the next one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from example_case import FIRST_DAY, PROJECT, SECOND_DAY, Shop, python_of


def test_dagster_runs_a_first_and_an_incremental_day(tmp_path: Path) -> None:
    python = str(python_of("dagster"))
    shop = Shop(tmp_path)
    shutil.copy(PROJECT / "examples" / "dagster" / "dagster.yaml", tmp_path)
    for day in (FIRST_DAY, SECOND_DAY):
        if day == SECOND_DAY:
            shop.second_day_comes()
        said = shop.run(
            python,
            str(PROJECT / "tests" / "examples" / "dagster_day.py"),
            also={"DAGSTER_HOME": str(tmp_path)},
        )
        found = json.loads(said.splitlines()[-1])
        assert found["sensor"] == "SkipReason", "the demo ends long before today"
        assert found["runs_at_once"] == 1
        names = set(found["materialized"])
        assert {"conversion_catalog", "mart_funnel_steps", "int_export_days_processed"} <= names
        assert {f"microconv/{name}" for name in ("correlate", "watch", "report")} <= names
        assert shop.newest_whole_day() == day
        assert shop.is_whole()
