"""The same day with a task per model (Cosmos), for BigQuery: what failed is seen and run by itself.

On DuckDB, where models wait for each other, every task would pay dbt's start for nothing: there
micro_conversions_daily.py is the better one. Switch on one of the two.

Cosmos reads target/manifest.json, which `dbt parse` writes anew when models change.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.sensors.bash import BashSensor
from airflow.sdk import DAG, CronTriggerTimetable
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import InvocationMode, LoadMode, TestBehavior
from micro_conversions_daily import DAY, HOME, MICROCONV, STAGES, TIME_ZONE

TARGET_PATH = Path(HOME, os.environ.get("DBT_TARGET_PATH", "target"))

with DAG(
    "micro_conversions_models",
    schedule=CronTriggerTimetable("0 14 * * *", timezone=TIME_ZONE),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={"day": ""},
    default_args={"retries": 1, "retry_delay": timedelta(minutes=10)},
    is_paused_upon_creation=True,
) as dag:
    wait = BashSensor(
        task_id="wait",
        bash_command=f"{MICROCONV} wait --day {DAY}",
        retry_exit_code=3,
        mode="reschedule",
        poke_interval=timedelta(minutes=10),
        timeout=timedelta(hours=9),
    )
    tasks = {
        name: BashOperator(
            task_id=name, bash_command=f"{MICROCONV} daily --no-wait --queue 30m --only {name}"
        )
        for name in STAGES
        if name != "build"
    }
    tasks["build"] = DbtTaskGroup(
        group_id="build",
        project_config=ProjectConfig(
            dbt_project_path=HOME, manifest_path=TARGET_PATH / "manifest.json"
        ),
        profile_config=ProfileConfig(
            profile_name="micro_conversions",
            target_name=os.environ.get("DBT_TARGET", "duckdb"),
            profiles_yml_filepath=Path(os.environ.get("DBT_PROFILES_DIR", HOME), "profiles.yml"),
        ),
        # A model is built with its tests, and nothing behind it before they passed.
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            test_behavior=TestBehavior.BUILD,
            exclude=["resource_type:exposure"],
        ),
        execution_config=ExecutionConfig(
            dbt_executable_path=Path(HOME, ".venv", "bin", "dbt"),
            invocation_mode=InvocationMode.SUBPROCESS,
        ),
    )
    for name, needs in STAGES.items():
        for one in [tasks[need] for need in needs] or [wait]:
            one >> tasks[name]
